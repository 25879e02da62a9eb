from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from ledger_model import ModelLedger

from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import (
    BulkReplay,
    Claim,
    DeliveryFilter,
    Intent,
    MessageFilter,
    Moved,
    Reads,
    Receipt,
    Registry,
    Rejection,
    Unrouted,
    Work,
)
from gateway.ledger.sql import SqlLedger
from gateway.message import HELD, SHOWN, Delivery, HeldBy, State

SOURCE = "mobile-enforcement.330100"
PLATFORMS = ("penalty.330000", "penalty.330100", "credit-publicity.330000")
TYPES = ("case.transferred", "penalty.decided")
ENDINGS = (State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY)
LONGEST_WAIT = 15.0

lanes = st.sampled_from("AB")
places = st.sampled_from(PLATFORMS)
types = st.sampled_from(TYPES)
picks = st.integers(min_value=0, max_value=50)
some_keys = st.sampled_from([None, None, None, "key 1", "key 2"])
destinations = st.sampled_from([*PLATFORMS, *PLATFORMS, "nearest", "national", "toward penalty.330100"])
platform_holds = st.sampled_from(
    [
        (HeldBy.PAUSED, None),
        (HeldBy.BREAKER, None),
        (HeldBy.CREDENTIALS, None),
        *((HeldBy.ENDPOINT, one) for one in TYPES),
    ]
)

Call = Callable[[Any, int], Awaitable[Any]]
"""What is done to one of the two ledgers, the model (0) or the other (1), by its number."""


def machine(make: Any, ledger_at: Callable[[Path], str], folder: Path) -> type[RuleBasedStateMachine]:
    """Makes the machine that does the same to both ledgers and compares what they say."""

    class SameAsTheModel(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.folder = TemporaryDirectory(dir=folder)
            self.address = ledger_at(Path(self.folder.name) / "ledger.db")
            self.ledgers: tuple[Ledger, Ledger] = (ModelLedger(), SqlLedger(self.address))
            self.claims: tuple[dict[str, list[Claim]], ...] = ({}, {})
            self.ids: list[list[str]] = [[], []]
            self.jobs = 0
            self.names = 0
            self.now = 0.0
            self.both(lambda ledger, _: ledger.start())

        def teardown(self) -> None:
            self.both(lambda ledger, _: ledger.stop())
            self.runner.close()
            self.folder.cleanup()

        # ── doing the same to both ────────────────────────────────────────────────────────────
        def both(self, call: Call) -> list[Any]:
            """Does the same to both, and gives what each answers: an error by its code."""

            async def answer(index: int) -> Any:
                try:
                    return await call(self.ledgers[index], index)
                except HutongError as error:
                    return error.code
                except Moved as moved:
                    return "moved", moved.revision

            return [self.runner.run(answer(index)) for index in range(2)]

        def same(self, call: Call) -> Any:
            """Does the same to both; they must answer the same, but for the ids of replays."""
            model, other = (self.plain(answer, index) for index, answer in enumerate(self.both(call)))
            assert other == model
            return model

        def plain(self, answer: Any, index: int) -> Any:
            """What can be compared of an answer."""
            if isinstance(answer, Delivery):
                return replace(answer, id=answer.position, replay_of=self.position(answer.replay_of, index))
            if isinstance(answer, Work):
                return self.plain(answer.delivery, index), answer.message, answer.request, answer.aliases
            if isinstance(answer, Receipt):
                entries = [each if isinstance(each, Rejection) else self.taken(each, index) for each in answer.entries]
                return entries, answer.repeated
            if isinstance(answer, Registry):
                return answer.revision, {id: _unordered(each) for id, each in answer.platforms.items()}
            if isinstance(answer, tuple | list):
                return [self.plain(each, index) for each in answer]
            return answer

        def taken(self, accepted: Any, index: int) -> Any:
            deliveries = self.plain(accepted.deliveries, index)
            return accepted.index, accepted.message, accepted.duplicate, deliveries

        def position(self, delivery_id: str | None, index: int) -> int | None:
            return None if delivery_id is None else self.ids[index].index(delivery_id) + 1

        def pick(self, number: int, index: int) -> str:
            """One of the deliveries that there are."""
            ids = self.ids[index]
            return ids[number % len(ids)] if ids else "nobody"

        def moment(self) -> Any:
            self.now += 1
            return make.at(self.now)

        def intent(self, key: str | None = None) -> Intent:
            self.now += 1
            intent: Intent = make.intent("why", at=self.now, key=key)
            return intent

        async def claim_for(self, ledger: Ledger, index: int, delivery_id: str, age: int = 0) -> Claim:
            """A claim of the platform a delivery goes to: the newest, or one that was taken before."""
            delivery = await ledger.delivery(delivery_id)
            return self.claim(index, (delivery and delivery.platform) or PLATFORMS[0], age)

        def claim(self, index: int, platform: str, age: int = 0) -> Claim:
            taken = self.claims[index].get(platform, [])
            return taken[-1 - age] if len(taken) > age else Claim(platform, "nobody", 0)

        # ── platforms ─────────────────────────────────────────────────────────────────────────
        @initialize()
        def two_platforms(self) -> None:
            for platform in PLATFORMS[:2]:
                self.same(lambda ledger, _: ledger.put_platform(make.platform(platform), make.intent(), make.nobody))  # noqa: B023
                self.take_claim(platform)

        @rule(platform=places)
        def take_claim(self, platform: str) -> None:
            answers = self.both(lambda ledger, _: ledger.claim(platform))
            if isinstance(answers[0], str):
                assert answers[1] == answers[0]
                return
            assert answers[1].epoch == answers[0].epoch
            for index, claim in enumerate(answers):
                self.claims[index].setdefault(platform, []).append(claim)

        @rule(platform=places, takes=st.sampled_from(["nearest", "national", PLATFORMS[1], ""]), key=some_keys)
        def put_platform(self, platform: str, takes: str, key: str | None) -> None:
            intent = self.intent(key)
            self.same(lambda ledger, _: ledger.put_platform(make.platform(platform), intent, _taker(platform, takes)))

        @rule(platform=places)
        def delete_platform(self, platform: str) -> None:
            intent = self.intent()
            self.same(lambda ledger, _: ledger.delete_platform(platform, intent))

        @rule(platform=places, takes=st.sampled_from(["nearest", "national"]))
        def assign(self, platform: str, takes: str) -> None:
            at, kind = self.moment(), platform.split(".")[0]
            self.same(lambda ledger, _: ledger.assign([kind], _taker(platform, takes), at))

        @rule(platform=places, hold=platform_holds, key=some_keys, behind=st.sampled_from([None, 0, 1]))
        def hold_platform(
            self, platform: str, hold: tuple[HeldBy, str | None], key: str | None, behind: int | None
        ) -> None:
            intent, put = self.intent(key), make.hold(hold[0], at=self.now, type=hold[1])

            async def held(ledger: Ledger, _: int) -> bool:
                known = (await ledger.registry()).platforms.get(platform)
                revision = None if behind is None or known is None else known.revision - behind
                return await ledger.hold_platform(platform, put, intent, revision=revision)

            self.same(held)

        @rule(platform=places, hold=platform_holds, key=some_keys)
        def release_platform(self, platform: str, hold: tuple[HeldBy, str | None], key: str | None) -> None:
            intent = self.intent(key)
            self.same(lambda ledger, _: ledger.release_platform(platform, hold[0], intent, type=hold[1]))

        # ── intake ────────────────────────────────────────────────────────────────────────────
        @rule(
            drafts=st.lists(
                st.tuples(lanes, types, st.lists(destinations, max_size=3, unique=True), st.booleans()),
                min_size=1,
                max_size=2,
            ),
            reads=st.sampled_from(["nothing", "as it is", "nobody spoke of it", "a new case"]),
            old=st.integers(0, 9),
            key=some_keys,
            body=st.sampled_from([b"one", b"two"]),
        )
        def accept(self, drafts: list[Any], reads: str, old: int, key: str | None, body: bytes) -> None:
            at = self.moment()
            entries = [self.draft(at, index, *each) for index, each in enumerate(drafts)]

            async def accepted(ledger: Ledger, _: int) -> Receipt:
                revision = (await ledger.registry()).revision - (old == 0)
                read = [replace(each, reads=await _reads(ledger, each.message.ordering_key, reads)) for each in entries]
                return await ledger.accept(make.intake(*read, revision=revision, key=key, body=body))

            self.same(accepted)

        def draft(self, at: Any, index: int, lane: str, type: str, to: list[str], twin: bool) -> Any:
            self.names += 1
            name = f"m{self.names}"
            identity, digest = (f"twin {lane}", f"{type} {to}") if twin else (None, None)
            numbers = {"case_number": f"C-{lane}"}
            draft = make.draft(
                name, lane=lane, to=to, type=type, index=index, identity=identity, digest=digest, numbers=numbers,
                keys=numbers, received_at=at,
            )  # fmt: skip
            return replace(draft, deliveries=tuple(replace(each, created_at=at) for each in draft.deliveries))

        @rule()
        def reject(self) -> None:
            self.names += 1
            rejection = make.rejection(f"r{self.names}")
            self.same(lambda ledger, _: ledger.accept(make.intake(rejection)))

        # ── delivery ──────────────────────────────────────────────────────────────────────────
        @rule(number=picks, age=st.integers(0, 1), probe=st.booleans())
        def begin(self, number: int, age: int, probe: bool) -> None:
            at = self.moment()

            async def begun(ledger: Ledger, index: int) -> int | None:
                id = self.pick(number, index)
                claim = await self.claim_for(ledger, index, id, age)
                return await ledger.begin(claim, id, f"a@{number}", make.request, at, probe=probe)

            self.same(begun)

        @rule(
            platform=places,
            probe=st.booleans(),
            only=st.none() | st.lists(types, unique=True),
            besides=st.lists(types, max_size=1),
        )
        def begin_heads(self, platform: str, probe: bool, only: list[str] | None, besides: list[str]) -> None:
            at, latest = self.moment(), make.at(self.now + LONGEST_WAIT)

            async def begun(ledger: Ledger, index: int) -> list[Any]:
                claim = self.claim(index, platform)
                heads = await ledger.heads(claim, at, latest, 2, only=only, besides=besides, probe=probe)
                numbers = [
                    await ledger.begin(claim, each.delivery.id, "a@1", make.request, at, probe=probe) for each in heads
                ]
                return [*heads, *numbers]

            self.same(begun)

        @rule(number=picks, attempt=st.integers(1, 2))
        def unbegin(self, number: int, attempt: int) -> None:
            at = self.moment()

            async def unbegun(ledger: Ledger, index: int) -> bool:
                id = self.pick(number, index)
                return await ledger.unbegin(await self.claim_for(ledger, index, id), id, attempt, at)

            self.same(unbegun)

        @rule(number=picks, age=st.integers(0, 1), attempt=st.integers(1, 2), state=st.sampled_from(ENDINGS))
        def settle(self, number: int, age: int, attempt: int, state: State) -> None:
            self.now += 1
            due = self.now + 5 if state is State.WAITING else None

            async def settled(ledger: Ledger, index: int) -> Any:
                id = self.pick(number, index)
                ended = make.settlement(id, state, at=self.now, number=attempt, due=due)
                return await ledger.settle(await self.claim_for(ledger, index, id, age), ended)

            self.same(settled)

        @rule(
            state=st.sampled_from(ENDINGS),
            wait=st.integers(0, 40),
            hold=st.none() | platform_holds,
            behind=st.integers(0, 1),
            name=st.sampled_from([None, "P-1", "P-2"]),
        )
        def settle_all(
            self, state: State, wait: int, hold: tuple[HeldBy, str | None] | None, behind: int, name: str | None
        ) -> None:
            """Ends everything that is being sent in one state, perhaps with a hold and an alias."""
            self.now += 1
            put = hold and make.hold(hold[0], at=self.now, type=hold[1])

            async def settled(ledger: Ledger, index: int) -> list[Any]:
                registry = await ledger.registry()
                answers = []
                for each in reversed(
                    (await ledger.find_deliveries(DeliveryFilter(state=State.SENDING), None, 100)).items
                ):
                    platform = each.platform or ""
                    alias = ("case_number", f"C-{each.lane}") if name and state is State.DELIVERED else None
                    ended = make.settlement(
                        each.id, state, at=self.now, number=each.attempts, hold=put, alias=alias,
                        due=self.now + wait if state is State.WAITING and wait else None,
                        in_doubt=state is State.READY, tried_for=float(wait), code=f"code {wait % 3}",
                        reference=name, revision=registry.platforms[platform].revision - behind,
                    )  # fmt: skip
                    answers.append(await ledger.settle(self.claim(index, platform), ended))
                return answers

            self.same(settled)

        @rule(number=picks)
        def kill(self, number: int) -> None:
            at = self.moment()

            async def killed(ledger: Ledger, index: int) -> Any:
                id = self.pick(number, index)
                return await ledger.kill(await self.claim_for(ledger, index, id), id, "translation.failed", "why", at)

            self.same(killed)

        @rule(platform=places, age=st.integers(0, 1), keep=st.booleans())
        def rescue(self, platform: str, age: int, keep: bool) -> None:
            at = self.moment()

            async def rescued(ledger: Ledger, index: int) -> list[int | None]:
                sending = (await ledger.find_deliveries(DeliveryFilter(state=State.SENDING, platform=platform))).items
                under_way = [each.id for each in sending[:1]] if keep else []
                ids = await ledger.rescue(self.claim(index, platform, age), under_way, at)
                return sorted(self.position(id, index) or 0 for id in ids)

            self.same(rescued)

        # ── operators ─────────────────────────────────────────────────────────────────────────
        @rule(number=picks, stale_ok=st.booleans(), key=some_keys)
        def replay(self, number: int, stale_ok: bool, key: str | None) -> None:
            intent = self.intent(key)
            self.same(lambda ledger, index: ledger.replay(self.pick(number, index), intent, stale_ok=stale_ok))

        @rule(number=picks, action=st.sampled_from(["discard", "hold", "release"]), key=some_keys)
        def operate(self, number: int, action: str, key: str | None) -> None:
            intent = self.intent(key)
            self.same(lambda ledger, index: getattr(ledger, action)(self.pick(number, index), intent))

        @rule(
            state=st.sampled_from([State.DEAD, State.REFUSED, State.DELIVERED, HELD]),
            platform=st.none() | places,
            type=st.none() | types,
            stale_ok=st.booleans(),
            dry_run=st.booleans(),
        )
        def begin_replay(
            self, state: str, platform: str | None, type: str | None, stale_ok: bool, dry_run: bool
        ) -> None:
            self.jobs += 1
            intent, filter = self.intent(), DeliveryFilter(state=state, platform=platform, type=type)
            job = BulkReplay(f"job {self.jobs}", filter, "why", "operator", intent.at, stale_ok, dry_run)
            self.same(lambda ledger, _: ledger.begin_replay(job, intent))

        @rule(number=picks, limit=st.integers(1, 3))
        def step_replay(self, number: int, limit: int) -> None:
            at = self.moment()
            self.same(lambda ledger, _: ledger.step_replay(f"job {number % max(1, self.jobs) + 1}", limit, at))

        @rule(number=picks)
        def cancel_replay(self, number: int) -> None:
            intent = self.intent()
            self.same(lambda ledger, _: ledger.cancel_replay(f"job {number % max(1, self.jobs) + 1}", intent))

        @rule()
        def reopen(self) -> None:
            self.both(lambda ledger, _: ledger.stop())
            self.ledgers = (self.ledgers[0], SqlLedger(self.address))
            self.both(lambda ledger, _: ledger.start())

        # ── looking ───────────────────────────────────────────────────────────────────────────
        @rule(
            state=st.none() | st.sampled_from(SHOWN),
            platform=st.none() | places,
            type=st.none() | types,
            code=st.sampled_from([None, None, "code 1"]),
            since=st.none() | st.integers(0, 20),
            until=st.none() | st.integers(10, 60),
            limit=st.integers(1, 5),
        )
        def find(
            self,
            state: str | None,
            platform: str | None,
            type: str | None,
            code: str | None,
            since: int | None,
            until: int | None,
            limit: int,
        ) -> None:
            """Finds deliveries and messages, page by page."""
            times = {
                "since": None if since is None else make.at(since),
                "until": None if until is None else make.at(until),
            }
            deliveries = DeliveryFilter(state=state, platform=platform, type=type, code=code, **times)
            messages = MessageFilter(state=state, platform=platform, type=type, **times)
            self.same(lambda ledger, _: _pages(ledger.find_deliveries, deliveries, limit))
            self.same(lambda ledger, _: _pages(ledger.find_messages, messages, limit))
            case = replace(messages, correlation_id="A")
            self.same(lambda ledger, _: _pages(ledger.find_messages, case, limit))

        @invariant()
        def deliveries_stand_alike(self) -> None:
            found = self.both(lambda ledger, _: ledger.find_deliveries(DeliveryFilter(), None, 1000))
            self.ids = [[each.id for each in reversed(page.items)] for page in found]
            model, other = (self.plain(list(page.items), index) for index, page in enumerate(found))
            assert other == model

        @invariant()
        def heads_are_alike(self) -> None:
            now, latest = make.at(self.now + 3), make.at(self.now + 3 + LONGEST_WAIT)
            for platform in PLATFORMS:
                for probe in (False, True):
                    self.same(
                        lambda ledger, index: ledger.heads(self.claim(index, platform), now, latest, 100, probe=probe)  # noqa: B023
                    )
                self.same(lambda ledger, index: ledger.next_due(self.claim(index, platform)))  # noqa: B023

        @invariant()
        def backlogs_are_alike(self) -> None:
            async def by_group(ledger: Ledger, _: int) -> Any:
                return {(each.platform, each.kind, each.state, each.held_by): each for each in await ledger.backlog()}

            self.same(by_group)

        @invariant()
        def registries_are_alike(self) -> None:
            self.same(lambda ledger, _: ledger.registry())
            self.same(lambda ledger, _: ledger.replays())
            self.same(lambda ledger, _: ledger.replays(unfinished=True))
            for lane in "AB":
                self.same(lambda ledger, _: ledger.facts(lane))  # noqa: B023
                self.same(lambda ledger, _: ledger.partakes(lane, PLATFORMS[0]))  # noqa: B023
                self.same(lambda ledger, _: ledger.recall(PLATFORMS[0], {"case_number": f"C-{lane}"}))  # noqa: B023

    return SameAsTheModel


def _taker(platform: str, takes: str) -> Callable[[Unrouted], str | None]:
    """Takes what seeks somebody like that, of the platform's kind."""

    def take(unrouted: Unrouted) -> str | None:
        return platform if unrouted.kind == platform.split(".")[0] and unrouted.toward == takes else None

    return take


async def _reads(ledger: Ledger, lane: str, reads: str) -> Reads:
    """What a draft of a lane says it was decided on: nothing, what is so, or what may have been so."""
    number, fact = (SOURCE, "case_number", f"C-{lane}"), (lane, "region")
    if reads == "nothing":
        return Reads()
    if reads == "as it is":
        known = await ledger.recall(SOURCE, {"case_number": number[2]})
        said = await ledger.facts(lane)
        return Reads(
            {number: known["case_number"].message_id if known else None},
            {fact: said["region"].message_id if said else None},
        )
    return Reads({number: None}) if reads == "nobody spoke of it" else Reads(fresh=frozenset({lane}))


async def _pages(search: Any, filter: Any, limit: int) -> list[Any]:
    """The first three pages of a search."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(3):
        page = await search(filter, cursor, limit)
        found += [*page.items, page.cursor]
        cursor = page.cursor
        if cursor is None:
            break
    return found


def _unordered(platform: Any) -> Any:
    return replace(platform, holds=()), frozenset(platform.holds)


def test_same_as_the_model(make: Any, ledger_at: Callable[[Path], str], tmp_path: Path) -> None:
    """Whatever is done to both, the ledger says what the model says: states, holds, heads, order, pages and counts."""
    bounded = settings(
        max_examples=30,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(machine(make, ledger_at, tmp_path), settings=bounded)  # type: ignore[no-untyped-call]
