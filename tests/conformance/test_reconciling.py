"""What was exchanged on a day, page by page; what a comparison found missing, and that it is sent again once."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from gateway.clock import new_id
from gateway.errors import Invalid
from gateway.ledger.reconciled import Comparison, Direction
from gateway.ledger.records import AuditFilter, BulkReplay, DeliveryFilter
from gateway.message import State

PENALTY, CREDIT, SOURCE = "penalty.330000", "credit-publicity.330000", "mobile-enforcement.330100"
DAY = 86_400.0


async def delivered(play: Any, *names: str, at: float = 0, **draft: Any) -> list[str]:
    """Have messages accepted and delivered to a platform, a second apart; gives the ids of their deliveries."""
    found = []
    for number, name in enumerate(names):
        entry = await play.accept(name, lane=name, **draft)
        await play.end(entry.deliveries[0].id, State.DELIVERED, at=at + number)
        found.append(entry.deliveries[0].id)
    return found


async def exchanged(ledger: Any, make: Any, direction: Direction = Direction.DELIVERED, **asked: Any) -> list[Any]:
    """All that was exchanged with a platform on the first day, in pages of two."""
    found: list[Any] = []
    cursor = None
    while True:
        platform = asked.get("platform", PENALTY if direction is Direction.DELIVERED else SOURCE)
        since, until = make.at(asked.get("since", 0)), make.at(asked.get("until", DAY))
        page = await ledger.exchanged(platform, direction, since, until, cursor, 2)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def compared(make: Any, id: str = "", **changed: Any) -> Comparison:
    """What a list of the first day came to."""
    at = changed.pop("at", make.at(DAY))
    counts = {"equal": 1, "missing": 2}
    return Comparison(
        id or new_id(at), PENALTY, Direction.DELIVERED, "2026-09-01", at, at, PENALTY, 3, "d", True, counts
    )


# ── the day ───────────────────────────────────────────────────────────────────────────────────
async def test_what_was_delivered_on_a_day(play: Any, ledger: Any, make: Any) -> None:
    """Each page goes on where the last one ended, by when the answer came; with the digest of the body sent."""
    ids = await delivered(play, "m1", "m2", "m3", "m4", "m5", at=10)
    found = await exchanged(ledger, make)
    assert [one.id for one in found] == ids
    assert [one.at for one in found] == [make.at(10 + each) for each in range(5)]
    assert {one.digest for one in found} == {sha256(make.request.body).digest()}
    assert {(one.type, one.state, one.resent) for one in found} == {("case.transferred", "delivered", False)}


async def test_a_day_has_its_borders(play: Any, ledger: Any, make: Any) -> None:
    """Its first moment is in it, the first one of the next day is not; another platform's is not, nor what is open."""
    first, _, third = await delivered(play, "m1", "m2", "m3")
    await delivered(play, "m4", to=(CREDIT,), kind="credit-publicity")
    await play.accept("m5", lane="m5")
    await play.accept("m6", lane="m6")
    await play.end("m6/0", State.REFUSED)
    found = await exchanged(ledger, make, since=1, until=2)
    assert [one.id for one in found] == ["m2/0"]
    assert [one.id for one in await exchanged(ledger, make, until=3)] == [first, "m2/0", third]
    assert await exchanged(ledger, make, since=3) == []


async def test_moments_that_are_equal_are_all_given(play: Any, ledger: Any, make: Any) -> None:
    """A page may end between two deliveries of one moment."""
    for name in ("m1", "m2", "m3", "m4", "m5"):
        await delivered(play, name, at=7)
    assert [one.id for one in await exchanged(ledger, make)] == [f"m{n}/0" for n in range(1, 6)]


async def test_what_was_accepted_on_a_day(play: Any, ledger: Any, make: Any) -> None:
    """By when the bytes came, with their digest: records of one package share it."""
    drafts = [make.draft(f"m{n}", index=n, lane=f"L{n}", received_at=make.at(5)) for n in range(3)]
    await play.receive(*drafts, body=b"<all/>")
    await play.receive(make.draft("m9", lane="L9", received_at=make.at(4)), body=b"<one/>")
    await play.accept("m8", lane="L8", source=CREDIT)
    found = await exchanged(ledger, make, Direction.ACCEPTED)
    assert [one.id for one in found] == ["m9", "m0", "m1", "m2"]
    assert [one.digest for one in found] == [sha256(b"<one/>").digest(), *[sha256(b"<all/>").digest()] * 3]


@pytest.mark.parametrize("cursor", ["x", "1", "1.x", "-1.2", "1.2.3", "9" * 50, "٣.1"])
async def test_a_cursor_of_somebody_else(ledger: Any, make: Any, cursor: str) -> None:
    """Invalid, whatever it is."""
    with pytest.raises(Invalid) as error:
        await ledger.exchanged(PENALTY, Direction.DELIVERED, make.at(), make.at(1), cursor)
    assert error.value.code == "cursor.unknown"


# ── what is listed ────────────────────────────────────────────────────────────────────────────
async def test_listed_deliveries_are_found_in_any_state(play: Any, ledger: Any, make: Any) -> None:
    """Those of the platform alone; an open one has no moment, since no answer came."""
    await delivered(play, "m1")
    await play.accept("m2", lane="m2")
    await delivered(play, "m3", to=(CREDIT,), kind="credit-publicity")
    found = await ledger.exchanged_as(PENALTY, Direction.DELIVERED, ["m1/0", "m2/0", "m3/0", "nothing"])
    by_id = {one.listed_as: one for one in found}
    assert {id: (one.id, one.state) for id, one in by_id.items()} == {
        "m1/0": ("m1/0", "delivered"),
        "m2/0": ("m2/0", "ready"),
    }
    assert by_id["m2/0"].at is None
    assert await ledger.exchanged_as(PENALTY, Direction.DELIVERED, []) == []


async def test_listed_messages_are_found_by_id_and_by_key(play: Any, ledger: Any, make: Any) -> None:
    """A key stands for all messages of its package; other platforms' keys and messages are not found."""
    await play.receive(make.draft("m1"), make.draft("m2", index=1, lane="L2"), key="batch-1")
    await play.receive(make.draft("m3", lane="L3"), key="batch-2")
    found = await ledger.exchanged_as(SOURCE, Direction.ACCEPTED, ["batch-1", "m3", "nothing"])
    assert sorted((one.listed_as, one.id, one.state) for one in found) == [
        ("batch-1", "m1", "accepted"),
        ("batch-1", "m2", "accepted"),
        ("m3", "m3", "accepted"),
    ]
    assert await ledger.exchanged_as(PENALTY, Direction.ACCEPTED, ["batch-1", "m3"]) == []


# ── what is missing ───────────────────────────────────────────────────────────────────────────
async def test_a_comparison_is_kept_once(ledger: Any, make: Any) -> None:
    """With one entry of the audit about its platform, however often it is written."""
    kept = compared(make)
    for _ in range(2):
        await ledger.keep_comparison(kept)
    assert await ledger.comparison(kept.id) == kept
    assert await ledger.comparison("nothing") is None
    page = await ledger.find_audit(AuditFilter(PENALTY))
    [entry] = [one for one in page.items if one.action == "platform.reconciled"]
    assert (entry.actor, entry.detail["missing"], entry.detail["reconciliation"]) == (PENALTY, "2", kept.id)


async def resend(ledger: Any, make: Any, comparison_id: str, replay_id: str, *, stale_ok: bool = False) -> BulkReplay:
    """Replay what a comparison found missing, to the end."""
    chosen = DeliveryFilter("delivered", PENALTY, comparison=comparison_id)
    asked = BulkReplay(replay_id, chosen, "对账补发", "operator", make.at(DAY), stale_ok)
    await ledger.begin_replay(asked, make.intent())
    while (now := await ledger.step_replay(replay_id, 2, make.at(DAY))).finished_at is None:
        pass
    return now


async def test_exactly_the_missing_ones_are_sent_again(play: Any, ledger: Any, make: Any) -> None:
    """As new deliveries, each once: not by the same replay again, nor by another comparison that missed them, too."""
    await delivered(play, "m1", "m2", "m3", "m4")
    missing = [one for one in await exchanged(ledger, make) if one.id in ("m1/0", "m3/0", "m4/0")]
    for kept in (compared(make, "c1"), compared(make, "c2")):
        for _ in range(2):
            await ledger.keep_missing(kept.id, kept.at, [one.place for one in missing])
        await ledger.keep_comparison(kept)
    done = await resend(ledger, make, "c1", "r1")
    assert (done.total, done.replayed, done.skipped) == (3, 3, 0)
    again = [await resend(ledger, make, "c1", "r1"), await resend(ledger, make, "c1", "r3")]
    assert [(each.id, each.replayed) for each in again] == [("r1", 3), ("r3", 0)]
    # While it is open, and once it was delivered: the replay stands for it.
    assert (await resend(ledger, make, "c2", "r4")).replayed == 0
    for new in await play.heads():
        await play.end(new, State.DELIVERED, at=50)
    assert (await resend(ledger, make, "c2", "r5")).replayed == 0
    resent = {one.id: one.resent for one in await exchanged(ledger, make) if "/" in one.id}
    assert resent == {"m1/0": True, "m2/0": False, "m3/0": True, "m4/0": True}


async def test_what_was_refused_again_may_be_sent_again(play: Any, ledger: Any, make: Any) -> None:
    """A replay that its platform refused does not stand for what it replays."""
    await delivered(play, "m1")
    [one] = await exchanged(ledger, make)
    await ledger.keep_missing("c1", make.at(DAY), [one.place])
    assert (await resend(ledger, make, "c1", "r1")).replayed == 1
    [new] = await play.heads()
    await play.end(new, State.REFUSED, at=50)
    assert (await resend(ledger, make, "c1", "r2")).replayed == 1


async def test_a_lane_that_moved_on_keeps_its_order(play: Any, ledger: Any, make: Any) -> None:
    """What comes before something that was delivered is passed over, unless it may be stale."""
    await play.accept("m1")
    await play.accept("m2")
    for name in ("m1/0", "m2/0"):
        await play.end(name, State.DELIVERED)
    first = next(one for one in await exchanged(ledger, make) if one.id == "m1/0")
    await ledger.keep_missing("c1", make.at(DAY), [first.place])
    passed = await resend(ledger, make, "c1", "r1")
    assert (passed.total, passed.replayed, passed.skipped) == (1, 0, 1)
    assert (await resend(ledger, make, "c1", "r2", stale_ok=True)).replayed == 1


async def test_comparisons_go_after_a_month(play: Any, ledger: Any, make: Any) -> None:
    """With what they found missing; later ones stay."""
    await delivered(play, "m1")
    [one] = await exchanged(ledger, make)
    old, new = compared(make, at=make.at(DAY)), compared(make, at=make.at(DAY) + timedelta(days=31))
    for kept in (old, new):
        await ledger.keep_missing(kept.id, kept.at, [one.place])
        await ledger.keep_comparison(kept)
    assert (await ledger.comparison(old.id), await ledger.comparison(new.id)) == (None, new)
    assert (await resend(ledger, make, old.id, "r1")).replayed == 0
    assert (await resend(ledger, make, new.id, "r2")).replayed == 1


async def test_nothing_was_pruned_yet(ledger: Any) -> None:
    """Then there is no moment up to which it was."""
    assert await ledger.pruned_until() is None
