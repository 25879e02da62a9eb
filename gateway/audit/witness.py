"""What a witness is offered, and what its answer means; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.audit.signatures import is_signed, witness_text


class Taken(Struct, frozen=True):
    """The witness took the head; with a signature (hexadecimal) made at a moment (microseconds), or without."""

    signed_at: int = 0
    signature: str = ""


class Elsewhere(Struct, frozen=True):
    """The newest head that the witness has is of another size than the offer begins with."""

    size: int


class Untaken(Struct, frozen=True):
    """The witness did not take it; `reason` says why, in a stable word."""

    reason: str


def offer(head: Mapping[str, Any], old: int, path: Sequence[bytes]) -> bytes:
    """Write what a witness is offered: a head as it is shown, and the proof that it continues the one of size `old`.

    It is one line of JSON, and as such a line of a file that `hutong audit verify --heads` reads.
    """
    return json.dumps({**head, "from": old, "path": [each.hex() for each in path]}).encode() + b"\n"


def judged(status: int, body: bytes, head: Mapping[str, Any], key: str) -> Taken | Elsewhere | Untaken:
    """Judge an answer to the offer of a head. `key`: what the witness signs with (hexadecimal); empty: it need not.

    Where a key is registered, what it did not sign does not count: somebody else may have answered.
    """
    told = _object(body)
    if status == 409 and isinstance(size := told.get("size"), int) and size >= 0:
        return Elsewhere(size)
    if not 200 <= status < 300:
        return Untaken(f"HTTP {status}")
    if not key:
        return Taken()
    at, signature = told.get("at"), told.get("signature")
    if isinstance(at, int) and isinstance(signature, str) and _signed(key, signature, witness_text(head, at)):
        return Taken(at, signature)
    return Untaken("signature.wrong")


def _signed(key: str, signature: str, content: bytes) -> bool:
    try:
        return is_signed(bytes.fromhex(key), bytes.fromhex(signature), content)
    except ValueError:
        return False


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
