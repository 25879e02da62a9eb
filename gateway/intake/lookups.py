"""What deciding about a package asks the ledger, recorded so that it can be verified when the package is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.intake import corrections
from gateway.ledger import decisions
from gateway.ledger.base import Ledger
from gateway.ledger.records import (
    FactAsked,
    IntakeDraft,
    KnownNumber,
    MessageFilter,
    NumberAsked,
    Reads,
    Upload,
    VersionsAsked,
)
from gateway.message import Delivery, Enriched, Message
from schemas.identifiers.folding import comparison_key

_PAGE = 200
"""Messages of a case that are read at once."""


class Lookups:
    """Answers for one caller's package: from the ledger, else from what earlier records of the package brought.

    Earlier records count because they will be kept before this one: a package gives what its
    records would have given one by one. What the ledger has goes first, since it was there first.
    Spellings of one number are one number.
    """

    def __init__(self, ledger: Ledger, caller: str) -> None:
        self._ledger = ledger
        self._caller = caller
        self._brought_numbers: dict[tuple[str, str], KnownNumber] = {}
        self._brought_facts: dict[FactAsked, Enriched] = {}
        self._brought: dict[str, Message] = {}
        self._brought_deliveries: dict[str, Sequence[Delivery]] = {}
        self._numbers: dict[NumberAsked, str | None] = {}
        self._facts: dict[FactAsked, str | None] = {}
        self._fresh: set[str] = set()
        self._uploads: set[str] = set()
        self._versions: dict[VersionsAsked, str | None] = {}

    # ── one record ────────────────────────────────────────────────────────────────────────────
    def begin(self) -> None:
        """Begin with a record: nothing was asked for it yet."""
        self._numbers, self._facts, self._fresh, self._uploads = {}, {}, set(), set()
        self._versions = {}

    def reads(self) -> Reads:
        """Give what was asked since the record began, with the answers."""
        fresh, uploads = frozenset(self._fresh), frozenset(self._uploads)
        return Reads(self._numbers, self._facts, fresh, uploads, self._versions)

    def bring(self, draft: IntakeDraft) -> None:
        """Let the following records find what this one brings: its numbers and its facts."""
        message = draft.message
        self._brought[message.id] = message
        self._brought_deliveries[message.id] = draft.deliveries
        for field, number in draft.numbers.items():
            known = KnownNumber(
                number, message.id, message.type, message.source, message.correlation_id, message.ordering_key
            )
            self._brought_numbers.setdefault((field, comparison_key(number)), known)
        for field, value in decisions.facts_of(message).items():
            self._brought_facts.setdefault((message.correlation_id, field), Enriched(value, message.id))

    # ── asking ────────────────────────────────────────────────────────────────────────────────
    async def recall(self, named: Mapping[str, str]) -> Mapping[str, KnownNumber]:
        """Recognise numbers as the caller writes them, by canonical field."""
        if not named:
            return {}
        kept = await self._ledger.recall(self._caller, named)
        brought = {
            field: one
            for field, number in named.items()
            if (one := self._brought_numbers.get((field, comparison_key(number))))
        }
        found = {**brought, **kept}
        for field, number in named.items():
            self._numbers[self._caller, field, number] = found[field].message_id if field in found else None
        return found

    async def facts(self, correlation_id: str, fields: Iterable[str]) -> Mapping[str, Enriched]:
        """Give what a case said first of these fields."""
        kept = await self._ledger.facts(correlation_id)
        found: dict[str, Enriched] = {}
        for field in fields:
            fact = kept.get(field) or self._brought_facts.get((correlation_id, field))
            self._facts[correlation_id, field] = fact.message_id if fact else None
            if fact is not None:
                found[field] = fact
        return found

    async def is_open(self, correlation_id: str) -> bool:
        """Tell whether a case is open to the caller: it takes part in it, or nobody does yet."""
        part = await self._ledger.partakes(correlation_id, self._caller)
        if part is None:
            self._fresh.add(correlation_id)
        return part is not False

    async def case(self, correlation_id: str) -> str:
        """Give the correlation that an id names now: a message's, or one that a sender made up.

        A case whose number turned out to be an alias is tied to another case, and its id, which senders
        may remember, is still that of its first message. The region is read because every case has one:
        a case that is tied before this is kept has none any more, and everything is decided again.
        """
        message = await self.message(correlation_id)
        case = message.correlation_id if message else correlation_id
        await self.facts(case, ["region"])
        return case

    async def upload(self, upload_id: str) -> Upload | None:
        """Give an attachment that the caller uploaded or received; it must still be there when the record is kept."""
        found = await self._ledger.upload_for(upload_id, self._caller)
        if found is not None:
            self._uploads.add(upload_id)
        return found

    async def message(self, message_id: str) -> Message | None:
        """Give a message. Of what may change of it, its case, nothing is noted: see `case`."""
        return self._brought.get(message_id) or await self._ledger.message(message_id)

    async def got(self, original: Message) -> Sequence[Delivery]:
        """Give the deliveries of a message, of the earlier versions of its document, and of what corrected it.

        The last message of its type in the case is noted: one that comes meanwhile may have reached others. A
        platform that comes meanwhile moves the registry's revision.
        """
        case = MessageFilter(type=original.type, correlation_id=original.correlation_id)
        page = await self._ledger.find_messages(case, None, _PAGE)
        kept = list(page.items)
        while page.cursor is not None:
            page = await self._ledger.find_messages(case, page.cursor, _PAGE)
            kept.extend(page.items)
        self._versions[original.correlation_id, original.type] = kept[0].id if kept else None
        chain = corrections.chain(original, (*kept, *self._brought.values()))
        brought = [one for message in chain for one in self._brought_deliveries.get(message.id, ())]
        ids = [message.id for message in chain if message.id not in self._brought_deliveries]
        return (*(await self._ledger.deliveries_of(*ids)), *brought)
