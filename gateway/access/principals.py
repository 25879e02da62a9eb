"""Principals: whose token it is that a call carries, or why it opens nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from gateway.access.tokens import basic, bearer, hash_token, same_digest
from gateway.access.ways import KIND_OF, admits
from gateway.clock import Clock
from gateway.ledger.records import BEARER, Credential, Person, Platform
from gateway.settings import SHORTEST_TOKEN

CredentialUsed = Callable[[str, str], None]
"""Takes note that a platform called under one of its credentials: platform id, credential id."""


class Refusal(StrEnum):
    """Why a call is not known to be anybody's."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REPLAYED = "replayed"


class Principal(Struct, frozen=True):
    """A caller that we know: a platform, a person, or the administrator (`admin` True, neither of the others).

    `emergency`: it is the administrator under the emergency token.
    """

    platform: Platform | None
    admin: bool = False
    person: Person | None = None
    emergency: bool = False


class Principals:
    """Every token that opens something, known by its hash alone.

    `used` is told of every call under a platform's credential; it must be fast, and write nothing.
    """

    def __init__(self, platforms: Mapping[str, Platform], clock: Clock, used: CredentialUsed) -> None:
        self._platforms = platforms
        self._clock = clock
        self._used = used
        self._credentials: Mapping[str, Credential] = {}
        self._signing: Mapping[str, Credential] = {}
        self._people: Mapping[str, Person] = {}
        self._admin: str | None = None
        self._emergency: str | None = None
        self._emergency_used_at = 0.0
        self._admin_used_at = 0.0

    def know(self, credentials: Iterable[Credential], people: Iterable[Person] = ()) -> None:
        """Take these credentials and people instead of the ones known before."""
        known = tuple(credentials)
        self._credentials = {one.digest: one for one in known if one.kind == BEARER}
        self._signing = {one.id: one for one in known if one.kind != BEARER}
        self._people = {one.digest: one for one in people}

    def people(self) -> int:
        """Give how many people have a token that opens something."""
        now = self._clock()
        return sum(_refused(one.removed_at, one.expires_at, now) is None for one in self._people.values())

    def know_admin(self, digest: str) -> None:
        """Take the hash of the administrator's token."""
        self._admin = digest

    def know_emergency(self, digest: str | None) -> None:
        """Take the hash of the emergency token; None: there is none."""
        self._emergency = digest

    def emergency_used_at(self) -> float:
        """Give when the emergency token was used last, as Unix time; 0 when it was not since the start."""
        return self._emergency_used_at

    def admin_used_at(self) -> float:
        """Give when the administrator's token was used last, as Unix time; 0 when it was not since the start."""
        return self._admin_used_at

    def of(self, token: str | None) -> Principal | Refusal:
        """Tell whose token this is, or why it is nobody's.

        Tokens are hashed before they are looked up, so that the time of a comparison tells nothing
        about a token that is kept.
        """
        if not token:
            return Refusal.MISSING
        if len(token) < SHORTEST_TOKEN:
            return Refusal.UNKNOWN
        digest = hash_token(token)
        if self._admin is not None and same_digest(digest, self._admin):
            self._admin_used_at = self._clock().timestamp()
            return Principal(None, admin=True)
        if self._emergency is not None and same_digest(digest, self._emergency):
            self._emergency_used_at = self._clock().timestamp()
            return Principal(None, admin=True, emergency=True)
        credential = self._credentials.get(digest)
        if credential is None and (person := self._people.get(digest)) is not None:
            return _refused(person.removed_at, person.expires_at, self._clock()) or Principal(None, person=person)
        platform = None if credential is None else self._platforms.get(credential.platform)
        if credential is None or platform is None:
            return Refusal.UNKNOWN
        if refused := _refused(credential.revoked_at, credential.expires_at, self._clock()):
            return refused
        if platform.access and not admits(platform, "bearer"):
            return Refusal.UNKNOWN
        self._used(platform.id, credential.id)
        return Principal(platform)

    def holder(self, credential_id: str, scheme: str) -> tuple[Platform, Credential] | Refusal:
        """Tell whose a key is that signs by a scheme, by its id, or why nothing can be signed with it."""
        credential = self._signing.get(credential_id)
        platform = None if credential is None else self._platforms.get(credential.platform)
        if credential is None or platform is None or credential.kind != KIND_OF[scheme]:
            return Refusal.UNKNOWN
        if refused := _refused(credential.revoked_at, credential.expires_at, self._clock()):
            return refused
        return (platform, credential) if admits(platform, scheme) else Refusal.UNKNOWN

    def still(self, platform_id: str, credential_id: str | None, scheme: str) -> Platform | Refusal:
        """Give the platform of a caller that proved who it is by a scheme, as it is now, if it could do so again."""
        if credential_id is not None:
            known = self.holder(credential_id, scheme)
            return known if isinstance(known, Refusal) else known[0]
        platform = self._platforms.get(platform_id)
        return platform if platform is not None and admits(platform, scheme) else Refusal.UNKNOWN

    def platforms(self) -> Iterable[Platform]:
        """Give every platform that is registered now."""
        return self._platforms.values()

    def signed_by(self, platform_id: str, credential_id: str) -> None:
        """Take note that a platform signed a call under a credential."""
        self._used(platform_id, credential_id)

    def shown(self, header: str | None) -> Principal | Refusal:
        """Tell whose an `Authorization` header is: a bearer's, or a platform's by its id and credential (Basic).

        The administrator is not known by Basic: a browser would send it again by itself.
        """
        token = bearer(header)
        if token is not None or (named := basic(header)) is None:
            return self.of(token)
        user, password = named
        principal = self.of(password) if password else Refusal.MISSING
        if isinstance(principal, Refusal):
            return principal
        return principal if principal.platform is not None and principal.platform.id == user else Refusal.UNKNOWN


def _refused(ended_at: datetime | None, expires_at: datetime | None, now: datetime) -> Refusal | None:
    """Tell why a token opens nothing any more; that somebody ended it is said first."""
    if ended_at is not None:
        return Refusal.REVOKED
    return Refusal.EXPIRED if expires_at is not None and expires_at <= now else None
