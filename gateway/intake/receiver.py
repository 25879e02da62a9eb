"""Tell the same document from a new one (Idempotent Receiver): identity, digest, and the caller's key."""

from __future__ import annotations

import hashlib
import re

import orjson

from gateway.intake.steps import Translated
from schemas import catalog
from schemas.findings import Rejected, Text

LONGEST_KEY = 255

_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")


def check_key(key: str | None) -> None:
    """Refuse an Idempotency-Key that cannot be kept: Rejected `idempotency.key-invalid`, status 400."""
    if key is not None and not _KEY.fullmatch(key):
        raise Rejected(
            "idempotency.key-invalid",
            Text(
                f"Idempotency-Key 须为 1 至 {LONGEST_KEY} 个可见 ASCII 字符；请更换后重发",
                f"An Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters; choose another and send again",
            ),
            status=400,
        )


def identity_of(record: Translated) -> str:
    """Give the natural identity of a document: what its operation declares, else its type's own.

    Documents of one identity are versions of one thing: equal ones are duplicates.
    """
    if record.identity is not None:
        return record.identity
    return f"{record.type}:{catalog.TYPES[record.type].identity(record.document)}"


def digest_of(record: Translated) -> str:
    """Give the SHA-256, hexadecimal, of the canonical document as it was sent."""
    return hashlib.sha256(orjson.dumps(record.document, option=orjson.OPT_SORT_KEYS)).hexdigest()
