from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import HutongError
from gateway.ledger.records import BulkReplay, Claim, DeliveryFilter, IntakeDraft, Platform, Settlement, Unrouted
from gateway.message import State

PENALTY, CREDIT = PLATFORMS = ("penalty.330000", "credit-publicity.330000")
OWN, ORIGINAL = LANES = ("CF-77", "AJ-1")
ENDINGS = (State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY)
BULK = (State.DEAD, State.REFUSED, State.DELIVERED)

KEPT = (
    "SELECT platform, kind, type, state, held_by, sum(count) FROM counts GROUP BY 1, 2, 3, 4, 5 HAVING sum(count) <> 0"
)
COUNTED = """
SELECT COALESCE(platform, ''), kind, type, state,
       CASE WHEN state NOT IN ('ready', 'waiting') THEN ''
            WHEN held_at IS NOT NULL THEN 'operator'
            WHEN EXISTS (SELECT 1 FROM deliveries ahead WHERE ahead.state = 'dead' AND ahead.lane = d.lane
                         AND ahead.platform = d.platform AND ahead.position < d.position) THEN 'lane'
            ELSE '' END AS holder,
       COUNT(*)
FROM deliveries d WHERE state NOT IN ('delivered', 'refused', 'discarded') GROUP BY 1, 2, 3, 4, 5
"""
"""What is kept, counted from the beginning."""


def kept_and_counted(path: Path) -> tuple[set[Any], set[Any]]:
    """The counts that are kept, and those that are true."""
    database = sqlite3.connect(path)
    kept, counted = (set(database.execute(query).fetchall()) for query in (KEPT, COUNTED))
    database.close()
    return kept, counted


def takes(unrouted: Unrouted) -> str | None:
    """Gives each unrouted delivery to the platform of its kind."""
    return next(each for each in PLATFORMS if each.startswith(unrouted.kind))


class Walk:
    """Does anything to a ledger, at random; what cannot be done is answered with an error, and changes nothing."""

    def __init__(self, ledger: Any, small: Any, seed: int) -> None:
        self.ledger, self.small, self.random = ledger, small, Random(seed)
        self.ids: list[str] = []
        self.claims: dict[str, Claim] = {}
        self.names = 0
        self.actions = (
            *[self.accept] * 4,
            *[self.settle_head] * 6,
            *[self.operate, self.replay] * 3,
            *[self.begin, self.settle, self.kill, self.rescue, self.unbegin, self.assign] * 2,
            self.replay_many,
            self.register_anew,
        )

    async def register(self, id: str) -> None:
        kind, region = id.split(".")
        await self.ledger.put_platform(
            Platform(id, kind, region, kind, {}, self.small.now), self.small.intent, lambda unrouted: None
        )
        self.claims[id] = await self.ledger.claim(id)

    async def step(self) -> str:
        """Do one thing, and tell which."""
        action = self.random.choice(self.actions)
        try:
            await action()
        except HutongError as error:
            return f"{action.__name__}: {error.code}"
        return action.__name__

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self) -> None:
        """Keep messages of one lane; in some the penalty platform speaks of its own number."""
        spoken, lane = self.random.random() < 0.3, self.random.choice(LANES)
        drafts = [self.draft(lane, spoken) for _ in range(self.random.randint(1, 3))]
        revision = (await self.ledger.registry()).revision
        package = self.small.package(*drafts, body=drafts[0].message.id.encode())
        await self.ledger.accept(replace(package, revision=revision))
        self.ids.extend(each.id for draft in drafts for each in draft.deliveries)

    def draft(self, lane: str, spoken: bool) -> IntakeDraft:
        self.names += 1
        draft: IntakeDraft = self.small.draft(f"m{self.names}", lane)
        [delivery] = draft.deliveries
        routed = [replace(delivery, id=f"m{self.names}/{i}", platform=None) for i in range(2)]
        to = [self.random.choice((None, each, each)) for each in PLATFORMS]
        made = tuple(
            replace(
                each,
                platform=platform,
                kind=kind.split(".")[0],
                state=State.READY if platform else State.UNROUTED,
                toward=None if platform else "nearest",
            )
            for each, platform, kind in zip(routed, to, PLATFORMS, strict=True)
        )
        message = replace(draft.message, source=PENALTY) if spoken else draft.message
        numbers = {"case_number": OWN if spoken else ORIGINAL}
        return replace(draft, message=message, deliveries=made, numbers=numbers)

    async def assign(self) -> None:
        await self.ledger.assign(["penalty", "credit-publicity"], takes, self.small.now)

    async def register_anew(self) -> None:
        platform = self.random.choice(PLATFORMS)
        try:
            await self.ledger.delete_platform(platform, self.small.intent)
        finally:
            await self.register(platform)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    def pick(self) -> str:
        """One of the newest deliveries."""
        return self.random.choice(self.ids[-16:] or ["nobody"])

    async def claim_for(self, delivery_id: str) -> Claim:
        delivery = await self.ledger.delivery(delivery_id)
        return self.claims[delivery.platform or PENALTY if delivery else PENALTY]

    async def settle_head(self) -> None:
        """Send a head of a platform, and end it; sometimes the platform names its number for the case."""
        claim = self.claims[self.random.choice(PLATFORMS)]
        ids = await self.small.heads(self.ledger, claim)
        if ids:
            id = self.random.choice(ids)
            number = await self.ledger.begin(claim, id, "p@1", self.small.request, self.small.now)
            await self.ledger.settle(claim, self.ended(id, number))

    def ended(self, id: str, number: int) -> Settlement:
        settlement: Settlement = self.small.settlement(id, self.random.choice(ENDINGS), number)
        settlement = replace(settlement, in_doubt=self.random.random() < 0.2)
        if self.random.random() < 0.5:
            return settlement
        tried = replace(settlement.attempt, reference=OWN)
        return replace(settlement, attempt=tried, alias=("case_number", ORIGINAL))

    async def begin(self) -> None:
        id = self.pick()
        await self.ledger.begin(await self.claim_for(id), id, "p@1", self.small.request, self.small.now)

    async def settle(self) -> None:
        id = self.pick()
        await self.ledger.settle(await self.claim_for(id), self.ended(id, self.random.randint(1, 2)))

    async def unbegin(self) -> None:
        id = self.pick()
        await self.ledger.unbegin(await self.claim_for(id), id, self.random.randint(1, 2), self.small.now)

    async def kill(self) -> None:
        [id, *_] = [*await self.small.heads(self.ledger, self.claims[PENALTY]), self.pick()]
        await self.ledger.kill(await self.claim_for(id), id, "translation.failed", "why", self.small.now)

    async def rescue(self) -> None:
        await self.ledger.rescue(self.claims[self.random.choice(PLATFORMS)], [self.pick()], self.small.now)

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(self) -> None:
        id = self.random.choice(self.ids or ["nobody"])
        again = await self.ledger.replay(id, self.small.intent, stale_ok=self.random.random() < 0.7)
        if again.id not in self.ids:
            self.ids.append(again.id)

    async def operate(self) -> None:
        action = self.random.choice((self.ledger.discard, self.ledger.hold, self.ledger.release))
        await action(self.pick(), self.small.intent)

    async def replay_many(self) -> None:
        self.names += 1
        looked_for = DeliveryFilter(state=self.random.choice(BULK))
        job = BulkReplay(f"b{self.names}", looked_for, "why", "operator", self.small.now, stale_ok=True)
        await self.ledger.begin_replay(job, self.small.intent)
        await self.ledger.step_replay(job.id, self.random.randint(1, 3), self.small.now)


@pytest.mark.parametrize("seed", range(8))
async def test_counts_are_true_whatever_happens(ledger: Any, small: Any, path: Path, seed: int) -> None:
    """Whatever was done, the counts that are kept are those that counting gives, after every step."""
    walk = Walk(ledger, small, seed)
    for platform in PLATFORMS:
        await walk.register(platform)
    done: list[str] = []
    for _ in range(150):
        done.append(await walk.step())
        kept, counted = kept_and_counted(path)
        assert kept == counted, done


async def test_what_failed_counts_nothing(ledger: Any, small: Any, path: Path) -> None:
    """An operation that is answered with an error leaves the counts as they were, and so does one beside it."""
    await ledger.accept(small.intake("m1"))
    before = kept_and_counted(path)
    await asyncio.gather(
        ledger.release("m1/0", small.intent), ledger.hold("nobody", small.intent), return_exceptions=True
    )
    assert kept_and_counted(path) == before
    assert before[0] == before[1] == {("penalty.330000", "penalty", "case.transferred", "ready", "", 1)}


@pytest.mark.parametrize("followers", [1, 40])
async def test_a_parked_lane(ledger: Any, claim: Any, small: Any, path: Path, followers: int) -> None:
    """However many wait behind a head that dies, all are counted as held by their lane, until it is replayed."""
    await ledger.accept(small.package(*(small.draft(f"m{i}") for i in range(followers + 1))))
    await ledger.begin(claim, "m0/0", "p@1", small.request, small.now)
    await ledger.settle(claim, small.settlement("m0/0", State.DEAD))
    parked = {("penalty.330000", "penalty", "case.transferred", "ready", "lane", followers)}
    kept, counted = kept_and_counted(path)
    assert kept == counted
    assert kept & parked == parked
    await ledger.replay("m0/0", small.intent)
    kept, counted = kept_and_counted(path)
    assert kept == counted == {("penalty.330000", "penalty", "case.transferred", "ready", "", followers + 1)}
