from __future__ import annotations

import asyncio
import inspect
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kept_model
import ledger_model
import pruning_model
import pytest
import report_model
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from ledger_model import ModelLedger
from msgspec.structs import replace
from pruning_model import counted

from gateway.errors import HutongError
from gateway.ledger.assessments import CALENDAR, AssessedCase, Ground
from gateway.ledger.base import Ledger
from gateway.ledger.clocked import (
    ClockedCase,
    ClockFilter,
    ClockSpan,
    ClockStanding,
    CountedCase,
    CountedCorrelation,
    KeptClock,
)
from gateway.ledger.records import (
    Accepted,
    Area,
    BulkReplay,
    CalendarYear,
    Claim,
    Contact,
    ContactWay,
    DeliveryFilter,
    Inbox,
    Intent,
    LeaseSettled,
    MessageFilter,
    Moved,
    Platform,
    Reads,
    Receipt,
    Registry,
    Rejection,
    ResultPage,
    Retention,
    Unrouted,
    Upload,
    Work,
)
from gateway.ledger.sql import SqlLedger
from gateway.message import HELD, SHOWN, UNWANTED, Delivery, HeldBy, State

SOURCE = "mobile-enforcement.330100"
PLATFORMS = ("penalty.330000", "penalty.330100", "credit-publicity.330000")
TYPES = ("case.transferred", "penalty.decided")
ENDINGS = (State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY)
LONGEST_WAIT = 15.0
DAY = 86_400.0
KEPT = Retention(timedelta(days=400), timedelta(days=200), {TYPES[1]: timedelta(days=600)})
FITTING: dict[str, Callable[[Delivery], bool]] = {
    "replay": lambda one: one.state in (State.DEAD, State.REFUSED, State.DELIVERED),
    "discard": lambda one: one.state in (State.READY, State.WAITING, State.DEAD, State.UNROUTED),
    "hold": lambda one: one.state in (State.READY, State.WAITING),
    "release": lambda one: one.held_at is not None,
    "begin": lambda one: one.state in (State.READY, State.WAITING),
    "settle": lambda one: one.state is State.SENDING,
    "unbegin": lambda one: one.state is State.SENDING,
    "kill": lambda one: one.state is State.READY,
    "receipt": lambda one: one.leased_until is not None or one.code == "lease.lapsed",
}
"""The deliveries with which a step can do something."""

lanes = st.sampled_from("AB")
places = st.sampled_from([PLATFORMS[0], *PLATFORMS])
modes = st.sampled_from(["push", "pull"])
types = st.sampled_from(TYPES)
picks = st.sampled_from(range(12))
mostly = st.sampled_from([True, True, True, False])
some_keys = st.sampled_from([None, None, None, None, None, "key 1", "key 2"])
destinations = st.sampled_from([PLATFORMS[0], *PLATFORMS, "nearest", "national", "toward penalty.330100"])
drafts_of_one = st.tuples(lanes, types, st.lists(destinations, min_size=1, max_size=3, unique=True), st.booleans())
platform_holds = st.sampled_from(
    [
        (HeldBy.PAUSED, None),
        (HeldBy.BREAKER, None),
        (HeldBy.CREDENTIALS, None),
        *((HeldBy.ENDPOINT, one) for one in TYPES),
    ]
)


def step(times: int, **drawn: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Marks a step of the machine, to be taken with what is drawn, `times` as often as others.

    As rules of their own they would not do: Hypothesis leaves most rules out of most runs.
    """

    def marked(method: Any) -> Any:
        method.drawn = [drawn] * times
        return method

    return marked


SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.lower, "{}\u200b".format)
"""How one number is written by different hands."""

Empty = Callable[[], AbstractContextManager[str]]
"""Gives the address of an empty ledger, for a while."""

Call = Callable[[Any, int], Awaitable[Any]]
"""What is done to one of the two ledgers, by its number: the model (0) or the other (1)."""


def machine(make: Any, empty: Empty) -> type[RuleBasedStateMachine]:
    """Makes the machine that does the same to both ledgers and compares what they say."""

    class SameAsTheModel(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.kept = empty()
            self.address = self.kept.__enter__()
            self.ledgers: tuple[Ledger, Ledger] = (ModelLedger(), SqlLedger(self.address))
            self.claims: tuple[dict[str, list[Claim]], ...] = ({}, {})
            self.standing: list[Delivery] = []
            self.ids: list[list[str]] = [[], []]
            self.places: list[dict[str, str]] = [{}, {}]
            self.positions: list[list[int]] = [[], []]
            self.jobs: list[str] = []
            self.names = 0
            self.changes = [0, 0]
            self.now = 0.0
            self.both(lambda ledger, _: ledger.start())

        def teardown(self) -> None:
            self.both(lambda ledger, _: ledger.stop())
            self.runner.close()
            self.kept.__exit__(None, None, None)

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
            """Does the same to both; they must answer the same, but for ids of replays and gaps between positions."""
            answers = self.both(call)
            self.see_all()
            model, other = (self.plain(answer, index) for index, answer in enumerate(answers))
            assert other == model
            return model

        def see_all(self) -> list[list[Delivery]]:
            """Gives all deliveries of both in their order, and knows their places from now on."""
            found = self.both(lambda ledger, _: ledger.find_deliveries(DeliveryFilter(), None, 1000))
            seen: list[list[Delivery]] = [list(reversed(page.items)) for page in found]
            for index, deliveries in enumerate(seen):
                known = {*self.positions[index], *(each.position for each in deliveries)}
                self.positions[index] = sorted(known)
                self.places[index] = {each.id: self.place_of(each, index) for each in deliveries}
            return seen

        def plain(self, answer: Any, index: int) -> Any:
            """What can be compared of an answer."""
            if isinstance(answer, Delivery):
                place = self.place_of(answer, index)
                return replace(answer, id=place, position=0, replay_of=self.place(answer.replay_of, index))
            if isinstance(answer, LeaseSettled):
                place = str(self.place(answer.attempt.delivery_id, index))
                return replace(answer, attempt=replace(answer.attempt, delivery_id=place))
            if isinstance(answer, BulkReplay):
                up_to = [bisect_right(self.positions[index], each) for each in (answer.upto, answer.cursor)]
                return replace(answer, upto=up_to[0], cursor=up_to[1])
            if isinstance(answer, Work):
                return self.plain(answer.delivery, index), answer.message, answer.request, answer.aliases
            if isinstance(answer, Receipt):
                entries = [each if isinstance(each, Rejection) else self.taken(each, index) for each in answer.entries]
                return entries, answer.repeated
            if isinstance(answer, Registry):
                return answer.revision, {id: _unordered(each) for id, each in answer.platforms.items()}
            if isinstance(answer, ResultPage):
                return self.plain(answer.items, index), answer.cursor is not None
            if isinstance(answer, tuple | list):
                return [self.plain(each, index) for each in answer]
            return answer

        def taken(self, accepted: Accepted, index: int) -> Any:
            """What a sender is answered; a repeated answer does not remember more."""
            deliveries = [
                (self.place_of(each, index), each.platform, each.state, each.held_by) for each in accepted.deliveries
            ]
            return accepted.index, accepted.message, accepted.duplicate, deliveries

        def place_of(self, delivery: Delivery, index: int) -> str:
            """Which delivery it is of all that there were; between positions there may be gaps, but of other sizes."""
            return str(self.positions[index].index(delivery.position))

        def place(self, delivery_id: str | None, index: int) -> str | None:
            return None if delivery_id is None else self.places[index][delivery_id]

        def pick(self, number: int, step: str, fitting: bool = True) -> int:
            """Chooses a delivery, one that fits the step if there is one; gives its place among all ids."""
            places = [place for place, one in enumerate(self.standing) if fitting and FITTING[step](one)]
            return places[number % len(places)] if places else number % len(self.standing)

        def moment(self) -> Any:
            self.now += 1
            return make.at(self.now)

        def intent(self, key: str | None = None) -> Intent:
            self.now += 1
            intent: Intent = make.intent("why", at=self.now, key=key)
            return intent

        def claim(self, index: int, platform: str | None, current: bool = True) -> Claim:
            """The newest claim of a platform, or the one that was taken before it."""
            taken = self.claims[index].get(platform or "", [])
            age = 1 if current else 2
            return taken[-age] if len(taken) >= age else Claim(platform or "", "nobody", 0)

        async def its_claim(self, ledger: Ledger, index: int, place: int, current: bool = True) -> tuple[Claim, str]:
            """A claim of the platform that a delivery goes to, and the delivery's id."""
            delivery_id = self.ids[index][place]
            delivery = await ledger.delivery(delivery_id)
            return self.claim(index, delivery and delivery.platform, current), delivery_id

        @rule(data=st.data())
        def go_on(self, data: st.DataObject) -> None:
            """Takes any step."""
            name, drawn = data.draw(st.sampled_from(steps), label="step")
            getattr(self, name)(**{key: data.draw(each, label=key) for key, each in drawn.items()})

        # ── platforms ─────────────────────────────────────────────────────────────────────────
        @initialize(drafts=st.lists(drafts_of_one, min_size=3, max_size=6))
        def begin_with_a_town(self, drafts: list[Any]) -> None:
            """The platforms are registered, and some messages were accepted."""
            for platform in PLATFORMS:
                self.put_platform(platform, "", None, "push")
            for each in drafts:
                self.accept([each], "nothing", 1, None, b"one")

        def take_claim(self, platform: str) -> None:
            answers = self.both(lambda ledger, _: ledger.claim(platform))
            if isinstance(answers[0], str):
                assert answers[1] == answers[0]
                return
            for index, claim in enumerate(answers):
                assert claim.epoch > self.claim(index, platform).epoch
                self.claims[index].setdefault(platform, []).append(claim)

        @step(
            2,
            platform=places,
            takes=st.sampled_from(["nearest", "national", PLATFORMS[1], ""]),
            key=some_keys,
            mode=modes,
        )
        def put_platform(self, platform: str, takes: str, key: str | None, mode: str) -> None:
            intent, put = self.intent(key), make.platform(platform, mode=mode)
            self.same(lambda ledger, _: ledger.put_platform(put, intent, _taker(platform, takes)))
            self.take_claim(platform)

        @step(
            1,
            code=st.sampled_from(["370171", "660000", "LY0001"]),
            parent=st.sampled_from(["370100", "000000", "660000"]),
            there=mostly,
            takes=st.sampled_from(["nearest", "national", ""]),
            key=some_keys,
        )
        def change_area(self, code: str, parent: str, there: bool, takes: str, key: str | None) -> None:
            """Adds a functional area, changes it or deletes it; what becomes routable with it is given out."""
            intent, take = self.intent(key), _taker(PLATFORMS[0], takes)
            area = Area(code, "功能区", parent, make.at(0), "2020-01-01")
            if there:
                self.same(lambda ledger, _: ledger.put_area(area, intent, ["penalty"], take))
            else:
                self.same(lambda ledger, _: ledger.delete_area(code, intent, ["penalty"], take))

        @step(1, id=st.sampled_from(["u-1", "u-2"]), added=mostly, days=st.sampled_from([0, 0, 100]))
        def change_upload(self, id: str, added: bool, days: int) -> None:
            """Uploads an attachment, or lets go of those that nobody names and that are old enough."""
            upload, at = Upload(id, SOURCE, "sha256:ab", 3, "image/jpeg", make.at(self.now)), make.at(self.now)

            async def changed(ledger: Ledger, _: int) -> Any:
                if not added:
                    return sorted(await ledger.forget_uploads(timedelta(days=days), at, 10))
                return None if await ledger.known_uploads([id]) else await ledger.add_upload(upload)

            self.same(changed)

        @step(1, platform=places, way=st.sampled_from(ContactWay), back=st.integers(0, 2))
        def note_contacts(self, platform: str, way: ContactWay, back: int) -> None:
            """Notes a contact, sometimes one that is older than what is noted, or of a platform that is gone."""
            contact = Contact(platform, way, "case", make.at(self.now + 1 - back))
            self.same(lambda ledger, _: ledger.note_contacts([contact]))

        @step(1, platform=st.sampled_from(PLATFORMS[1:]), discard=st.booleans(), again=mostly)
        def delete_platform(self, platform: str, discard: bool, again: bool) -> None:
            """Deletes a platform, perhaps after everything to it was given up so that it may go, and puts it back."""
            intent = self.intent()

            async def deleted(ledger: Ledger, _: int) -> Any:
                for each in (await ledger.find_deliveries(DeliveryFilter(platform=platform), None, 100)).items:
                    if discard and each.state in (State.READY, State.WAITING, State.DEAD):
                        await ledger.discard(each.id, intent)
                return await ledger.delete_platform(platform, intent)

            self.same(deleted)
            if again:
                self.put_platform(platform, "nearest", None, "push")

        @step(1, platform=places, takes=st.sampled_from(["nearest", "national"]))
        def assign(self, platform: str, takes: str) -> None:
            at, kind = self.moment(), platform.split(".")[0]
            self.same(lambda ledger, _: ledger.assign([kind], _taker(platform, takes), at))

        @step(
            2,
            platform=places,
            hold=platform_holds,
            key=some_keys,
            behind=st.sampled_from([None, 0, 1]),
            mend=st.booleans(),
        )
        def hold_platform(
            self, platform: str, hold: tuple[HeldBy, str | None], key: str | None, behind: int | None, mend: bool
        ) -> None:
            """Holds a platform or an endpoint, and perhaps puts the platform anew."""
            intent, put = self.intent(key), make.hold(hold[0], at=self.now, type=hold[1])

            async def held(ledger: Ledger, _: int) -> bool:
                known = (await ledger.registry()).platforms.get(platform)
                revision = None if behind is None or known is None else known.revision - behind
                return await ledger.hold_platform(platform, put, intent, revision=revision)

            self.same(held)
            if mend:
                self.put_platform(platform, "nearest", None, "push")

        @step(2, number=picks, key=some_keys)
        def release_platform(self, number: int, key: str | None) -> None:
            """Lifts one of the holds that there are, or one that is not there."""
            intent = self.intent(key)

            async def released(ledger: Ledger, _: int) -> bool:
                platforms = (await ledger.registry()).platforms
                held = [(id, each.type or "", each.by) for id, one in platforms.items() for each in one.holds]
                chosen = sorted(held)[number % len(held)] if held else (PLATFORMS[0], "", HeldBy.PAUSED)
                return await ledger.release_platform(chosen[0], chosen[2], intent, type=chosen[1] or None)

            self.same(released)

        @step(
            2,
            kind=st.sampled_from(["penalty", "credit-publicity"]),
            region=st.sampled_from(["330100", "330000", "000000", "110000"]),
            reason=st.sampled_from(["本省没有", "由他省代办"]),
            declared=mostly,
            key=some_keys,
        )
        def declare(self, kind: str, region: str, reason: str, declared: bool, key: str | None) -> None:
            """Declares a kind unwanted in a region, or withdraws that."""
            intent = replace(self.intent(key), reason=reason)
            if declared:
                self.same(lambda ledger, _: ledger.put_unwanted(kind, region, intent))
            else:
                self.same(lambda ledger, _: ledger.delete_unwanted(kind, region, intent))

        @step(
            1,
            year=st.sampled_from([2026, 2027]),
            holidays=st.sampled_from([(), ("2027-10-01",), ("2027-10-01", "2027-10-02")]),
            key=some_keys,
        )
        def enter(self, year: int, holidays: tuple[str, ...], key: str | None) -> None:
            """Enters a year of the calendar."""
            intent = self.intent(key)
            entered = CalendarYear(year, holidays, ("2027-10-10",), intent.at)
            self.same(lambda ledger, _: ledger.put_year(entered, intent))

        @step(1, limit=st.sampled_from([1, 2, 50]))
        def follow(self, limit: int) -> None:
            """Shows the next messages to an observer."""

            async def shown(ledger: Ledger, _: int) -> Any:
                await ledger.follow("clocks")
                page = await ledger.messages_after((await ledger.followed("clocks")).position, limit)
                await ledger.keep_followed("clocks", page.position)
                return page.messages, page.more

            self.same(shown)

        @step(1, lane=lanes, due=st.sampled_from([None, 3, 9]), by=st.sampled_from(["old", "new"]))
        def count(self, lane: str, due: int | None, by: str) -> None:
            """Keeps a deadline of a case, instead of what was kept of it."""
            case = ClockedCase(lane, lane, lane, "330100", PLATFORMS[:1], complete=True, counted_by=by)
            last = None if due is None else date(2026, 9, due)
            clock = KeptClock("case.filing", "", ClockStanding.OPEN, date(2026, 9, 1), last, None, (lane,))
            counted = CountedCorrelation(lane, (CountedCase(case, (clock,)),))
            self.same(lambda ledger, _: ledger.put_clocks("clocks", [counted]))

        @step(1, lane=lanes, until=st.sampled_from([None, 3, 9]), years=st.sampled_from([(), ("2026",), ("2027",)]))
        def assess(self, lane: str, until: int | None, years: tuple[str, ...]) -> None:
            """Keeps until when the findings of a case hold, by what it has read now."""
            last = None if until is None else date(2026, 9, until)
            rests_on = tuple(Ground(CALENDAR, year) for year in years)

            async def put(ledger: Ledger, _: int) -> Any:
                changes = (await ledger.ground_changes([lane])).get(lane, 0)
                await ledger.put_findings([], [AssessedCase(lane, lane, None, last, rests_on, changes)])
                return changes

            self.same(put)

        @step(1, limit=st.sampled_from([1, 500]))
        def make_due(self, limit: int) -> None:
            """Makes some of the cases due that count in a year that was entered."""
            self.same(lambda ledger, _: ledger.make_due(limit))

        # ── intake ────────────────────────────────────────────────────────────────────────────
        @step(
            5,
            drafts=st.lists(drafts_of_one, min_size=1, max_size=3),
            reads=st.sampled_from(["nothing", "as it is", "nobody spoke of it", "a new case"]),
            old=picks,
            key=st.sampled_from([None, None, "key 1", "key 2"]),
            body=st.sampled_from([b"one", b"one", b"two"]),
        )
        def accept(self, drafts: list[Any], reads: str, old: int, key: str | None, body: bytes) -> None:
            """Accepts a package, sometimes one that was decided on what is not so (any more)."""
            at = self.moment()
            entries = [self.draft(at, index, *each) for index, each in enumerate(drafts)]

            async def accepted(ledger: Ledger, _: int) -> Receipt:
                revision = (await ledger.registry()).revision - (old == 0)
                read = [replace(each, reads=await _reads(ledger, each.message.ordering_key, reads)) for each in entries]
                return await ledger.accept(make.intake(*read, revision=revision, key=key, body=body))

            self.same(accepted)

        @step(
            2,
            drafts=st.lists(drafts_of_one, min_size=1, max_size=5),
            reads=st.lists(
                st.sampled_from(["nothing", "nothing", "as it is", "nobody spoke of it"]), min_size=5, max_size=5
            ),
            keys=st.lists(some_keys, min_size=5, max_size=5),
            old=st.sampled_from([1, 1, 1, 0]),
        )
        def accept_all(self, drafts: list[Any], reads: list[str], keys: list[str | None], old: int) -> None:
            """Accepts several documents in their order, as far as they were decided on what is so."""
            at = self.moment()
            made = [self.draft(at, 0, *each) for each in drafts]

            async def accepted(ledger: Ledger, _: int) -> Any:
                revision = (await ledger.registry()).revision - (old == 0)
                intakes = [
                    make.intake(
                        replace(draft, reads=await _reads(ledger, draft.message.ordering_key, read)),
                        revision=revision,
                        key=key,
                        body=draft.message.id.encode(),
                    )
                    for draft, read, key in zip(made, reads, keys, strict=False)
                ]
                answers = await ledger.accept_all(intakes)
                return [one.code if isinstance(one, HutongError) else one for one in answers]

            self.same(accepted)

        def draft(self, at: Any, index: int, lane: str, type: str, to: list[str], twin: bool) -> Any:
            self.names += 1
            numbers = {"case_number": SPELLINGS[self.names % len(SPELLINGS)](f"C-{lane}")}
            draft = make.draft(
                f"m{self.names}",
                lane=lane,
                to=to,
                type=type,
                index=index,
                identity=f"twin {lane}" if twin else None,
                digest=f"{type} {to}" if twin else None,
                numbers=numbers,
                keys=numbers,
                received_at=at,
            )
            return replace(draft, deliveries=tuple(replace(each, created_at=at) for each in draft.deliveries))

        # ── delivery ──────────────────────────────────────────────────────────────────────────
        @step(
            3,
            platform=places,
            probe=mostly,
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

        @step(
            1,
            state=st.sampled_from(ENDINGS),
            wait=st.integers(0, 40),
            hold=st.none() | platform_holds,
            behind=st.integers(0, 1),
            name=st.sampled_from([None, "P-1", "p-1", "P-2"]),
        )
        def settle_all(
            self, state: State, wait: int, hold: tuple[HeldBy, str | None] | None, behind: int, name: str | None
        ) -> None:
            """Ends everything that is being sent in one state, perhaps with a hold and an alias."""
            self.now += 1
            put = hold and make.hold(hold[0], at=self.now, type=hold[1])

            async def settled(ledger: Ledger, index: int) -> list[Any]:
                platforms = (await ledger.registry()).platforms
                sending = (await ledger.find_deliveries(DeliveryFilter(state=State.SENDING), None, 100)).items
                return [
                    await ledger.settle(
                        self.claim(index, each.platform),
                        make.settlement(
                            each.id,
                            state,
                            at=self.now,
                            number=each.attempts,
                            hold=put,
                            alias=("case_number", f"C-{each.lane}") if name and state is State.DELIVERED else None,
                            due=self.now + wait if state is State.WAITING and wait else None,
                            since=self.now + wait % 4 if state is State.WAITING and wait > 20 else None,
                            in_doubt=state is State.READY or (state is not State.DELIVERED and wait % 2 == 1),
                            tried_for=float(wait),
                            code=f"code {wait % 3}",
                            reference=name,
                            revision=platforms[each.platform or ""].revision - behind,
                        ),
                    )
                    for each in reversed(sending)
                ]

            self.same(settled)

        @step(
            5,
            platform=places,
            state=st.sampled_from(ENDINGS),
            wait=st.integers(0, 40),
            hold=st.none() | st.none() | platform_holds,
            behind=st.integers(0, 1),
        )
        def deliver(
            self, platform: str, state: State, wait: int, hold: tuple[HeldBy, str | None] | None, behind: int
        ) -> None:
            """Sends heads of a platform, whatever a breaker says, and ends them in one state."""
            self.begin_heads(platform, True, None, [])
            self.settle_all(state, wait, hold, behind, None)

        @step(2, number=picks, current=mostly, probe=st.booleans())
        def begin(self, number: int, current: bool, probe: bool) -> None:
            at, place = self.moment(), self.pick(number, "begin")

            async def begun(ledger: Ledger, index: int) -> int | None:
                claim, id = await self.its_claim(ledger, index, place, current)
                return await ledger.begin(claim, id, f"a@{number}", make.request, at, probe=probe)

            self.same(begun)

        @step(1, number=picks, current=mostly, attempt=st.sampled_from([1, 1, 2]), state=st.sampled_from(ENDINGS))
        def settle(self, number: int, current: bool, attempt: int, state: State) -> None:
            self.now += 1
            place = self.pick(number, "settle")
            due = self.now + 5 if state is State.WAITING else None

            async def settled(ledger: Ledger, index: int) -> Any:
                claim, id = await self.its_claim(ledger, index, place, current)
                return await ledger.settle(claim, make.settlement(id, state, at=self.now, number=attempt, due=due))

            self.same(settled)

        @step(2, number=picks, attempt=st.sampled_from([1, 1, 2]), what=st.sampled_from(["unbegin", "kill"]))
        def give_up(self, number: int, attempt: int, what: str) -> None:
            """Takes an attempt back, or kills what could not be translated."""
            at, place = self.moment(), self.pick(number, what)

            async def given_up(ledger: Ledger, index: int) -> Any:
                claim, id = await self.its_claim(ledger, index, place)
                if what == "unbegin":
                    return await ledger.unbegin(claim, id, attempt, at)
                return await ledger.kill(claim, id, "translation.failed", "why", at)

            self.same(given_up)

        @step(1, platform=places, current=mostly, keep=st.booleans())
        def rescue(self, platform: str, current: bool, keep: bool) -> None:
            at = self.moment()

            async def rescued(ledger: Ledger, index: int) -> list[str | None]:
                sending = (await ledger.find_deliveries(DeliveryFilter(state=State.SENDING, platform=platform))).items
                under_way = [each.id for each in sending[:1]] if keep else []
                ids = await ledger.rescue(self.claim(index, platform, current), under_way, at)
                return sorted(str(self.place(id, index)) for id in ids)

            self.same(rescued)

        # ── leases ────────────────────────────────────────────────────────────────────────────
        async def its_inbox(self, ledger: Ledger, platform: str, current: bool = True) -> Inbox:
            """The right of a platform as it is registered, or as it was."""
            known = (await ledger.registry()).platforms.get(platform)
            return Inbox(platform, (known.revision if known else 0) - (not current))

        @step(5, platform=places, limit=st.integers(1, 3), length=st.integers(2, 12), current=mostly, ready=mostly)
        def fetch(self, platform: str, limit: int, length: int, current: bool, ready: bool) -> None:
            """Leases heads to a platform, which mostly fetches for itself."""
            if ready:
                self.put_platform(platform, "", None, "pull")
            at, latest, until = self.moment(), make.at(self.now + LONGEST_WAIT), make.at(self.now + length)

            async def fetched(ledger: Ledger, _: int) -> list[Any]:
                inbox = await self.its_inbox(ledger, platform, current)
                heads = await ledger.heads(inbox, at, latest, limit)
                numbers = [
                    await ledger.lease(inbox, each.delivery.id, "a@1", make.request, at, until, message=each.message)
                    for each in heads
                ]
                return [*heads, *numbers, await ledger.next_due(inbox, at, latest)]

            self.same(fetched)

        @step(
            2,
            number=picks,
            fitting=mostly,
            attempt=st.sampled_from([0, 0, 1, -1]),
            state=st.sampled_from([State.DELIVERED, State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD]),
            body=st.sampled_from([b"one", b"one", b"two"]),
            name=st.sampled_from([None, "P-1", "p-1"]),
            twice=st.booleans(),
        )
        def receipt(
            self, number: int, fitting: bool, attempt: int, state: State, body: bytes, name: str | None, twice: bool
        ) -> None:
            """Posts a receipt about a lease, or about one that there never was; perhaps twice."""
            place = self.pick(number, "receipt", fitting)
            for _ in range(1 + twice):
                self.receipt_for(place, attempt, state, body, name)

        def receipt_for(self, place: int, attempt: int, state: State, body: bytes, name: str | None) -> None:
            self.now += 1
            due = self.now + 5 if state is State.WAITING else None
            one = self.standing[place]
            alias = ("case_number", f"C-{one.lane}") if name and state is State.DELIVERED else None

            async def receipted(ledger: Ledger, index: int) -> LeaseSettled:
                settlement = make.settlement(
                    self.ids[index][place],
                    state,
                    at=self.now,
                    number=one.attempts + attempt,
                    due=due,
                    alias=alias,
                    reply=body,
                    reference=name,
                )
                return await ledger.settle_lease(one.platform or "", settlement)

            self.same(receipted)

        @step(
            5,
            platform=places,
            state=st.sampled_from([State.DELIVERED, State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD]),
            later=st.sampled_from([0, 0, 20]),
            again=st.booleans(),
            name=st.sampled_from([None, "P-1"]),
        )
        def serve(self, platform: str, state: State, later: int, again: bool, name: str | None) -> None:
            """Leases heads and answers them: in time, after they lapsed, or after they were leased again."""
            self.fetch(platform, 3, 5, True, True)
            self.all_stand_alike()
            places = [place for place, one in enumerate(self.standing) if one.leased_until and one.platform == platform]
            if later:
                self.lapse(3, later)
            if later and again:
                self.fetch(platform, 1, 5, True, True)
            for place in places:
                self.receipt_for(place, 0, state, b"one", name)

        @step(3, limit=st.integers(1, 3), later=st.integers(0, 8))
        def lapse(self, limit: int, later: int) -> None:
            """Lets leases lapse, after a while or by a clock that was set back."""
            self.now += later
            now, latest, at = make.at(self.now), make.at(self.now + LONGEST_WAIT - later), self.moment()
            self.same(lambda ledger, _: ledger.lapse(now, latest, at, limit))

        # ── operators ─────────────────────────────────────────────────────────────────────────
        @step(
            4,
            number=picks,
            action=st.sampled_from(["replay", "replay", "discard", "hold", "release"]),
            fitting=mostly,
            stale_ok=st.booleans(),
            key=some_keys,
        )
        def operate(self, number: int, action: str, fitting: bool, stale_ok: bool, key: str | None) -> None:
            """Does something to a delivery; under a key it is asked for twice, and done once."""
            place = self.pick(number, action, fitting)
            more = {"stale_ok": stale_ok} if action == "replay" else {}
            for _ in range(2 if key else 1):
                intent = self.intent(key)
                self.same(lambda ledger, index: getattr(ledger, action)(self.ids[index][place], intent, **more))  # noqa: B023
                self.all_stand_alike()

        @step(
            2,
            state=st.sampled_from([State.DEAD, State.REFUSED, State.DELIVERED, State.DELIVERED, HELD]),
            platform=st.none() | places,
            type=st.none() | types,
            stale_ok=st.booleans(),
            dry_run=st.booleans(),
        )
        def begin_replay(
            self, state: str, platform: str | None, type: str | None, stale_ok: bool, dry_run: bool
        ) -> None:
            intent, filter = self.intent(), DeliveryFilter(state=state, platform=platform, type=type)
            job = BulkReplay(f"job {intent.at}", filter, "why", "operator", intent.at, stale_ok, dry_run)
            begun = self.same(lambda ledger, _: ledger.begin_replay(job, intent))
            if isinstance(begun, BulkReplay) and not dry_run:
                self.jobs.append(job.id)

        @step(3, number=picks, limit=st.integers(1, 3), cancel=st.sampled_from([False, False, False, True]))
        def step_replay(self, number: int, limit: int, cancel: bool) -> None:
            """Replays some of a bulk replay, and perhaps ends it there."""
            if not self.jobs:
                return
            at, job, intent = self.moment(), self.jobs[-1 - number % len(self.jobs)], self.intent()
            self.same(lambda ledger, _: ledger.step_replay(job, limit, at))
            if cancel:
                self.same(lambda ledger, _: ledger.cancel_replay(job, intent))

        # ── retention ─────────────────────────────────────────────────────────────────────────
        @step(5, days=st.sampled_from([31, 250, 500, 700]), limit=st.integers(1, 9), ending=mostly, lane=lanes)
        def prune(self, days: int, limit: int, ending: bool, lane: str) -> None:
            """Lets days pass, twice, and prunes until there is no more; perhaps all of a lane is ended before."""
            if ending:
                self.settle_all(State.DELIVERED, 0, None, 0, None)
                self.give_up_lane(lane)
            # Not less than 30 days: a case that had to stay is looked at again only then.
            for passed in (31, days):
                self.now += passed * DAY
                self.same(self.pruning(make.at(self.now), passed * DAY, limit))

        def give_up_lane(self, lane: str) -> None:
            intent = self.intent()
            left = (State.READY, State.WAITING, State.DEAD, State.UNROUTED)

            async def given_up(ledger: Ledger, index: int) -> list[Delivery]:
                found = reversed((await ledger.find_deliveries(DeliveryFilter(), None, 1000)).items)
                return [
                    await ledger.discard(each.id, intent) for each in found if each.lane == lane and each.state in left
                ]

            self.same(given_up)

        def pruning(self, at: datetime, seen: float, limit: int) -> Call:
            async def pruned(ledger: Ledger, _: int) -> Any:
                taken = [await ledger.prune(KEPT, "pruner", at, seen=seen, limit=limit)]
                while taken[-1].more:
                    taken.append(await ledger.prune(KEPT, "pruner", at, limit=limit))
                return counted(taken), taken[-1].time, taken[-1].oldest

            return pruned

        @step(1)
        def reopen(self) -> None:
            self.both(lambda ledger, _: ledger.stop())
            self.ledgers = (self.ledgers[0], SqlLedger(self.address))
            self.both(lambda ledger, _: ledger.start())
            for platform in PLATFORMS:  # those of before ended with the process that had them
                self.take_claim(platform)

        @step(1, platform=places, current=mostly)
        def give_claim_back(self, platform: str, current: bool) -> None:
            """Gives a claim back, or one that is none any more; then takes it again."""
            self.same(lambda ledger, index: ledger.give_back(self.claim(index, platform, current)))
            self.same(lambda ledger, index: ledger.rescue(self.claim(index, platform), (), make.at(self.now)))
            self.take_claim(platform)

        # ── looking ───────────────────────────────────────────────────────────────────────────
        @step(
            2,
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
            case = replace(messages, case_number="c-a\u200b")

            async def found(ledger: Ledger, _: int) -> list[Any]:
                return [
                    *await _pages(ledger.find_deliveries, deliveries, limit),
                    *await _pages(ledger.find_messages, messages, limit),
                    *await _pages(ledger.find_messages, case, limit),
                ]

            self.same(found)

        @invariant()
        def all_stand_alike(self) -> None:
            """After every step both say the same of every delivery, head, platform, count, case and bulk replay."""
            found = self.see_all()
            self.standing = found[0]
            self.ids = [[each.id for each in deliveries] for deliveries in found]
            model, other = (self.plain(deliveries, index) for index, deliveries in enumerate(found))
            assert other == model
            self.same(self.look)

        async def look(self, ledger: Ledger, index: int) -> Any:
            now, latest = make.at(self.now + 3), make.at(self.now + 3 + LONGEST_WAIT)
            claims = [self.claim(index, platform) for platform in PLATFORMS]
            asked = [
                *(
                    ledger.find_deliveries(DeliveryFilter(state=state), None, 100)
                    for state in (HELD, State.READY, State.UNROUTED, UNWANTED)
                ),
                ledger.unwanted(),
                ledger.years(),
                _shown(ledger),
                _clocked(ledger),
                ledger.due_cases(date(2026, 9, 5)),
                ledger.ground_changes("AB"),
                *(ledger.upload_for(id, platform) for id in ("u-1", "u-2") for platform in (SOURCE, *PLATFORMS)),
                *(ledger.heads(claim, now, latest, 100, probe=probe) for claim in claims for probe in (False, True)),
                *(ledger.next_due(claim, now, latest) for claim in claims),
                ledger.next_lapse(now, latest),
                *map(ledger.facts, "AB"),
                *(ledger.partakes(lane, PLATFORMS[0]) for lane in "ABC"),
                *(ledger.recall(PLATFORMS[0], {"case_number": number}) for number in ("C-A", "c-b", "P-1")),
                *map(ledger.named, ("C-A", "c-b", "P-1")),
                ledger.registry(),
                ledger.contacts(),
                ledger.replays(),
                ledger.replays(unfinished=True),
                self.grouped(ledger, index),
                *(ledger.message(f"m{name}") for name in range(1, self.names + 1)),
                *(ledger.native(f"m{name}") for name in range(1, self.names + 1)),
                *(ledger.sent(id) for id in self.ids[index]),
                *(_replies(ledger, id) for id in self.ids[index]),
            ]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            presence = await ledger.beat()
            changed, self.changes[index] = presence.changes != self.changes[index], presence.changes
            answers += [changed, {platform for platform, one in presence.claims.items() if one.owner == presence.me}]
            return [each.code if isinstance(each, HutongError) else each for each in answers]

        async def grouped(self, ledger: Ledger, index: int) -> Any:
            """The backlog by what it is grouped by; the oldest may be a replay, which each names as it likes."""
            groups = await ledger.backlog()
            named = [replace(each, oldest_id=str(self.place(each.oldest_id, index))) for each in groups]
            return {(each.platform, each.kind, each.state, each.held_by): each for each in named}

    steps = [(name, drawn) for name, one in vars(SameAsTheModel).items() for drawn in getattr(one, "drawn", ())]
    return SameAsTheModel


def _taker(platform: str, takes: str) -> Callable[[Unrouted], str | None]:
    """Takes what seeks somebody like that, of the platform's kind."""

    def take(unrouted: Unrouted) -> str | None:
        return platform if unrouted.kind == platform.split(".")[0] and unrouted.toward == takes else None

    return take


def _unordered(platform: Platform) -> Any:
    return replace(platform, holds=()), frozenset(platform.holds)


async def _replies(ledger: Ledger, delivery_id: str) -> list[Any]:
    return [(each.number, each.verdict, each.reply) for each in await ledger.attempts_of(delivery_id)]


async def _reads(ledger: Ledger, lane: str, reads: str) -> Reads:
    """What a draft of a lane says it was decided on: nothing, what is so, or what may have been so."""
    number, fact = (SOURCE, "case_number", f"C-{lane}"), (lane, "region")
    if reads == "nothing":
        return Reads()
    if reads == "as it is":
        known = await ledger.recall(SOURCE, {"case_number": number[2]})
        said = await ledger.facts(lane)
        versions = (await ledger.find_messages(MessageFilter(type=TYPES[0], correlation_id=lane), None, 1)).items
        return Reads(
            {number: known["case_number"].message_id if known else None},
            {fact: said["region"].message_id if said else None},
            uploads=await ledger.known_uploads(["u-1"]),
            versions={(lane, TYPES[0]): versions[0].id if versions else None},
        )
    return Reads({number: None}) if reads == "nobody spoke of it" else Reads(fresh=frozenset({lane}))


async def _shown(ledger: Ledger) -> tuple[list[Any], Any]:
    """Every message that is followed, and since when one waits to be: positions differ between engines."""
    page = await ledger.messages_after(0, 1000)
    return list(page.messages), (await ledger.followed("clocks")).unseen_since


async def _clocked(ledger: Ledger) -> list[Any]:
    """Every deadline that is kept, in any order, and what is not over and not counted by the new rules."""
    every = ClockFilter(tuple(ClockSpan(each) for each in ClockStanding))
    found = (await ledger.find_clocks(every)).items
    counts = await ledger.count_clocks([date(2026, 9, 5)])
    return [sorted(map(repr, found)), sorted(map(repr, counts)), sorted(await ledger.counted_otherwise("new"))]


async def _pages(search: Any, filter: Any, limit: int) -> list[Any]:
    """The first three pages of a search."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(3):
        page = await search(filter, cursor, limit)
        found += [*page.items, page.cursor is not None]
        cursor = page.cursor
        if cursor is None:
            break
    return found


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    """How many runs: what decides is the same code in both engines, and a server answers less quickly."""
    return 6 if "postgresql" in request.keywords else 30


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("sqlite", "postgresql")])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Empty:
    """Gives empty ledgers, in each engine."""
    if request.param == "postgresql":
        one: Empty = request.getfixturevalue("postgres_ledgers").one
        return one
    put = request.getfixturevalue("ledger_at")

    @contextmanager
    def one_file() -> Iterator[str]:
        with TemporaryDirectory(dir=tmp_path) as folder:
            yield put(Path(folder) / "ledger.db")

    return one_file


FOLLOWED = (
    "gateway.ledger.followed",
    "gateway.ledger.clocked",
    "gateway.ledger.assessments",
    "gateway.ledger.occurrences",
)
"""Where the values stand that follow from messages."""


@pytest.mark.limit(900)
def test_same_as_the_model(make: Any, empty: Empty, examples: int) -> None:
    """Whatever is done to both, the ledger says what the model says: states, holds, heads, order, pages and counts."""
    bounded = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(machine(make, empty), settings=bounded)  # type: ignore[no-untyped-call]


def test_model_shares_no_code_with_the_ledger() -> None:
    """What the model says it says by itself: it knows the ledger's values, and nothing that decides or keeps."""
    for module in (kept_model, ledger_model, pruning_model, report_model):
        names = {value.__module__ for value in vars(module).values() if hasattr(value, "__module__")}
        ours = {name for name in names if name.startswith("gateway.ledger")}
        assert ours <= {"gateway.ledger.records", "gateway.ledger.versions", *FOLLOWED}


PROVED = frozenset(
    {
        "tree_standing", "sequence", "newest_head", "signed_heads", "signing_keys", "leaves_of", "proved_leaves",
        "prove_leaf", "prove_message", "prove_consistency", "find_audit",
        "keep_witnessed", "witnessed", "keep_stamp", "stamps", "newest_stamp",
    }
)  # fmt: skip
"""What the tree promises is held to the published vectors and to itself (`test_tree.py`), and not to the model."""

RECONCILED = frozenset({"exchanged", "exchanged_as", "pruned_until", "keep_missing", "keep_comparison", "comparison"})
"""What is exchanged on a day is held to examples of its own (`test_reconciling.py`)."""

BESIDE = PROVED | RECONCILED
"""What no model is for."""


@pytest.mark.parametrize("made", [ModelLedger, SqlLedger])
def test_every_promise_is_made(made: type[Any]) -> None:
    """Model and ledger have every call of the promise, with its arguments by the same names."""
    for name, promised in vars(Ledger).items():
        if inspect.isfunction(promised) and not name.startswith("_") and not (made is ModelLedger and name in BESIDE):
            given = inspect.signature(getattr(made, name)).parameters
            wanted = inspect.signature(promised).parameters
            assert [(each.name, each.kind) for each in given.values()] == [
                (each.name, each.kind) for each in wanted.values()
            ], name
