"""What platforms answered a moment ago: kept for so long and no longer, and believed only if it is an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.coordination import MemoryStore
from gateway.hub.query_cache import LARGEST, KeptAnswer, QueryCache

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
ANSWER = KeptAnswer("q1", NOW, (("penalty.decided", {"fine": 20000.5, "party": {"name": "杭州某某电镀有限公司"}}),))


class Time:
    """A clock that the tests move: the same for when something ends, and for how old it is."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        """Give it as seconds."""
        return self.now.timestamp()


@pytest.fixture
def time() -> Time:
    """A clock."""
    return Time()


@pytest.fixture
def store(time: Time) -> MemoryStore:
    """A store by that clock."""
    return MemoryStore(time.ticks)


async def test_an_answer_is_given_until_its_time_is_over(store: MemoryStore, time: Time) -> None:
    """As it was, also one that knows nothing; what was never asked is not there."""
    cache = QueryCache(store, time, 30)
    nothing = KeptAnswer("q2", NOW, ())
    await cache.keep([ANSWER, nothing])
    assert list(await cache.find(["q2", "q3", "q1"])) == [nothing, None, ANSWER]
    time.now += timedelta(seconds=29)
    assert list(await cache.find(["q1"])) == [ANSWER]
    time.now += timedelta(seconds=1)
    assert list(await cache.find(["q1"])) == [None]


async def test_it_is_off_unless_it_is_set(store: MemoryStore, time: Time) -> None:
    """Nothing is kept then, and nothing that others keep is given."""
    off = QueryCache(store, time)
    await off.keep([ANSWER])
    assert list(await QueryCache(store, time, 30).find(["q1"])) == [None]
    await QueryCache(store, time, 30).keep([ANSWER])
    assert list(await off.find(["q1"])) == [None]


async def test_a_store_that_forgets_to_forget_is_not_believed(store: MemoryStore, time: Time) -> None:
    """How old it is counts as well, by the setting of who asks."""
    await QueryCache(store, time, 3600).keep([ANSWER])
    time.now += timedelta(seconds=31)
    assert list(await QueryCache(store, time, 30).find(["q1"])) == [None]


async def test_a_large_answer_is_not_kept(store: MemoryStore, time: Time) -> None:
    """The others of the same moment are."""
    cache = QueryCache(store, time, 30)
    large = KeptAnswer("large", NOW, (("penalty.decided", {"facts": "x" * LARGEST}),))
    await cache.keep([large, ANSWER])
    assert list(await cache.find(["large", "q1"])) == [None, ANSWER]


async def test_no_name_tells_about_whom_it_is(store: MemoryStore, time: Time) -> None:
    """Names of keys are seen by more people than what is kept."""
    await QueryCache(store, time, 30).keep([KeptAnswer("91330110MA2CXY1R13", NOW, ())])
    assert not [key for key in store._kept if "91330110MA2CXY1R13" in key]


FORGED: dict[str, Any] = {
    "empty": b"",
    "no JSON": b"\xff\xfe{",
    "another shape": b'{"question": "q1"}',
    "a list": b"[1, 2]",
    "deep": b'{"question":' + b"[" * 100_000,
    "not text": b'{"question": "q1", "at": "2026-09-01T08:00:00Z", "records": [["a", {"b": "\xff"}]]}',
    "no offset": b'{"question": "q1", "at": "2026-09-01T08:00:00", "records": []}',
    "no document": b'{"question": "q1", "at": "2026-09-01T08:00:00Z", "records": [["a", 1]]}',
    "another question's": msgspec.json.encode(KeptAnswer("q2", NOW, ())),
}


@pytest.mark.parametrize("forged", FORGED)
async def test_what_is_no_answer_is_none(store: MemoryStore, time: Time, forged: str) -> None:
    """Somebody else's bytes, or an answer to another question."""
    cache = QueryCache(store, time, 30)
    await cache.keep([ANSWER])
    (key,) = store._kept
    await store.put({key: FORGED[forged]}, 30)
    assert list(await cache.find(["q1"])) == [None]
