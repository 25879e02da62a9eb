"""The digest that a sender states of its content (RFC 9530, `Content-Digest`), and the one that is found."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping

from schemas.findings import Rejected, Text

_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sm3": "sm3"}
"""What may be stated → what computes it."""

_STATED = re.compile(r"\s*([a-z0-9-]{1,20})=:([A-Za-z0-9+/=]{1,128}):\s*")


def stated(header: str | None) -> Mapping[str, bytes]:
    """Read a `Content-Digest`: algorithm → digest, of those that we compute; Rejected where there is none (400)."""
    if not header:
        raise Rejected("digest.missing", _MISSING, status=400)
    found: dict[str, bytes] = {}
    for part in header.split(","):
        each = _STATED.fullmatch(part)
        if each is None:
            raise Rejected("digest.malformed", _MISSING, status=400)
        try:
            digest = b64decode(each[2], validate=True)
        except (Error, ValueError):
            raise Rejected("digest.malformed", _MISSING, status=400) from None
        if each[1] in _ALGORITHMS:
            found[each[1]] = digest
    if not found:
        raise Rejected("digest.missing", _MISSING, status=400)
    return found


class Digests:
    """Computes, piece by piece, what was stated, and SHA-256 always."""

    def __init__(self, stated: Mapping[str, bytes]) -> None:
        self._stated = stated
        self._found = {name: hashlib.new(_ALGORITHMS[name]) for name in {*stated, "sha-256"}}
        self.size = 0

    def take(self, piece: bytes) -> None:
        """Take the next piece of the content."""
        self.size += len(piece)
        for one in self._found.values():
            one.update(piece)

    def check(self) -> None:
        """Return when the content is what was stated; Rejected `digest.mismatch` (400)."""
        if any(self._found[name].digest() != digest for name, digest in self._stated.items()):
            raise Rejected("digest.mismatch", _MISMATCH, status=400)

    @property
    def sha256(self) -> str:
        """Give the SHA-256 as documents state it: `sha256:` and hexadecimal digits."""
        return f"sha256:{self._found['sha-256'].hexdigest()}"


_MISSING = Text(
    "请在 Content-Digest 头中写明内容的摘要，例如 sha-256=:BASE64:（RFC 9530；支持 sha-256、sha-512、sm3）",
    "State the content's digest in the header Content-Digest, as sha-256=:BASE64: (RFC 9530; sha-256, sha-512 or sm3)",
)
_MISMATCH = Text(
    "收到的内容与 Content-Digest 不符（传输中被改动或截断）；请重新上传",
    "What arrived is not what Content-Digest states, it was changed or cut short on its way; upload it again",
)
