"""Recognise the numbers that a document names: whose they are, and which case they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.intake.routes import Route
from gateway.intake.steps import Recognised
from gateway.ledger.records import KnownNumber
from gateway.message import with_value
from schemas.catalog import TYPES, MessageType, at
from schemas.findings import Finding, Rejected, Text
from schemas.identifiers.folding import same_number

_NATIONAL = frozenset(key for kind in TYPES.values() if not kind.scoped for key in kind.parents)
"""Numbers that mean the same everywhere and tie one document to another."""


def named(kind: MessageType, document: Mapping[str, Any]) -> dict[str, str]:
    """Give the numbers that may be recognised, by key, as the sender wrote them; empty when it has none."""
    found = {_key(path): at(document, path) for path in kind.numbers}
    national = [key for key in kind.parents if key not in found]
    if national:
        keys = kind.keys(document)
        found |= {key: keys.get(key) for key in national}
    return {key: str(value) for key, value in found.items() if value is not None}


def recognise(
    kind: MessageType, route: Route, document: Mapping[str, Any], caller: str, found: Mapping[str, KnownNumber]
) -> Recognised:
    """Replace numbers by those of their issuers and find the case; Rejected `order.unknown` when it answers nothing.

    `found` is what the ledger knows of the numbers that `named` gave. A number that this type issues
    is the caller's own, whatever others call by the same one.
    """
    known = {key: one for key, one in found.items() if _meant(kind, key, document, caller, one)}
    changed = {path: known[_key(path)].original for path in kind.numbers if _key(path) in known}
    raw = {_key(path): str(at(document, path)) for path, own in changed.items() if at(document, path) != own}
    translated = _with_all(document, {path: own for path, own in changed.items() if _key(path) in raw})
    tie = next((known[key] for key in (*kind.lanes, *kind.parents) if key in known), None)
    return Recognised(
        document=translated,
        raw=raw,
        numbers=_remembered(kind, translated, known),
        ordering_key=_lane(kind, translated, caller, known),
        correlation_id=tie.correlation_id if tie else None,
        causation_id=tie.message_id if tie else None,
        answered=_answered(kind, route, translated, caller, known) if route.answers else None,
    )


def _key(path: str) -> str:
    return path.rpartition(".")[2]


def _meant(kind: MessageType, key: str, document: Mapping[str, Any], caller: str, known: KnownNumber) -> bool:
    if key != kind.issues and key not in kind.brings:
        return True
    return known.source == caller or not same_number(known.original, str(at(document, key)))


def _with_all(document: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    result = dict(document)
    for path, value in values.items():
        result = with_value(result, path, value)
    return result


def _remembered(kind: MessageType, document: Mapping[str, Any], known: Mapping[str, KnownNumber]) -> dict[str, str]:
    """Choose the numbers to remember the message by: what it issues, what was recognised, what names it nationally."""
    return dict(_own(kind, document)) | {key: one.original for key, one in known.items()}


def _own(kind: MessageType, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not kind.scoped:
        yield from ((key, value) for key, value in kind.keys(document).items() if key in _NATIONAL)
        return
    yield kind.ordering_of(document)
    for key in (kind.issues, *kind.brings):
        if key is not None and (value := at(document, key)) is not None:
            yield key, str(value)


def _lane(kind: MessageType, document: Mapping[str, Any], caller: str, known: Mapping[str, KnownNumber]) -> str:
    """Give the ordering key: the lane of the same number where it is known, else one of its own."""
    same = (known[key] for key in (kind.lanes if kind.scoped else kind.parents) if key in known)
    names = tuple(f"{lane}:" for lane in kind.lanes)
    inherited = next((one.ordering_key for one in same if one.ordering_key.startswith(names)), None)
    if inherited is not None:
        return inherited
    field, value = kind.ordering_of(document)
    if not kind.scoped:
        return f"{field}:{value}"
    issuer = known[field].source if field in known else caller
    return f"{field}:{issuer}:{value}"


def _answered(
    kind: MessageType, route: Route, document: Mapping[str, Any], caller: str, known: Mapping[str, KnownNumber]
) -> str:
    """Name the platform whose message this one answers (Return Address)."""
    field, number = kind.ordering_of(document)
    asked = known.get(field)
    if asked is not None and asked.type == route.answers and asked.source != caller:
        return asked.source
    code, title = f"{field.removesuffix('_number')}.unknown", TYPES[route.answers or ""].title
    finding = Finding(
        code,
        Text(f"没有收到过编号为 {number} 的{title}", f"Nothing numbered {number} was given to this platform"),
        field=field,
        value=number,
    )
    detail = Text(
        f"网关没有向本平台转交过编号为 {number} 的{title}；请核对编号后重发",
        f"The gateway passed nothing numbered {number} to this platform; check the number and send it again",
    )
    raise Rejected(code, detail, [finding])
