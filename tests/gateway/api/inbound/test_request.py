"""What a request says about itself is read once, in bounds, and never believed beyond what arrives."""

import pytest

from gateway.api.inbound.request import Gone, Incoming, check_length, idempotency_key, language, read_body
from schemas.findings import Rejected


def told(**headers: str) -> Incoming:
    """Give a request that says these things about itself."""
    return Incoming.of(
        {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    )


def stream(*parts: bytes, then: str = "http.request"):
    """A receive channel that gives the parts one by one, and counts how many were asked for."""
    events = [{"type": then, "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)]
    asked: list[int] = []

    async def receive():
        asked.append(1)
        return events.pop(0)

    return receive, asked


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en;q=0.3, zh;q=0.9", "zh-CN"),
        ("fr", "zh-CN"),
        ("*", "zh-CN"),
        ("en;q=1.2.3", "zh-CN"),
        (";;;,,,", "zh-CN"),
    ],
)
def test_english_only_for_those_who_prefer_it(header, expected):
    """Chinese is the language, unless English weighs more."""
    assert language(header) == expected


def test_headers_are_read_once_for_a_request():
    """The same scope gives the same value, trace id included."""
    scope = {"headers": [(b"accept-language", b"en")]}
    assert Incoming.of(scope) is Incoming.of(scope)


def test_a_trace_is_continued():
    """A caller's traceparent gives the trace id; a malformed one gives a new one."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert told(traceparent=f"00-{trace}-00f067aa0ba902b7-01").trace_id == trace
    assert len(told(traceparent="nonsense").trace_id) == 32


def taken(size: int) -> None:
    """Have room for any number of bytes."""


async def test_every_byte_is_counted_as_it_arrives():
    """So that a body without a length cannot take more room than there is."""
    counted: list[int] = []
    receive, _ = stream(b"one ", b"two ", b"three")
    await read_body(receive, 100, counted.append)
    assert sum(counted) == 13


@pytest.mark.parametrize("keys", [[b"a", b"b"], [b""], ["键".encode()], [b"k" * 256]])
def test_a_key_that_cannot_be_kept_or_is_one_of_two_is_bad_request(keys):
    """400: nobody could tell which of them the request is to be known by."""
    with pytest.raises(Rejected) as caught:
        idempotency_key({"headers": [(b"idempotency-key", key) for key in keys]})
    assert (caught.value.status, caught.value.code) == (400, "idempotency.key-invalid")
    assert idempotency_key({"headers": [(b"idempotency-key", b"k-1")]}) == "k-1"
    assert idempotency_key({"headers": []}) is None


async def test_a_body_in_parts_is_put_together():
    """However it is cut, the body is the whole of it."""
    receive, _ = stream(b"one ", b"two ", b"three")
    assert await read_body(receive, 100, taken) == b"one two three"


def test_a_declared_length_beyond_the_limit_is_rejected_unread():
    """Nothing is read of a body that says it is too large."""
    with pytest.raises(Rejected) as caught:
        check_length(told(content_length="11000000"), 1000)
    assert caught.value.status == 413


@pytest.mark.parametrize("declared", ["3", "lies", "-5", "9" * 400 + "x"])
async def test_a_length_that_lies_is_counted_anyway(declared):
    """A body larger than its declared length is stopped at the limit, not read to its end."""
    check_length(told(content_length=declared), 1000)
    receive, asked = stream(*[b"x" * 100] * 50)
    with pytest.raises(Rejected) as caught:
        await read_body(receive, 1000, taken)
    assert caught.value.code == "body.too-large"
    assert len(asked) == 11


async def test_a_body_of_exactly_the_limit_passes():
    """The limit itself is allowed, in one part or in several."""
    receive, _ = stream(b"x" * 1000)
    assert len(await read_body(receive, 1000, taken)) == 1000
    receive, _ = stream(b"x" * 999, b"x")
    assert len(await read_body(receive, 1000, taken)) == 1000


async def test_nobody_is_left_to_answer():
    """A caller that leaves in the middle is noticed."""
    receive, _ = stream(b"", then="http.disconnect")
    with pytest.raises(Gone):
        await read_body(receive, 1000, taken)
