"""Messages followed on both engines: none is missed, whatever changes meanwhile, and positions never go back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.ledger.followed import AUDIT_EXPORT
from gateway.ledger.records import AuditEntry, Retention
from gateway.message import State

AJ, CF, DAY = "AJ-1", "CF-77", 86_400.0


async def shown(ledger: Any, position: int = 0, limit: int = 100) -> list[str]:
    """The messages behind a position."""
    return [each.id for each in (await ledger.messages_after(position, limit)).messages]


async def test_messages_are_given_in_the_order_in_which_they_came(play: Any, ledger: Any) -> None:
    """Page after page, each from the position of the one before; the last one is empty and stays where it is."""
    assert (await ledger.messages_after(0)).position == 0
    for name in "abcde":
        await play.accept(name, lane=name)
    first = await ledger.messages_after(0, 2)
    assert ([each.id for each in first.messages], first.more) == (["a", "b"], True)
    assert first.messages[0] == await ledger.message("a")
    assert await shown(ledger, first.position) == ["c", "d", "e"]
    last = await ledger.messages_after(first.position)
    end = await ledger.messages_after(last.position)
    assert (end.messages, end.position, end.more) == ((), last.position, False)


async def test_entries_of_the_audit_are_given_in_the_order_of_their_numbers(ledger: Any, make: Any) -> None:
    """Page after page, each behind the last number of the one before."""
    assert (await ledger.audit_after(0)).entries == ()
    await ledger.note([AuditEntry(make.at(), "wang-wei", "body.read", name) for name in "abc"])
    first = await ledger.audit_after(0, 2)
    assert ([each.entry.subject for each in first.entries], first.more) == (["a", "b"], True)
    last = await ledger.audit_after(first.entries[-1].seq)
    assert ([each.entry.subject for each in last.entries], last.more) == (["c"], False)


async def test_the_export_of_the_audit_is_shown_no_messages(play: Any, ledger: Any, make: Any) -> None:
    """It follows under a name, too, and what changed of messages is not kept for it."""
    await tie(play, make)
    await ledger.follow(AUDIT_EXPORT)
    await ledger.keep_followed(AUDIT_EXPORT, 7)
    await settle(play)
    assert (await ledger.followed(AUDIT_EXPORT)).position == 7
    assert await ledger.changed_messages(AUDIT_EXPORT) == []


async def test_a_position_is_kept_and_never_goes_back(play: Any, ledger: Any, opening: Any) -> None:
    """It is there after a restart; a process that stood still and keeps an older one changes nothing."""
    assert (await ledger.followed("clocks")).position == 0
    assert await ledger.follow("clocks")
    await ledger.keep_followed("clocks", 7)
    await ledger.keep_followed("clocks", 5)
    await ledger.stop()
    again = opening()
    await again.start()
    assert [(await again.followed(name)).position for name in ("clocks", "figures")] == [7, 0]
    await again.stop()
    await ledger.start()


async def test_it_is_told_since_when_a_message_waits_to_be_seen(play: Any, ledger: Any, make: Any) -> None:
    """By the moment at which the first one behind the position came; none when all were seen."""
    assert (await ledger.followed("clocks")).unseen_since is None
    await play.accept("a", received_at=make.at(5))
    await play.accept("b", lane="L2", received_at=make.at(9))
    await ledger.follow("clocks")
    assert (await ledger.followed("clocks")).unseen_since == make.at(5)
    await ledger.keep_followed("clocks", (await ledger.messages_after(0, 1)).position)
    assert (await ledger.followed("clocks")).unseen_since == make.at(9)
    await ledger.keep_followed("clocks", (await ledger.messages_after(0)).position)
    assert (await ledger.followed("clocks")).unseen_since is None


async def test_a_right_is_taken_once_by_a_process(ledger: Any) -> None:
    """Whoever has it gets it again, under each name apart."""
    before = await ledger.followed("clocks")
    assert (before.mine, before.free) == (False, True)
    assert await ledger.follow("clocks")
    assert await ledger.follow("clocks")
    assert ((await ledger.followed("clocks")).mine, (await ledger.followed("figures")).mine) == (True, False)


async def tie(play: Any, make: Any) -> None:
    """The penalty platform calls case AJ-1 by its own number before its answer says so: b1 and b2 change case."""
    named = {"document": {"case_number": AJ}, "keys": {"case_number": AJ}, "numbers": {"case_number": AJ}}
    await play.accept("a1", lane=AJ, correlation_id="a1", **named)
    await play.begin("a1/0")
    for name in ("b1", "b2"):
        said = {"document": {"case_number": CF}, "keys": {"case_number": CF}, "numbers": {"case_number": CF}}
        await play.accept(name, lane=CF, source=make.penalty, correlation_id="b1", to=[make.source], **said)


async def settle(play: Any) -> None:
    """Its answer says so."""
    await play.settle("a1/0", State.DELIVERED, at=5, reference=CF, alias=("case_number", AJ))


async def test_messages_of_another_case_are_shown_again(play: Any, ledger: Any, make: Any) -> None:
    """To whoever follows already, as they stand now; once they were seen, no more."""
    await tie(play, make)
    await ledger.follow("clocks")
    await ledger.keep_followed("clocks", (await ledger.messages_after(0)).position)
    await settle(play)
    changed = await ledger.changed_messages("clocks")
    assert [(each.message.id, each.message.correlation_id) for each in changed] == [("b1", "a1"), ("b2", "a1")]
    assert await ledger.changed_messages("clocks", 1) == changed[:1]
    assert await ledger.changed_messages("figures") == []
    await ledger.keep_followed("clocks", 0, changed[:1])
    assert await ledger.changed_messages("clocks") == changed[1:]
    await ledger.follow("figures")
    assert [each.correlation_id for each in (await ledger.messages_after(0)).messages] == ["a1"] * 3


async def test_what_changes_again_before_that_was_kept_is_shown_again(play: Any, ledger: Any, make: Any) -> None:
    """A change that was read, and another one since: only the first was seen."""
    await tie(play, make)
    await ledger.follow("clocks")
    await settle(play)
    read = await ledger.changed_messages("clocks")
    more = {"document": {"case_number": "X"}, "keys": {"case_number": "X"}, "numbers": {"case_number": "X"}}
    await play.accept("x", lane="X", correlation_id="x", to=[make.credit], **more)
    await play.accept("y", lane=AJ, source=make.credit, correlation_id="a1", to=[], numbers={"case_number": AJ})
    await play.end("x/0", State.DELIVERED, reference=AJ, alias=("case_number", "X"))
    await ledger.keep_followed("clocks", 0, read)
    left = await ledger.changed_messages("clocks")
    assert {each.message.id for each in left} >= {"b1", "b2"}
    assert all(each.times > 1 for each in left if each.message.id in ("b1", "b2"))


async def test_what_was_pruned_is_passed(play: Any, ledger: Any, make: Any) -> None:
    """Neither it nor its remnant is shown; a change of it has no message any more, and is done with all the same."""
    await tie(play, make)
    await ledger.follow("clocks")
    await settle(play)
    for each in ("b1/0", "b2/0"):
        await play.end(each, State.DELIVERED, at=6)
    await play.accept("new", lane="new", received_at=make.at(900 * DAY))
    kept = Retention(timedelta(days=400), timedelta(days=200))
    for day, seen in ((0, 0.0), (900, 900 * DAY)):
        while (await ledger.prune(kept, "pruner", make.at(day * DAY), seen=seen)).more:
            seen = 0.0
    assert (await ledger.message("b1")).document == {}
    assert await shown(ledger) == ["new"]
    changed = await ledger.changed_messages("clocks")
    assert [each.message for each in changed] == [None, None]
    await ledger.keep_followed("clocks", 0, changed)
    assert await ledger.changed_messages("clocks") == []
