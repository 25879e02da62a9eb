"""People who show a token of an OpenID provider: verified by its keys, and what its claims make of them.

A person's token is the provider's word for as long as it says. It is sent as `Authorization: Bearer`, like ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Struct

from gateway.access.assertions import CallHead, SignedBody
from gateway.access.jwt import unverified, verified, words
from gateway.access.key_sets import AT_MOST_EVERY, Fetch, KeySets, Unfetched, keys_unavailable
from gateway.access.principals import Principal, Refusal
from gateway.access.ways import ALGORITHMS, check_keys_url
from gateway.clock import Ticks, monotonic
from gateway.errors import Forbidden
from gateway.ledger.records import Person
from gateway.settings import OidcSettings
from schemas import regions
from schemas.findings import Text
from schemas.reprs import repr_without

_log = logging.getLogger(__name__)

PREFIX = "oidc:"
"""Before a subject, as what its person does is recorded: no id of ours has a colon."""

NATIONAL_ROLES = frozenset(("admin", "auditor"))
"""Roles that are the same everywhere: what an administrator sets and an auditor reads is not divided by region."""

_FRESH = 3600.0
"""Seconds after which the provider is asked again where its keys are."""

_LONGEST_SUBJECT = 200
_LONGEST_NAME = 100
_MOST_REGIONS = 200

_NOTHING = Text(
    "令牌有效，但其中没有本网关的角色或区域；请由身份系统的管理员授予",
    "The token is good, but gives no role here, or no region; who keeps the identity provider grants them",
)


class OpenIdProvider:
    """The provider that the settings name. `fetch` gets its metadata, `keys` its keys."""

    def __init__(self, settings: OidcSettings, keys: KeySets, fetch: Fetch, ticks: Ticks = monotonic) -> None:
        self._settings = settings
        self._keys = keys
        self._fetch = fetch
        self._ticks = ticks
        self._url = settings.jwks_url
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    def assertion(self, call: CallHead, now: datetime) -> PersonAssertion | None:
        """Read a token of the provider; None when the call carries none."""
        found = unverified(call.headers.get("authorization"))
        if found is None or found[1].get("iss") != self._settings.issuer:
            return None
        return PersonAssertion(found[0], self, now)

    async def principal(self, token: str, now: datetime) -> Principal | Refusal:
        """Tell whose a token is. Forbidden for whom it gives nothing here; Unavailable where there are no keys."""
        said = self._settings
        claims = await verified(token, said.issuer, said.audience, ALGORITHMS, self._keys, now, await self._keys_url())
        if isinstance(claims, Refusal):
            return claims
        person = person_of(claims, said, now)
        if person is None:
            return Refusal.UNKNOWN
        if not person.roles:
            raise Forbidden(_NOTHING)
        return Principal(None, person=person)

    async def _keys_url(self) -> str:
        """Give where the keys are, by the provider's metadata (OpenID Connect Discovery); the last that was found."""
        if self._settings.jwks_url:
            return self._url
        async with self._asking:
            now = self._ticks()
            if self._asked_at is None or now - self._asked_at >= (_FRESH if self._url else AT_MOST_EVERY):
                self._asked_at = now
                self._url = await self._discovered() or self._url
        if not self._url:
            raise keys_unavailable()
        return self._url

    async def _discovered(self) -> str:
        issuer = self._settings.issuer
        try:
            found = orjson.loads(await self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
            if not isinstance(found, dict) or found.get("issuer") != issuer:
                raise ValueError("it is the metadata of another issuer")
            url = str(found.get("jwks_uri", ""))
            check_keys_url(url)
        except (Unfetched, ValueError) as error:
            _log.warning("the metadata of %s is not to be had: %s", issuer, error)
            return ""
        return url


class PersonAssertion(Struct, frozen=True):
    """A token of the OpenID provider, for a person."""

    token: str
    provider: OpenIdProvider
    now: datetime
    platform: None = None
    credential: None = None
    content: SignedBody | None = None
    whole: bool = False
    scheme: str = "oidc"

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "token")

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """See `Assertion`."""
        return await self.provider.principal(self.token, self.now)


def person_of(claims: Mapping[str, Any], settings: OidcSettings, now: datetime) -> Person | None:
    """Make a person of verified claims; None without a subject that can stand in a record.

    Without a role, or without a region where the settings ask for one, there are no roles at all. Roles that are the
    same everywhere are left out where there are regions.
    """
    subject = _claim(claims, settings.subject_claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        return None
    if not subject.isprintable() or " " in subject:
        return None
    name = _claim(claims, settings.name_claim)
    given = words(_claim(claims, settings.roles_claim))
    roles = {role for value, each in settings.roles.items() if value in given for role in each}
    places = _places(claims, settings)
    if places is None:
        roles, places = set(), ()
    elif places:
        roles -= NATIONAL_ROLES
    until = claims["exp"]
    return Person(
        f"{PREFIX}{subject}",
        name[:_LONGEST_NAME] if isinstance(name, str) and name.isprintable() else subject,
        "",
        tuple(sorted(roles)),
        now,
        datetime.fromtimestamp(until, UTC) if isinstance(until, int) and 0 <= until < 2**35 else now,
        regions=tuple(places),
    )


def _places(claims: Mapping[str, Any], settings: OidcSettings) -> Sequence[str] | None:
    """Give the regions of a person; empty: everywhere; None: nowhere."""
    if not settings.regions_claim:
        return ()
    said = words(_claim(claims, settings.regions_claim))
    found = {settings.regions[one] for one in said if one in settings.regions} if settings.regions else said
    if not found or len(found) > _MOST_REGIONS:
        return None
    return () if regions.NATIONAL in found else sorted(found)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Give a claim by its name, else by its way inside others."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
