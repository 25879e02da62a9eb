"""The only module with an outgoing socket: sends a request to a platform, and reads its whole reply.

aiohttp was chosen by measurement: inside the dispatcher it costs as much CPU as pyreqwest, whose
native threads sometimes abort the process at exit; httpx costs a hundred times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import aiohttp
from yarl import URL

from adapters.base import OutboundRequest, Reply
from gateway.ledger.records import Platform

_CONNECT = 5.0
_KEEP_ALIVE = 4.0
_RESOLVED = 60
_SCHEMES = ("http", "https")
USER_AGENT = f"hutong/{version('hutong')}"


class NoAnswer(Exception):
    """A platform gave no answer that can be read.

    `may_have_left`: it may have received the request all the same (in doubt). `reason` is a stable
    word: `connection.failed`, `connection.lost`, `timeout`, `reply.broken`, `address.unusable`.
    """

    def __init__(self, reason: str, *, may_have_left: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_left = may_have_left


class Unsendable(Exception):
    """The request itself cannot be put on the wire (a header with a line break, say)."""


@dataclass(slots=True)
class _Passage:
    """How far a request came: whether any of it was put on a connection."""

    left: bool = False


async def _note_leaving(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
    context.trace_request_ctx.left = True


class Sender:
    """Sends requests, over connections of its own for each platform.

    There is no limit on connections here, so that nobody waits for one: whoever calls bounds how many
    calls it makes at once (the platform's concurrency). No redirects followed, no proxies and no
    cookies; a reply is read up to `reply_limit` bytes after decompression and cut there. The timeout
    is for the whole exchange: a body that drips is a timeout too. A connection that was idle for some
    seconds is not used again, as it may be gone.
    """

    def __init__(self, *, reply_limit: int = 1024 * 1024) -> None:
        self._reply_limit = reply_limit
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> Reply:
        """Send and wait for the whole reply; NoAnswer when there is none, Unsendable when it cannot leave."""
        address = _address(platform, request)
        limit = aiohttp.ClientTimeout(total=timeout.total_seconds(), sock_connect=_CONNECT)
        passage = _Passage()
        try:
            async with self._session(platform.id).request(
                request.method,
                address,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                timeout=limit,
                trace_request_ctx=passage,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, headers, await self._read(response.content))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, passage) from None

    async def _read(self, stream: aiohttp.StreamReader) -> bytes:
        body = await stream.readany()
        while len(body) < self._reply_limit and (piece := await stream.readany()):
            body += piece
        return body[: self._reply_limit]

    def _session(self, platform_id: str) -> aiohttp.ClientSession:
        session = self._sessions.get(platform_id)
        if session is None:
            session = self._sessions[platform_id] = self._new_session()
        return session

    def _new_session(self) -> aiohttp.ClientSession:
        leaving = aiohttp.TraceConfig()
        leaving.on_request_headers_sent.append(_note_leaving)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=_RESOLVED),
            trace_configs=[leaving],
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            skip_auto_headers=("Content-Type",),
            trust_env=False,
        )

    async def forget(self, platform_id: str) -> None:
        """Close the connections to a platform that is no more."""
        session = self._sessions.pop(platform_id, None)
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """Close every connection."""
        for platform_id in list(self._sessions):
            await self.forget(platform_id)


def _address(platform: Platform, request: OutboundRequest) -> URL:
    text = str(platform.settings.get("base_url", "")).rstrip("/") + request.path
    try:
        address = URL(text, encoded=True)
    except ValueError:
        raise NoAnswer("address.unusable", may_have_left=False) from None
    if address.scheme not in _SCHEMES or not address.host:
        raise NoAnswer("address.unusable", may_have_left=False)
    return address


def _translated(error: Exception, passage: _Passage) -> NoAnswer | Unsendable:
    """Say it in our words; what failed before any of the request was on a connection cannot have arrived."""
    match error:
        case aiohttp.InvalidURL():
            return NoAnswer("address.unusable", may_have_left=False)
        case TimeoutError():
            return NoAnswer("timeout", may_have_left=passage.left)
        case aiohttp.ClientConnectorError():
            return NoAnswer("connection.failed", may_have_left=False)
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return NoAnswer("reply.broken", may_have_left=True)
        case aiohttp.ClientError() | OSError():
            return NoAnswer("connection.lost", may_have_left=passage.left)
        case _:
            return Unsendable(str(error))
