"""The dossier of an enterprise (一企一档): what the ledger knows, and what its platforms answer now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from gateway.clock import Clock
from gateway.hub.questions import AskedPlatform, EnterpriseDocument, PlatformAnswer, Questions
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter
from gateway.message import Message, effective_document
from schemas.catalog import of_dossier
from schemas.findings import Rejected
from schemas.identifiers import CreditCode, Misshapen

PARTS: Mapping[str, tuple[str, ...]] = {
    part: tuple(one.name for one in of_dossier(part))
    for part in ("permits", "projects", "penalties", "inspections", "cases")
}
"""Part → the message types it is made of. A query by a part's name refreshes it."""

_TYPES = frozenset(one for part in PARTS.values() for one in part)
_CREDIT_CODE = "credit_code"
"""What a message is found by; one of the same case that names nobody (a node, a payment) belongs to it too."""

_NAMED = ("party", "holder", "builder")


class EnterprisePart(Struct, frozen=True):
    """One part: newest first. `state`: `ok`; `partial` (a source, or a row of one, could not be read now, the rest
    stands); `unsupported` (nothing is known, and no platform answers questions about it)."""

    state: str
    entries: tuple[EnterpriseDocument, ...]
    sources: tuple[AskedPlatform, ...] = ()


class Enterprise(Struct, frozen=True):
    """Everything known about an enterprise, part by part."""

    credit_code: str
    name: str | None
    at: datetime
    parts: Mapping[str, EnterprisePart]


class Dossiers:
    """Puts dossiers together."""

    def __init__(self, ledger: Ledger, questions: Questions, clock: Clock) -> None:
        self._ledger = ledger
        self._questions = questions
        self._clock = clock

    async def of(self, credit_code: str, *, anew: bool = False) -> Enterprise:
        """Give the dossier of a unified social credit code; a platform that is down leaves its part marked.

        What a platform answered lately is given as it was then, unless everybody is to be asked `anew`.
        Rejected `credit-code.shape` for what is no credit code.
        """
        credit_code = _credit_code(credit_code)
        kept, answers = await asyncio.gather(
            self._kept(credit_code), self._questions.ask(PARTS, credit_code, anew=anew)
        )
        parts = {name: _part(name, kept, answers) for name in PARTS}
        entries = (entry for part in parts.values() for entry in part.entries)
        return Enterprise(credit_code, name_in(entries), self._clock(), parts)

    async def _kept(self, credit_code: str) -> Sequence[EnterpriseDocument]:
        about = await self._ledger.dossier(credit_code, sorted(_TYPES))
        cases = dict.fromkeys(message.correlation_id for message in about)
        pages = [await self._ledger.find_messages(MessageFilter(correlation_id=one)) for one in cases]
        nameless = [one for page in pages for one in page.items if one.type in _TYPES and _CREDIT_CODE not in one.keys]
        return [_entry(message) for message in (*about, *nameless)]


def _credit_code(text: str) -> str:
    try:
        return CreditCode.normalise(text)
    except Misshapen as error:
        raise Rejected("credit-code.shape", error.finding.message, [error.finding]) from None


def _entry(message: Message) -> EnterpriseDocument:
    return EnterpriseDocument(
        message.type, effective_document(message), message.source, message.received_at, message.id
    )


def _part(name: str, kept: Sequence[EnterpriseDocument], answers: Sequence[PlatformAnswer]) -> EnterprisePart:
    told = [answer for answer in answers if answer.part == name]
    known = [entry for entry in kept if entry.type in PARTS[name]]
    fresh = [entry for answer in told for entry in answer.entries]
    new = [entry for entry in fresh if not any(_same(entry, one) for one in known)]
    entries = sorted((*new, *known), key=lambda entry: entry.at, reverse=True)
    sources = tuple(sorted((answer.source for answer in told), key=lambda source: source.platform))
    return EnterprisePart(_state(entries, sources), tuple(entries), sources)


def _same(entry: EnterpriseDocument, other: EnterpriseDocument) -> bool:
    return entry.type == other.type and entry.document == other.document


def _state(entries: Sequence[EnterpriseDocument], sources: Sequence[AskedPlatform]) -> str:
    if not entries and not sources:
        return "unsupported"
    return "ok" if all(source.state == "ok" for source in sources) else "partial"


def name_in(entries: Iterable[EnterpriseDocument]) -> str | None:
    """Give what the first document that names the enterprise calls it."""
    for entry in entries:
        for field in _NAMED:
            party = entry.document.get(field)
            if isinstance(party, Mapping) and party.get("name"):
                return str(party["name"])
    return None
