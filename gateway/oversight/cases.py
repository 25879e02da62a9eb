"""A case across all systems: found by any number that anybody gave it, with its documents, deliveries and deadlines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter, NamedCase
from gateway.message import Attempt, Delivery, Message, effective_document
from gateway.oversight.clocks import CaseClock, CaseDocument, clocks
from gateway.oversight.years import known_days
from schemas.clocks import bundled
from schemas.findings import Text

_NAMES = ("case_number", "decision_number")
"""The numbers that stand for a case; others (an order, an inspection) may belong to many."""

_PAGE = 200
MOST = 1000
"""Messages of one correlation that are looked through, the newest: an order may have led to a thousand inspections."""


CASE = "case_number"
"""How the lanes of cases begin."""


def is_case(lane: str) -> bool:
    """Tell whether an ordering key is a case's."""
    return lane.startswith(f"{CASE}:")


def number_of(lane: str) -> str:
    """Give the number of a case as its issuer writes it."""
    return lane.split(":", 2)[2]


def issuer_of(lane: str) -> str:
    """Give the platform that issued the number of a case."""
    return lane.split(":", 2)[1]


class CaseCandidate(Struct, frozen=True):
    """One of several cases that a number names: how its issuer writes the number, and which platforms use it."""

    number: str
    platforms: tuple[str, ...]
    correlation_id: str
    ordering_key: str


class AmbiguousCase(Conflict):
    """Several cases have the number; `candidates` says whose."""

    code = "case.ambiguous"

    def __init__(self, number: str, candidates: Sequence[CaseCandidate]) -> None:
        said = ", ".join(f"{each.number} ({'/'.join(each.platforms)})" for each in candidates)
        zh = f"有 {len(candidates)} 个案件使用编号 {number}；请用 ?platform= 指明是哪个平台的编号：{said}"
        en = f"{len(candidates)} cases have the number {number}; say whose number it is with ?platform=: {said}"
        super().__init__(Text(zh, en))
        self.candidates = tuple(candidates)


Sees = Callable[[Message, Sequence[Delivery]], bool]
"""Tells whether whoever asks sees a message, with the deliveries that it has."""


class WholeCase(Struct, frozen=True):
    """A case: its messages in the order in which they came, what led to them and what they led to included.

    `deliveries` and `attempts` are by message and by delivery. `numbers` says who uses the number that was
    asked for. `complete`: no message was left out for there being too many.
    """

    number: str
    correlation_id: str
    numbers: tuple[NamedCase, ...]
    messages: tuple[Message, ...]
    deliveries: Mapping[str, Sequence[Delivery]]
    attempts: Mapping[str, Sequence[Attempt]]
    clocks: tuple[CaseClock, ...]
    complete: bool

    def seen(self, sees: Sees) -> bool:
        """Tell whether a caller sees a message of the case."""
        return any(sees(message, self.deliveries[message.id]) for message in self.messages)


class CaseFinder:
    """Puts cases together."""

    def __init__(self, ledger: Ledger, clock: Clock, zone: tzinfo) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = zone

    async def of(self, number: str, *, issued_by: str | None = None, sees: Sees | None = None) -> WholeCase:
        """Give the case that a number names, in the words of one platform (`issued_by`) or of anybody.

        `sees`: what whoever asks may see, if not all; a case of which they see nothing is not there for them.
        NotFound `case.unknown`; AmbiguousCase when several have the number.
        """
        found: dict[str, list[NamedCase]] = defaultdict(list)
        for each in await self._ledger.named(number):
            if each.field in _NAMES and issued_by in (None, each.platform):
                found[each.ordering_key].append(each)
        if sees is None and len(found) > 1:
            raise AmbiguousCase(number, [_candidate(names) for names in found.values()])
        cases = [await self._documents(names) for names in found.values()]
        if sees is not None:
            cases = [case for case in cases if case.seen(sees)]
        if len(cases) > 1:
            raise AmbiguousCase(number, [_candidate(case.numbers) for case in cases])
        if not cases:
            raise _no_case(number)
        return await self._completed(cases[0])

    async def _documents(self, names: Sequence[NamedCase]) -> WholeCase:
        """Give a case without its attempts and deadlines: so much tells who took part in it."""
        first = names[0]
        found, complete = await correlated(self._ledger, first.correlation_id)
        messages = of_case(found, first.ordering_key)
        theirs: dict[str, list[Delivery]] = {one.id: [] for one in messages}
        for delivery in await self._ledger.deliveries_of(*theirs):
            theirs[delivery.message_id].append(delivery)
        return WholeCase(first.original, first.correlation_id, tuple(names), tuple(messages), theirs, {}, (), complete)

    async def _completed(self, case: WholeCase) -> WholeCase:
        every = [delivery.id for each in case.deliveries.values() for delivery in each]
        documents = documents_of(case.messages)
        days = known_days(await self._ledger.years())
        return replace(
            case,
            attempts={id: await self._ledger.attempts_of(id) for id in every},
            clocks=clocks(documents, bundled(), days, self._clock(), self._zone),
        )


async def correlated(ledger: Ledger, correlation_id: str) -> tuple[Sequence[Message], bool]:
    """Give the messages of a correlation in the order in which they came, and whether these are all: at most MOST."""
    found: list[Message] = []
    cursor = None
    while len(found) < MOST:
        page = await ledger.find_messages(MessageFilter(correlation_id=correlation_id), cursor, _PAGE)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found[::-1], True
    return found[::-1], False


def of_case(correlated: Iterable[Message], ordering_key: str) -> list[Message]:
    """Leave out other cases of the correlation: the case's lane, what led to it, and what came of it directly."""
    by_id = {each.id: each for each in correlated}
    own = {each.id for each in by_id.values() if each.ordering_key == ordering_key}
    wanted = own | {each.id for each in by_id.values() if each.causation_id in own}
    for id in own:
        cause = by_id[id].causation_id
        while cause in by_id and cause not in wanted:
            wanted.add(cause)
            cause = by_id[cause].causation_id
    return [each for each in by_id.values() if each.id in wanted]


def documents_of(messages: Iterable[Message]) -> list[CaseDocument]:
    """Give what a case's messages say, with what the case knew of them."""
    return [CaseDocument(one.id, one.type, one.source, effective_document(one)) for one in messages]


def _candidate(names: Sequence[NamedCase]) -> CaseCandidate:
    platforms = tuple(dict.fromkeys(each.platform for each in names))
    return CaseCandidate(names[0].original, platforms, names[0].correlation_id, names[0].ordering_key)


def _no_case(number: str) -> NotFound:
    zh, en = f"没有案件 {number}；请核对编号。", f"There is no case {number}; check the number."
    return NotFound(Text(zh, en), code="case.unknown")
