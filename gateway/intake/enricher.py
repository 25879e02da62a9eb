"""Ask what a case already knows, and choose what of it a document may be filled in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.intake.lookups import Lookups
from gateway.message import Enriched
from schemas import documents
from schemas.catalog import MessageType, at
from schemas.findings import Finding, Text

_REGION = "region"
"""Belongs to a case whatever party its documents are about; every other fact belongs to one enterprise."""

_PARTIES = ("party", "holder", "builder")
"""The fields that name whom a document is about."""

_FOLDED = str.maketrans("（）", "()")


async def filled(
    lookups: Lookups, kind: MessageType, document: Mapping[str, Any], correlation_id: str | None
) -> dict[str, Enriched]:
    """Give what the case knows and the document lacks, by canonical path; nothing when it belongs to no case.

    What a document said of one enterprise is not filled in for another: the parties must agree.
    """
    absent = {path: path.rpartition(".")[2] for path in lacking(kind, document)} if correlation_id else {}
    if not absent or correlation_id is None:
        return {}
    facts = await lookups.facts(correlation_id, absent.values())
    found = {path: facts[field] for path, field in absent.items() if field in facts}
    others = await _of_other_parties(lookups, document, found)
    return {path: fact for path, fact in found.items() if path == _REGION or fact.message_id not in others}


async def _of_other_parties(lookups: Lookups, document: Mapping[str, Any], found: Mapping[str, Enriched]) -> set[str]:
    """Give the ids of those messages, among the ones the facts came from, that are about another party."""
    asked = {fact.message_id for path, fact in found.items() if path != _REGION}
    messages = [await lookups.message(one) for one in asked]
    return {one.id for one in messages if one is not None and not same_party(document, one.document)}


def notices(kind: MessageType, enriched: Mapping[str, Enriched]) -> list[Finding]:
    """Say what was filled in, one warning a field."""
    titles = documents.fields(kind.document)
    return [_notice(path, titles[path].title, fact) for path, fact in enriched.items()]


def _notice(path: str, title: str, fact: Enriched) -> Finding:
    message = Text(
        f"原文未填，已按同一案件先前文书 {fact.message_id} 补充",
        f"Not in the document: filled in from message {fact.message_id} of the same case",
    )
    return Finding("value.enriched", message, field=path, title=title, value=fact.value)


def lacking(kind: MessageType, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the fields that the document has none of and a case may fill in.

    A party that is told by a person's number gets no company's.
    """
    person = at(document, "party.citizen_id") is not None
    return tuple(
        path for path in kind.enrichable if at(document, path) is None and not (person and path.startswith("party."))
    )


def same_party(document: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two documents may be about the same enterprise; a document without a party is about any."""
    one, two = _party(document), _party(other)
    if not one or not two:
        return True
    codes = one.get("credit_code"), two.get("credit_code")
    if all(codes):
        return codes[0] == codes[1]
    return _folded(one.get("name")) == _folded(two.get("name"))


def _party(document: Mapping[str, Any]) -> Mapping[str, Any]:
    named = (document.get(field) for field in _PARTIES)
    return next((party for party in named if isinstance(party, Mapping)), {})


def _folded(name: object) -> str:
    return "".join(str(name).translate(_FOLDED).split())
