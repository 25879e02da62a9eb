"""Who is calling: a token's hash tells the platform or the administrator. Only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from gateway.ledger.records import Platform

# ── tokens: random enough that only their plain SHA-256 need be kept ─────────────────────────────
PREFIX = "hutong_"
"""Lets a secret scanner, and a person, recognise one of our tokens."""

LONGEST = 512
"""Characters; what is longer was never issued by us."""


def new_token() -> str:
    """Make a token of 256 random bits, safe in headers and shells."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Give the SHA-256 of a token, hexadecimal: all that is ever stored.

    A slow password hash would protect nothing here, since a token of ours cannot be guessed.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same_digest(one: str, other: str) -> bool:
    """Compare two tokens' hashes in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def bearer(header: str | None) -> str | None:
    """Give the token of an `Authorization` header (RFC 6750), None when it carries none of ours."""
    if header is None or len(header) > LONGEST:
        return None
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token and " " not in token else None


# ── principals ───────────────────────────────────────────────────────────────────────────────────
class Principal(Struct, frozen=True):
    """A caller that we know: a platform, or the administrator (`platform` None, `admin` True)."""

    platform: Platform | None
    admin: bool = False


class Principals:
    """The hashes of every token that opens something. Only hashes are held."""

    def __init__(self, platforms: Mapping[str, Platform]) -> None:
        self._platforms = platforms
        self._credentials: Mapping[str, str] = {}
        self._admin: str | None = None

    def know(self, credentials: Mapping[str, str]) -> None:
        """Take these credentials (hash → platform id) instead of the ones known before."""
        self._credentials = dict(credentials)

    def know_admin(self, digest: str) -> None:
        """Take the hash of the administrator's token."""
        self._admin = digest

    def of(self, token: str) -> Principal | None:
        """Tell whose token this is; None when nobody's we know.

        Tokens are hashed before they are looked up, so that the time of a comparison tells nothing
        about a token that is kept.
        """
        digest = hash_token(token)
        if self._admin is not None and same_digest(digest, self._admin):
            return Principal(None, admin=True)
        platform = self._platforms.get(self._credentials.get(digest, ""))
        return None if platform is None else Principal(platform)


# ── the administrator's token: given by a setting, else made at first start ──────────────────────
@dataclass(frozen=True, slots=True)
class Administrator:
    """Where the administrator's token comes from.

    `given` is the setting's. Without it the hash in `file` counts; without that a token is made and
    its hash written there. `file` None: a new one at each start.
    """

    given: str | None = None
    file: Path | None = None

    def appoint(self) -> tuple[str, str | None]:
        """Give the hash of the token in force, and the token itself when it was made just now."""
        if self.given:
            return hash_token(self.given), None
        kept = self._kept()
        return (kept, None) if kept else self._made()

    def _kept(self) -> str | None:
        if self.file is None or not self.file.exists():
            return None
        return self.file.read_text(encoding="ascii").strip() or None

    def _made(self) -> tuple[str, str]:
        token = new_token()
        digest = hash_token(token)
        if self.file is not None:
            _write_privately(self.file, digest)
        return digest, token


def _write_privately(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all.

    Flushed to disk before it is renamed: after a crash there is the old file or the whole new one.
    """
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as output:
        output.write(f"{text}\n")
        output.flush()
        os.fsync(output.fileno())
    draft.replace(file)
