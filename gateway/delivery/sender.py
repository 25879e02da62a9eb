"""The only module that opens a socket outward: sends a request to a platform, and reads its whole reply.

The client is our own on httptools, chosen by measurement: httpx costs a hundred times as much
processor time, aiohttp three times, and pyreqwest's native threads sometimes abort the process at exit.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Collection
from datetime import timedelta
from functools import cache, lru_cache
from importlib.metadata import version

from adapters.base import OutboundRequest, Reply
from gateway.delivery.address import Address, Origin, address_of
from gateway.delivery.connection import Connection
from gateway.delivery.decoding import ASKED
from gateway.delivery.destinations import NEVER, lacking
from gateway.delivery.no_answer import NoAnswer, Unsendable, not_allowed, unconnected
from gateway.delivery.tls import TlsTerms, context_of
from gateway.ledger.records import Platform
from gateway.settings import ALLOWABLE

_CONNECT = 5.0
_KEEP_ALIVE = 4.0
_RESOLVED = 60.0
SHORT_REPLY = 1024 * 1024
"""Bytes of a reply where nobody says how many its reader takes."""
USER_AGENT = f"hutong/{version('hutong')}"

_USUAL = {
    "accept": "Accept: */*",
    "accept-encoding": f"Accept-Encoding: {ASKED}",
    "user-agent": f"User-Agent: {USER_AGENT}",
}
_FRAMING = ("content-length", "transfer-encoding", "connection")
"""Headers that say where a request ends: written here alone, whatever a bundle says."""
_WITH_BODY = ("POST", "PUT", "PATCH")
_ASKING = ("GET", "HEAD")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Sender:
    """Sends requests, over connections of its own for each platform.

    There is no limit on connections here, so that nobody waits for one: whoever calls bounds how many
    calls it makes at once (the platform's concurrency). No redirects followed, no proxies and no
    cookies; of a reply's head up to 128 KiB are read. The timeout is for the whole exchange: a body
    that drips is a timeout too. A connection that was idle for some seconds is not used again, as it
    may be gone. `trusted` says whose certificates are believed, instead of the system's, where
    a platform's settings say nothing of it. `allow`: the kinds of destination that every platform may have, beside what
    is allowed to it alone.
    """

    def __init__(self, *, trusted: ssl.SSLContext | None = None, allow: Collection[str] = ALLOWABLE) -> None:
        self._connector = _Connector(trusted or _system_trust())
        self._allow = frozenset(allow)
        self._connections: dict[str, _Connections] = {}

    async def send(
        self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = SHORT_REPLY
    ) -> Reply:
        """Send and wait for the whole reply; NoAnswer when there is none, Unsendable when it cannot leave.

        Of a reply with more than `most` bytes after decompression only so many and one are read: so its
        reader sees that it is too long.
        """
        address = address_of(str(platform.settings.get("base_url", "")), request.path)
        head = _head(request, address)
        until = asyncio.get_running_loop().time() + timeout.total_seconds()
        connections = self._connections_to(platform)
        while True:
            connection = await connections.take(address.origin, until)
            reused = connection.reused
            try:
                return await self._exchange(connection, head, request, until, most)
            except NoAnswer as none:
                # The platform may have closed a connection in the moment in which it was used again. A question
                # may be asked again; anything else is in doubt, and is not repeated here.
                if not (reused and none.reason == "connection.lost" and request.method in _ASKING):
                    raise
            finally:
                connections.give(address.origin, connection)

    def _connections_to(self, platform: Platform) -> _Connections:
        """Give a platform's connections: others, once something else is allowed to it than when they were made."""
        allow = self._allow.union(platform.allow) if platform.allow else self._allow
        terms = TlsTerms.of(platform.settings)
        connections = self._connections.get(platform.id)
        if connections is None or connections.allow != allow or connections.terms != terms:
            if connections is not None:
                connections.retire()
            connections = self._connections[platform.id] = _Connections(self._connector, allow, terms)
        return connections

    async def _exchange(
        self, connection: Connection, head: bytes, request: OutboundRequest, until: float, most: int
    ) -> Reply:
        answer = connection.exchange(head, request.body, method=request.method, limit=most + 1)
        alarm = asyncio.get_running_loop().call_at(until, connection.time_out)
        try:
            return await answer
        except asyncio.CancelledError:
            connection.close()  # its reply would be taken for that to the next request
            raise
        finally:
            alarm.cancel()

    async def forget(self, platform_id: str) -> None:
        """Close the connections to a platform that is no more."""
        connections = self._connections.pop(platform_id, None)
        if connections is not None:
            connections.close()

    async def close(self) -> None:
        """Close every connection."""
        for platform_id in list(self._connections):
            await self.forget(platform_id)


@cache
def _system_trust() -> ssl.SSLContext:
    """Give the context that believes the system's certificates; reading them takes 30 ms, so once a process."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


# ── requests ──────────────────────────────────────────────────────────────────────────────────
def _head(request: OutboundRequest, address: Address) -> bytes:
    """Write the head of a request; Unsendable for what would break it."""
    lines = [f"{request.method} {address.target} HTTP/1.1"]
    given = set()
    for name, value in request.headers.items():
        lower = _checked(name)
        if lower not in _FRAMING:
            given.add(lower)
            lines.append(f"{name}: {value}")
    if "host" not in given:
        lines.insert(1, f"Host: {address.origin.named}")
    lines.extend(line for name, line in _USUAL.items() if name not in given)
    if request.body or request.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or "\0" in head:
        broken = next(line for line in lines if "\r" in line or "\n" in line or "\0" in line)
        raise Unsendable(f"the header {broken.partition(':')[0]} has a line break in it")
    try:
        return head.encode()
    except UnicodeEncodeError as error:
        raise Unsendable(str(error)) from None


@lru_cache(maxsize=1024)
def _checked(name: str) -> str:
    """Give a header's name in lower case; Unsendable when it is none (RFC 9110, 5.1)."""
    if not _TOKEN.fullmatch(name):
        raise Unsendable(f"{name!r} is no name of a header")
    return name.lower()


# ── connections ───────────────────────────────────────────────────────────────────────────────
class _Connections:
    """The connections to one platform, made by what was allowed to it; idle ones wait some seconds to be used again."""

    def __init__(self, connector: _Connector, allow: frozenset[str], terms: TlsTerms | None) -> None:
        self.allow = allow
        self.terms = terms
        self._tls: ssl.SSLContext | None = None
        self._connector = connector
        self._retired = False
        self._all: set[Connection] = set()
        self._idle: dict[Origin, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, origin: Origin, until: float) -> Connection:
        """Give a connection, a new one when none is idle; NoAnswer when there is none to be had."""
        idle, oldest = self._idle.get(origin), asyncio.get_running_loop().time() - _KEEP_ALIVE
        while idle:
            connection = idle.pop()
            if connection.open and connection.idle_since > oldest:
                return connection
            self._end(connection)
        if self.terms is not None and self._tls is None:
            try:
                self._tls = await asyncio.to_thread(context_of, self.terms)
            except ValueError as error:
                raise NoAnswer("tls.failed", may_have_left=False, detail=f"{error} cannot be used") from None
        connection = await self._connector.connect(origin, self.allow, until, self._tls)
        self._all.add(connection)
        return connection

    def give(self, origin: Origin, connection: Connection) -> None:
        """Take a connection back."""
        if self._retired or not connection.open or connection not in self._all:
            self._end(connection)
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEP_ALIVE, self._close_idle)

    def _close_idle(self) -> None:
        """Close what was idle for too long, and look again while anything is idle."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - _KEEP_ALIVE
        for connections in self._idle.values():
            late = [one for one in connections if one.idle_since <= oldest or not one.open]
            for one in late:
                connections.remove(one)
                self._end(one)
        self._idle = {origin: connections for origin, connections in self._idle.items() if connections}
        self._sweep = loop.call_later(_KEEP_ALIVE, self._close_idle) if self._idle else None

    def _end(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def retire(self) -> None:
        """Close what is idle at once, and the others when they come back."""
        self._retired = True
        for connection in [one for connections in self._idle.values() for one in connections]:
            self._end(connection)
        self._idle.clear()

    def close(self) -> None:
        """Close all of them; what is under way is lost."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._all):
            self._end(connection)


class _Connector:
    """Makes connections; the addresses of a name are remembered for a minute."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._resolved: dict[tuple[str, int], tuple[float, list[str]]] = {}

    async def connect(
        self, origin: Origin, allow: Collection[str], until: float, tls: ssl.SSLContext | None
    ) -> Connection:
        """Connect to the first of a name's addresses that may be called and lets us; NoAnswer: nothing has left.

        `tls` None: as it is to everybody.
        """
        until = min(until, asyncio.get_running_loop().time() + _CONNECT)
        try:
            async with asyncio.timeout_at(until):
                return await self._first(origin, allow, until, tls or self._tls)
        except (OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
            self._resolved.pop((origin.host, origin.port), None)
            raise unconnected(error) from None

    async def _first(self, origin: Origin, allow: Collection[str], until: float, context: ssl.SSLContext) -> Connection:
        loop = asyncio.get_running_loop()
        tls = context if origin.scheme == "https" else None
        failed: OSError | None = None
        addresses = await self._addresses(origin)
        # Judged here, where the connection goes to the very address that was judged: a name may be spelled in odd
        # ways, and mean another address each time it is asked.
        lacks = {address: lacking(origin.scheme, address, allow) for address in addresses}
        open_ones = [address for address in addresses if lacks[address] is None]
        if addresses and not open_ones:
            raise not_allowed(lacks[addresses[0]] or NEVER)
        for left, address in zip(range(len(open_ones), 0, -1), open_ones, strict=True):
            now = loop.time()
            try:
                # One that is silent (an IPv6 address in a network without IPv6, say) leaves time for the next.
                async with asyncio.timeout_at(now + (until - now) / left):
                    _, connection = await loop.create_connection(
                        Connection, address, origin.port, ssl=tls, server_hostname=origin.host if tls else None
                    )
            except OSError as error:
                failed = failed or error
            else:
                addresses.remove(address)
                addresses.insert(0, address)  # the next connection need not wait for those that are silent
                return connection
        raise failed or OSError("the name has no address")

    async def _addresses(self, origin: Origin) -> list[str]:
        loop, name = asyncio.get_running_loop(), (origin.host, origin.port)
        known = self._resolved.get(name)
        if known is None or known[0] < loop.time():
            found = await loop.getaddrinfo(*name, type=socket.SOCK_STREAM)
            known = self._resolved[name] = loop.time() + _RESOLVED, [str(address[0]) for *_, address in found]
        return known[1]
