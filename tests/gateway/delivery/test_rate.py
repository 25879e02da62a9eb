from __future__ import annotations

from gateway.delivery.rate import Bucket

NOW = 1000.0


def test_without_a_rate_nothing_waits() -> None:
    """An unlimited platform gets requests as fast as its slots allow."""
    bucket = Bucket(None)
    for _ in range(1000):
        bucket, wait = bucket.take(NOW)
        assert wait == 0


def test_over_a_second_no_more_than_the_rate_goes_out() -> None:
    """Whoever takes whenever a token is there gets the rate, not more than a tenth of a second ahead."""
    bucket, now, taken = Bucket(50.0), NOW, 0
    while now < NOW + 2:
        bucket, wait = bucket.take(now)
        taken += wait == 0
        now += wait
    assert 98 <= taken <= 106


def test_a_long_silence_saves_up_only_a_tenth_of_a_second() -> None:
    """A burst after an idle night is still bounded."""
    bucket, taken = Bucket(50.0, at=NOW - 9 * 3600), 0
    while True:
        bucket, wait = bucket.take(NOW)
        if wait > 0:
            break
        taken += 1
    assert taken == 5


def test_a_platform_that_asks_for_rest_gets_it() -> None:
    """Nothing goes out before the rest is over, rate or no rate."""
    resting = Bucket(None).rest(NOW + 7)
    assert (resting.rests(NOW + 3), resting.take(NOW + 3)[1]) == (True, 4)
    assert (resting.rests(NOW + 7), resting.take(NOW + 7)[1]) == (False, 0)
    assert not resting.rested().rests(NOW)
