from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.records import Accepted, DeliveryFilter
from gateway.ledger.sql import SqlLedger
from gateway.message import HeldBy, State

WHO = {"actor": "operator", "reason": "why"}
PLATFORMS = ("penalty.330000", "credit-publicity.330000")
ENDINGS = (State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY)

lanes = st.sampled_from("AB")
places = st.sampled_from(PLATFORMS)
picks = st.integers(min_value=0, max_value=50)
holds = st.sampled_from([HeldBy.PAUSED, HeldBy.BREAKER])


def machine(make: Any, folder: Path) -> type[RuleBasedStateMachine]:
    """Makes the machine that does the same to both ledgers and compares what they say."""

    class SameAsTheReference(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.folder = TemporaryDirectory(dir=folder)
            self.ledgers: tuple[Ledger, Ledger] = (
                MemoryLedger(),
                SqlLedger(f"sqlite:///{self.folder.name}/ledger.db"),
            )
            self.ids: dict[int, list[str]] = {0: [], 1: []}
            self.names = 0
            self.now = 0.0
            self.both(lambda ledger, _: ledger.start())
            for platform in PLATFORMS:
                self.both(lambda ledger, _: ledger.put_platform(make.platform(platform), actor="a", at=make.at()))  # noqa: B023

        def teardown(self) -> None:
            self.both(lambda ledger, _: ledger.stop())
            self.runner.close()
            self.folder.cleanup()

        def both(self, call: Callable[[Any, list[str]], Awaitable[Any]]) -> list[Any]:
            """Does the same to both, and gives both answers: refusals by their code."""

            async def outcome(index: int) -> Any:
                try:
                    return await call(self.ledgers[index], self.ids[index])
                except HutongError as refusal:
                    return refusal.code

            return [self.runner.run(outcome(index)) for index in range(2)]

        def same(self, call: Callable[[Any, list[str]], Awaitable[Any]]) -> Any:
            reference, other = self.both(call)
            assert reference == other
            return reference

        def pick(self, ids: list[str], number: int) -> str:
            return ids[number % len(ids)] if ids else "nobody"

        def moment(self) -> Any:
            self.now += 1
            return make.at(self.now)

        @rule(lane=lanes, to=st.lists(st.sampled_from([*PLATFORMS, None]), max_size=3, unique=True), twin=st.booleans())
        def accept(self, lane: str, to: list[str | None], twin: bool) -> None:
            self.names += 1
            identity = "twin" if twin else f"m{self.names}"
            draft = make.draft(f"m{self.names}", lane=lane, to=to, identity=identity, digest=f"{lane} {to}")
            receipts = self.both(lambda ledger, _: ledger.accept(make.intake(draft)))
            reference, other = (receipt.entries[0] for receipt in receipts)
            assert isinstance(reference, Accepted)
            assert (reference.message, reference.duplicate) == (other.message, other.duplicate)
            assert _said(reference.deliveries) == _said(other.deliveries)
            if not reference.duplicate:
                for index, receipt in enumerate((reference, other)):
                    self.ids[index].extend(each.id for each in receipt.deliveries)

        @rule(number=picks)
        def begin(self, number: int) -> None:
            at = self.moment()
            self.same(lambda ledger, ids: ledger.begin(self.pick(ids, number), "a@1", make.request, at))

        @rule(platform=places, probe=st.booleans())
        def begin_heads(self, platform: str, probe: bool) -> None:
            at = self.moment()

            async def all_heads(ledger: Ledger, _: list[str]) -> list[bool]:
                heads = await ledger.heads(platform, at, 2, probe=probe)
                return [await ledger.begin(each.delivery.id, "a@1", make.request, at) for each in heads]

            self.same(all_heads)

        @rule(number=picks, state=st.sampled_from(ENDINGS), due=st.integers(0, 20))
        def settle(self, number: int, state: State, due: int) -> None:
            at = self.now = self.now + 1

            def settlement(delivery_id: str) -> Any:
                return make.settlement(delivery_id, state, at=at, due=at + due if state is State.WAITING else None)

            self.same(lambda ledger, ids: ledger.settle(settlement(self.pick(ids, number))))

        @rule(state=st.sampled_from(ENDINGS), due=st.integers(0, 5))
        def settle_all(self, state: State, due: int) -> None:
            at = self.now = self.now + 1

            async def all_sending(ledger: Ledger, _: list[str]) -> list[bool]:
                sending = (await ledger.find_deliveries(DeliveryFilter(state=State.SENDING), None, 100)).items
                until = at + due if state is State.WAITING else None
                return [await ledger.settle(make.settlement(each.id, state, at=at, due=until)) for each in sending]

            self.same(all_sending)

        @rule(number=picks, stale_ok=st.booleans())
        def replay(self, number: int, stale_ok: bool) -> None:
            at = self.moment()
            reference, other = self.both(
                lambda ledger, ids: ledger.replay(self.pick(ids, number), at=at, stale_ok=stale_ok, **WHO)
            )
            if isinstance(reference, str):
                assert reference == other
                return
            assert _said([reference]) == _said([other])
            if reference.id not in self.ids[0]:
                self.ids[0].append(reference.id)
                self.ids[1].append(other.id)

        @rule(number=picks, action=st.sampled_from(["discard", "hold", "release"]))
        def operate(self, number: int, action: str) -> None:
            at = self.moment()
            answers = self.both(lambda ledger, ids: getattr(ledger, action)(self.pick(ids, number), at=at, **WHO))
            codes = [each if isinstance(each, str) else _said([each]) for each in answers]
            assert codes[0] == codes[1]

        @rule(number=picks)
        def kill(self, number: int) -> None:
            at = self.moment()
            self.same(lambda ledger, ids: ledger.kill(self.pick(ids, number), "translation.failed", "why", at))

        @rule(number=picks, platform=places)
        def assign(self, number: int, platform: str) -> None:
            at = self.moment()
            self.same(lambda ledger, ids: ledger.assign(self.pick(ids, number), platform, at))

        @rule(platform=places, by=holds, lift=st.booleans())
        def hold_platform(self, platform: str, by: HeldBy, lift: bool) -> None:
            at = self.moment()
            action = "release_platform" if lift else "hold_platform"
            self.same(lambda ledger, _: getattr(ledger, action)(platform, by, at=at, **WHO))

        @rule()
        def rescue(self) -> None:
            at = self.moment()
            self.same(lambda ledger, _: ledger.rescue(at))

        @rule()
        def reopen(self) -> None:
            async def again(ledger: Ledger, _: list[str]) -> None:
                await ledger.stop()

            self.both(again)
            self.ledgers = (self.ledgers[0], SqlLedger(f"sqlite:///{self.folder.name}/ledger.db"))
            self.both(lambda ledger, _: ledger.start())

        @invariant()
        def deliveries_stand_alike(self) -> None:
            async def all_deliveries(ledger: Ledger, _: list[str]) -> Any:
                return _said((await ledger.find_deliveries(DeliveryFilter(), None, 1000)).items)

            self.same(all_deliveries)

        @invariant()
        def heads_are_alike(self) -> None:
            at = make.at(self.now + 3)
            for platform in PLATFORMS:
                self.same(lambda ledger, _: _heads(ledger, platform, at))  # noqa: B023
                self.same(lambda ledger, _: ledger.next_due(platform))  # noqa: B023

        @invariant()
        def backlogs_are_alike(self) -> None:
            async def counted(ledger: Ledger, _: list[str]) -> Any:
                return {(each.platform, each.state, each.held_by, each.count) for each in await ledger.backlog()}

            self.same(counted)

    return SameAsTheReference


async def _heads(ledger: Ledger, platform: str, at: Any) -> Any:
    return _said([each.delivery for each in await ledger.heads(platform, at, 100, probe=True)])


def _said(deliveries: Any) -> list[Any]:
    return [
        (
            each.position,
            each.message_id,
            each.platform,
            each.lane,
            each.state,
            each.held_by,
            each.due_at,
            each.attempts,
            each.in_doubt,
            each.reason,
            each.trying_since,
            each.changed_at,
        )
        for each in deliveries
    ]


@pytest.mark.parametrize("steps", [40])
def test_same_as_the_reference(make: Any, tmp_path: Path, steps: int) -> None:
    """Whatever is done to both, SQLite says what the reference says: states, heads, order and counts."""
    bounded = settings(
        max_examples=30,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(machine(make, tmp_path), settings=bounded)  # type: ignore[no-untyped-call]
