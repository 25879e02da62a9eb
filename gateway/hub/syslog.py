"""An entry of the audit as others read it: a line of JSON, or a message of syslog (RFC 5424) with that in it."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import orjson

from gateway.ledger.followed import NumberedEntry
from gateway.ledger.records import AuditEntry
from schemas.documents.masked import masked_text

_FACILITY = 13
"""Log audit."""

_WARNING, _INFORMATIONAL = 4, 6
_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(r"[^\x21-\x7e]")


def line_of(numbered: NumberedEntry) -> bytes:
    """Write an entry as JSON, without an end of line; what looks personal in what somebody wrote is masked."""
    entry = numbered.entry
    said = {
        "seq": numbered.seq,
        "at": _moment(entry),
        "actor": masked_text(entry.actor),
        "action": entry.action,
        "subject": masked_text(entry.subject),
        "reason": masked_text(entry.reason),
        "detail": _masked(entry.detail),
    }
    return orjson.dumps(said, default=str)


def message_of(numbered: NumberedEntry) -> bytes:
    """Write an entry as a message of syslog: facility 13, its action as MSGID, the line as MSG."""
    entry = numbered.entry
    severity = _WARNING if entry.action.endswith("failed") else _INFORMATIONAL
    host, kind = _name(socket.gethostname(), 255), _name(entry.action, 32)
    head = f"<{_FACILITY * 8 + severity}>1 {_moment(entry)} {host} hutong - {kind} - "
    return head.encode() + _BOM + line_of(numbered)


def _moment(entry: AuditEntry) -> str:
    return entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _name(said: str, longest: int) -> str:
    return _NAME.sub("_", said)[:longest] or "-"


def _masked(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: masked_text(value) if isinstance(value, str) else value for name, value in detail.items()}
