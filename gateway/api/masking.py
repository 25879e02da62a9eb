"""Personal values in what a person reads: masked, unless they lifted it for this subject, for a time and a purpose.

Platforms read what is theirs as it is, and the administrator's token, whose every use alarms, reads everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends
from msgspec import Struct

from adapters.base import Adapter
from gateway.access import Principal
from gateway.api.rights import Caller, TheHub, actor
from gateway.errors import Forbidden, HutongError
from gateway.hub import Hub
from gateway.ledger.records import Unmasking
from gateway.message import Message, effective_document
from schemas.catalog import TYPES
from schemas.documents import fields
from schemas.documents.masked import masked_document, masked_fault, masked_json, masked_reply, masked_text
from schemas.documents.personal import personal_values, without
from schemas.findings import Text

MASKED = {"masked": "true"}
"""The header of an answer in which personal values are masked."""

_SUBJECTS = ("case_number", "decision_number")
"""The numbers of a message under which it may be unmasked, beside its own id."""

_INDEX = re.compile(r"\[[^]]*\]$")

_NOT_SHOWN = Text(
    "该报文不是 JSON，无法逐项脱敏；请查看规范文书（/canonical），或先以 POST /v1/unmask 说明用途后再看",
    "These bytes are no JSON and cannot be masked value by value: read /canonical, or say with POST /v1/unmask what "
    "you need them for",
)


class Masking(Struct, frozen=True):
    """What one caller sees of personal values."""

    hub: Hub
    caller: Principal

    async def hides(self, *subjects: str) -> bool:
        """Tell whether personal values of something with these names are hidden from the caller now."""
        return self.caller.person is not None and not await self._lifted(subjects)

    async def hides_message(self, message: Message) -> bool:
        """Tell it of a message: by its id, or by the number of its case or decision."""
        return await self.hides(*_names(message))

    async def read(self, action: str, subject: str, *subjects: str, part: str = "") -> None:
        """Keep in the audit that the caller reads something, and what for where they unmasked it; before it is shown.

        A platform's own call does not wait for it.
        """
        purposes = [one.purpose for one in await self._lifted((subject, *subjects))]
        platform = self.caller.platform is not None
        await self.hub.trail.read(
            actor(self.caller), action, subject, part=part, purpose="; ".join(purposes), later=platform
        )

    async def read_message(self, message: Message, part: str) -> None:
        """Keep that the caller reads a body of a message."""
        await self.read("body.read", *_names(message), part=part)

    async def _lifted(self, subjects: Sequence[str]) -> Sequence[Unmasking]:
        if self.caller.person is None:
            return ()
        standing = await self.hub.ledger.unmaskings(self.caller.person.id, self.hub.clock())
        return [one for one in standing if one.subject in subjects]


def _names(message: Message) -> Sequence[str]:
    """Give the names under which a message may be unmasked, its id first."""
    return message.id, *(message.keys[name] for name in _SUBJECTS if name in message.keys)


def masking(hub: TheHub, caller: Caller) -> Masking:
    """Give what the caller of a request sees of personal values."""
    return Masking(hub, caller)


TheMasking = Annotated[Masking, Depends(masking)]


def document_masked(type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a message's document as it is shown masked."""
    return masked_document(TYPES[type].document, document)


def native_masked(hub: Hub, message: Message, body: bytes) -> bytes:
    """Give the bytes a message came in, masked; Forbidden `body.masked` where that cannot be done."""
    name, _, version = message.adapter.partition("@")
    return _masked(message, _adapters(hub, name, version), message.operation, body)


def sent_masked(hub: Hub, message: Message, adapter: str | None, body: bytes) -> bytes:
    """Give the bytes a delivery was sent with, masked; Forbidden `body.masked` where that cannot be done."""
    name, _, version = (adapter or "").partition("@")
    return _masked(message, _adapters(hub, name, version), message.type, body)


def unmaskable() -> Forbidden:
    """Say that bytes are shown whole or not at all: nothing tells what in them is personal."""
    return Forbidden(_NOT_SHOWN, code="body.masked")


def path_masked(message: Message, path: str) -> str:
    """Give the path of a request, masked: a query may name somebody."""
    return masked_text(without(path, _values(message)))


def reply_masked(message: Message, said: str) -> str:
    """Give what a platform answered, masked."""
    return masked_reply(said, frozenset(_personal_fields(message.type)), _values(message))


def words_masked(value: Any) -> Any:
    """Give a value of another place (a warning, what was filled in), masked by its shape."""
    return masked_text(value) if isinstance(value, str) else value


def problem_masked(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Give a problem document with what looks personal masked, in its sentences and in the values as they were sent."""
    shown = {**problem, "detail": masked_fault(problem["detail"])}
    if "errors" in problem:
        shown["errors"] = [finding_masked(one) for one in problem["errors"]]
    return shown


def finding_masked(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Give one fault or warning, masked alike; a number may be somebody's, too."""
    return {name: _fault_masked(value) if name in _SAID else value for name, value in finding.items()}


_SAID = ("path", "message", "value")
"""What of a fault may repeat what was sent."""


def _fault_masked(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    masked = masked_fault(str(value))
    return value if masked == str(value) else masked


def _masked(message: Message, adapters: Iterable[Adapter], translation: str, body: bytes) -> bytes:
    names = {name for one in adapters for name in _native_names(one, message.type, translation)}
    shown = masked_json(body, frozenset(names | _personal_fields(message.type)), _values(message))
    if shown is None:
        raise unmaskable()
    return shown


def _adapters(hub: Hub, name: str, version: str) -> Iterable[Adapter]:
    """Give the adapter that read or wrote something; none when it is not installed any more."""
    try:
        return (hub.adapters.get(name, version or None),)
    except HutongError:
        return ()


def _native_names(adapter: Adapter, type: str, translation: str) -> set[str]:
    """Give the last part of each native path that personal values are read from, or written to."""
    if translation not in adapter.receives and translation not in adapter.sends:
        return set()
    personal = {path for path, one in fields(TYPES[type].document).items() if one.personal}
    paths = (path for one in adapter.lineage(translation) if one.field in personal for path in one.paths)
    return {_INDEX.sub("", path.rpartition(".")[2]) for path in paths}


def _personal_fields(type: str) -> set[str]:
    """Give the canonical names of personal fields that are no other field's: what speaks canonical uses them."""
    known = fields(TYPES[type].document)
    other = {_last(path) for path, one in known.items() if not one.personal}
    return {_last(path) for path, one in known.items() if one.personal} - other


def _last(path: str) -> str:
    return _INDEX.sub("", path.rpartition(".")[2])


def _values(message: Message) -> frozenset[str]:
    name = TYPES[message.type].document
    return personal_values(name, message.document, effective_document(message))
