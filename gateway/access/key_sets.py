"""The public keys of token issuers: fetched where their address is, kept for a while, and asked for again when new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import orjson
from joserfc.jwk import KeySet
from msgspec import Struct

from gateway.access.ways import read_keys
from gateway.clock import Ticks, monotonic
from gateway.errors import Unavailable
from schemas.findings import Text

_log = logging.getLogger(__name__)

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets what is at an address, bounded in bytes and time; Unfetched when that is not to be had."""

FRESH = 600.0
"""Seconds after which keys are fetched again."""

AT_MOST_EVERY = 30.0
"""Seconds between two fetches, however many unknown keys are named: whoever sends tokens decides nothing here."""

LONGEST = 24 * 3600.0
"""Seconds for which keys count whose issuer does not answer any more."""

_MOST_KEYS = 50
_MOST_ISSUERS = 100


class Unfetched(Exception):
    """It is not to be had; the message says why."""


class _Kept(Struct, frozen=True):
    keys: KeySet | None
    at: float
    """When they were fetched."""
    tried_at: float


class KeySets:
    """Keeps the keys of issuers, by the address of their keys."""

    def __init__(self, fetch: Fetch, ticks: Ticks = monotonic) -> None:
        self._fetch = fetch
        self._ticks = ticks
        self._kept: dict[str, _Kept] = {}
        self._fetching: dict[str, asyncio.Lock] = {}

    async def of(self, url: str, *, newer: bool = False) -> KeySet:
        """Give an issuer's keys; `newer`: a token names one that is not among them, so look whether there are others.

        Unavailable (503) `keys.unavailable` where there are none.
        """
        async with self._fetching.setdefault(url, asyncio.Lock()):
            kept, now = self._kept.get(url), self._ticks()
            if kept is None or now - kept.tried_at >= (AT_MOST_EVERY if newer or kept.keys is None else FRESH):
                kept = await self._fetched(url, kept)
        if kept.keys is None or now - kept.at > LONGEST:
            raise keys_unavailable()
        return kept.keys

    async def _fetched(self, url: str, before: _Kept | None) -> _Kept:
        now = self._ticks()
        try:
            found = orjson.loads(await self._fetch(url))
            if not isinstance(found, dict) or len(found.get("keys", ())) > _MOST_KEYS:
                raise ValueError("no set of keys, or too many")
            kept = _Kept(read_keys(found), now, now)
        except (Unfetched, ValueError, TypeError) as error:
            _log.warning("the keys at %s are not to be had: %s", _origin(url), error)
            kept = _Kept(before.keys if before else None, before.at if before else now, now)
        if len(self._kept) >= _MOST_ISSUERS and url not in self._kept:
            self._kept.clear()
        self._kept[url] = kept
        return kept


def keys_unavailable() -> Unavailable:
    """Say that nobody can tell now whether a token is good."""
    return Unavailable(_UNAVAILABLE, code="keys.unavailable")


def _origin(url: str) -> str:
    """Give what may be logged of an address: neither a user nor a path or query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


_UNAVAILABLE = Text(
    "暂时取不到令牌签发方的公钥；请稍后原样重发",
    "The public keys of the token's issuer are not to be had now; send the same again later",
)
