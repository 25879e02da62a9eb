"""Who is calling: a token's hash tells the platform or the administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.access.tokens import hash_token, same_digest
from gateway.ledger.records import Platform


@dataclass(frozen=True, slots=True)
class Principal:
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
