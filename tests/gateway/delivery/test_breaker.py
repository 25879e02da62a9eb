"""The breaker counts distinct lanes, not attempts; times are ticks."""

from __future__ import annotations

from datetime import timedelta

from gateway.delivery.breaker import Breaker, BreakerPhase, BreakerPolicy

NOW = 1000.0
POLICY = BreakerPolicy(lanes=3, cool_down=timedelta(seconds=5), longest=timedelta(seconds=12))


def after(story: str, breaker: Breaker | None = None) -> Breaker:
    """Record attempts of lanes named by letters: `a` failed, `A` was answered."""
    breaker = breaker or Breaker(POLICY)
    for letter in story:
        lane = letter.lower()
        breaker = breaker.succeeded(lane) if letter.isupper() else breaker.failed(lane, NOW)
    return breaker


def test_it_opens_when_enough_lanes_failed() -> None:
    """Three lanes, one after the other."""
    assert after("ab").phase is BreakerPhase.CLOSED
    assert after("abc").phase is BreakerPhase.OPEN


def test_one_lane_that_fails_over_and_over_opens_nothing() -> None:
    """A poison document is one lane, however often it is tried."""
    assert after("a" * 100 + "b" * 100).phase is BreakerPhase.CLOSED


def test_a_success_of_another_lane_starts_the_count_anew() -> None:
    """Who failed before it is a suspect, and counts no more."""
    assert after("abX" + "ab").phase is BreakerPhase.CLOSED
    assert after("abX" + "abc").phase is BreakerPhase.CLOSED
    assert after("abX" + "abcde").phase is BreakerPhase.OPEN


def test_any_number_of_suspects_opens_nothing() -> None:
    """Ten poison documents among good ones."""
    poison = "abcdefghij"
    assert after("".join(f"{lane}X" for lane in poison) + poison * 5).phase is BreakerPhase.CLOSED


def test_a_suspect_that_succeeded_counts_again() -> None:
    """It was not its fault, or is no more."""
    assert not after("aX" + "A").is_suspect("a")
    assert after("aX" + "A" + "abc").phase is BreakerPhase.OPEN


def test_a_lane_that_was_given_up_is_forgotten() -> None:
    """What comes next in it is another document."""
    assert after("abX").forgotten("a").forgotten("b") == after("ab").forgotten("a").forgotten("b").__class__(
        POLICY, counted=2
    )


def test_an_answer_to_one_that_was_under_way_closes_nothing() -> None:
    """Only the probe closes an open breaker."""
    assert after("abc" + "X").phase is BreakerPhase.OPEN


def test_it_lets_one_probe_out_after_the_cool_down() -> None:
    """Open for the cool-down, then a probe may go."""
    opened = after("abc")
    assert not opened.may_probe(NOW + 4.9)
    assert opened.may_probe(NOW + 5)
    assert not opened.probing().may_probe(NOW + 5)


def test_an_answered_probe_closes_it_and_who_failed_is_suspect() -> None:
    """The platform is there; those that failed must show that it was not their fault."""
    closed = after("abc").probing().probed("x", NOW, well=True)
    assert (closed.phase, closed.openings, closed.fresh) == (BreakerPhase.CLOSED, 0, frozenset())
    assert [closed.is_suspect(lane) for lane in "abcx"] == [True, True, True, False]
    assert after("abc", closed).phase is BreakerPhase.CLOSED


def test_each_failed_probe_doubles_the_cool_down_up_to_the_longest() -> None:
    """5 s, 10 s, then 12 s and no more."""
    breaker, waits = after("abc"), []
    for lane in "wxyz":
        waits.append(breaker.until - NOW)
        breaker = breaker.probing().probed(lane, NOW, well=False)
    assert waits == [5, 10, 12, 12]


def test_a_probe_that_tells_nothing_changes_nothing() -> None:
    """It never left, say: the next may go at once."""
    opened = after("abc")
    assert opened.probing().probed("x", NOW, well=None) == opened


def test_a_change_lets_the_next_probe_go_at_once() -> None:
    """An operator gave the platform another address: no need to wait."""
    assert after("abc").cooled().may_probe(NOW)


def test_probes_rotate_from_those_that_did_not_fail_to_those_that_failed_longest_ago() -> None:
    """A lane that has just failed is the last to be asked again."""
    breaker = after("abc")
    tried = []
    for _ in range(5):
        place = breaker.choose("abcx")
        assert place is not None
        lane = "abcx"[place]
        tried.append(lane)
        breaker = breaker.probing().probed(lane, NOW, well=False)
    assert tried == ["x", "a", "b", "c", "x"]


def test_the_lanes_it_remembers_are_bounded() -> None:
    """A platform with very many lanes that is down for days."""
    breaker = after("abc")
    for number in range(3000):
        breaker = breaker.failed(f"lane {number}", NOW)
    assert len(breaker.failures) == 1000
    assert breaker.choose(["lane 2999", "lane 2000", "a"]) == 2
    assert breaker.choose(["lane 2999", "lane 2000"]) == 1
    assert breaker.choose([]) is None


def test_probes_are_not_always_the_first_in_order() -> None:
    """Poison often stands together, at the front: of many that did not fail each probe is another."""
    breaker, lanes = after("abc"), [f"lane {number}" for number in range(16)]
    chosen = set()
    for _ in range(4):
        place = breaker.choose(lanes)
        assert place is not None
        chosen.add(place)
        breaker = breaker.probing().probed("abc"[len(chosen) % 3], NOW, well=False)
    assert len(chosen) == 4
