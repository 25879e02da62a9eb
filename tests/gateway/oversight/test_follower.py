"""The follower shows every message at least once, whatever fails or changes meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import Unavailable
from gateway.ledger.records import Retention
from gateway.message import Message
from gateway.oversight.follower import Follower

MOBILE, PENALTY = "mobile-enforcement.330110", "penalty.330110"


class Diary:
    """An observer that notes what it was shown; while there is one among them that it cannot bear, it fails."""

    def __init__(self, name: str = "diary", *, poison: str = "", until: int = 0) -> None:
        self.name = name
        self.poison = poison
        self.fails = 0
        self.shown: list[list[str]] = []
        self.cases: dict[str, str] = {}
        self.whole = asyncio.Event()
        self._until = until

    async def see(self, messages: Sequence[Message]) -> None:
        """Note to which case each belongs, by its number."""
        numbers = [str(each.document["case_number"]) for each in messages]
        self.shown.append(numbers)
        if self.fails:
            self.fails -= 1
            raise ValueError("not now")
        if self.poison in numbers:
            raise ValueError("this one cannot be borne")
        self.cases |= {each.id: each.correlation_id for each in messages}
        if len(self.cases) == self._until:
            self.whole.set()


@pytest.fixture
async def town(racing: Any) -> Any:
    """A desk with two platforms over a ledger that fails as it is told to."""
    await racing.at(MOBILE, PENALTY)
    return racing


async def send(town: Any, write: Any, *numbers: str) -> list[Any]:
    """Keep a case each."""
    return [await town.send(MOBILE, "case.transferred", write.case(case_number=each)) for each in numbers]


async def position(town: Any) -> int:
    """Up to where the diary was shown messages, as the ledger has it."""
    return int((await town.ledger.followed("diary")).position)


async def test_each_observer_sees_every_message_once(town: Any, write: Any) -> None:
    """Those that were there before, in portions, and those that come later."""
    await send(town, write, "1", "2", "3")
    first, second = Diary(), Diary("figures")
    follower = Follower(town.ledger, (first, second), most=2)
    assert await follower.step() == 4
    assert await follower.step() == 2
    assert await follower.step() == 0
    await send(town, write, "4")
    assert await follower.step() == 2
    assert first.shown == second.shown == [["1", "2"], ["3"], ["4"]]


async def test_it_goes_on_where_it_was_after_a_restart(town: Any, write: Any) -> None:
    """What was seen and kept is not shown again by another process."""
    await send(town, write, "1")
    await Follower(town.ledger, (Diary(),)).step()
    await send(town, write, "2")
    later = Diary()
    await Follower(town.ledger, (later,)).step()
    assert later.shown == [["2"]]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_position_is_kept_after_what_was_made_of_the_messages(town: Any, write: Any, when: str) -> None:
    """Where it ends between the two, messages come twice and none is missed."""
    await send(town, write, "1", "2")
    getattr(town.ledger, f"fail_{when}")("keep_followed")
    diary = Diary()
    follower = Follower(town.ledger, (diary,))
    with pytest.raises(Unavailable):
        await follower.step()
    await send(town, write, "3")
    await Follower(town.ledger, (diary,)).step()
    assert diary.shown[0] == ["1", "2"]
    assert diary.shown[1:] == ([["1", "2", "3"]] if when == "before" else [["3"]])


async def test_what_an_observer_could_not_keep_is_not_passed(town: Any, write: Any) -> None:
    """It is shown again, fewer at a time, so that all in front of it are done with; the others go on."""
    await send(town, write, "1", "2", "3", "4")
    diary, other = Diary(poison="4"), Diary("figures")
    follower = Follower(town.ledger, (other, diary), most=4)
    for _ in range(5):
        with suppress(ValueError):
            await follower.step()
    assert other.shown == [["1", "2", "3", "4"]]
    assert diary.shown == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["4"]]
    diary.poison = ""
    await follower.step()
    assert len(diary.cases) == 4


async def test_a_case_that_was_tied_to_another_is_shown_again(town: Any, write: Any) -> None:
    """With the correlation that it has since: whoever kept something by its old one is told."""
    [case] = await send(town, write, "AJ-1")
    claim = await town.begin(case.deliveries[0])
    back = await town.send(PENALTY, "case.progressed", write.progress(case_number="CF-7"))
    diary = Diary()
    follower = Follower(town.ledger, (diary,))
    await follower.step()
    assert diary.cases[back.message.id] != diary.cases[case.message.id]
    town.ledger.fail_before("keep_followed")
    await town.settle_as(claim, case.deliveries[0], "case_number", "AJ-1", "CF-7")
    with pytest.raises(Unavailable):
        await follower.step()
    assert await follower.step() == 1
    assert diary.cases[back.message.id] == diary.cases[case.message.id]
    assert diary.shown == [["AJ-1", "CF-7"], ["AJ-1"], ["AJ-1"]]
    assert await follower.step() == 0


async def test_messages_that_were_pruned_meanwhile_are_passed(town: Any, write: Any) -> None:
    """They are not shown, and nothing waits for them."""
    await send(town, write, "1", "2")
    gate = town.ledger.hold_before("messages_after")
    diary = Diary()
    step = asyncio.create_task(Follower(town.ledger, (diary,)).step())
    await gate.reached()
    for each in await town.heads(PENALTY):
        await town.accept_as(each.delivery, "case_number", each.message.document["case_number"], "")
    kept, day = Retention(timedelta(days=2), timedelta(days=1)), 86_400.0
    for days in (0, 300):
        seen = days * day
        while (await town.ledger.prune(kept, "pruner", town.clock() + timedelta(days=days), seen=seen)).more:
            seen = 0.0
    gate.open()
    await step
    assert diary.shown == [["2"]], "the newest case stays"
    assert await position(town) == (await town.ledger.messages_after(0)).position


async def test_it_runs_and_says_what_it_could_not_show(town: Any, write: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Until it is stopped; after a failure it tries again, and the log names the observer and the message."""
    [first, *_] = await send(town, write, "1", "2", "3")
    diary = Diary(until=3)
    diary.fails = 1
    town.ledger.fail_before("keep_followed")
    follower = Follower(town.ledger, (diary,), every=0.001, pause=0.001, most=1)
    with caplog.at_level(logging.WARNING):
        follower.start()
        async with asyncio.timeout(20):
            await diary.whole.wait()
        await follower.stop()
    assert f"diary did not bear {first.message.id} and 0 more" in caplog.text
    assert "diary could not go on" in caplog.text
    assert await position(town) == (await town.ledger.messages_after(0)).position


async def test_it_tells_how_far_behind_each_observer_is(town: Any, write: Any) -> None:
    """By the moment at which the oldest message came that it was not shown yet."""
    [first] = await send(town, write, "1")
    follower = Follower(town.ledger, (Diary(),))
    [standing] = await follower.standing()
    assert (standing.observer, standing.unseen_since) == ("diary", first.message.received_at)
    await follower.step()
    assert (await follower.standing())[0].unseen_since is None
