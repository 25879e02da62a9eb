"""The only module with an outgoing socket: sends a request to a platform, and reads its whole reply.

aiohttp was chosen by measurement: inside the dispatcher it costs as much CPU as pyreqwest, whose
native threads sometimes abort the process at exit; httpx costs a hundred times as much.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

from adapters.base import OutboundRequest, Reply
from gateway.delivery.address import address_of
from gateway.delivery.decoding import ASKED, LARGEST_REPLY, Decoder
from gateway.delivery.no_answer import NoAnswer, translated
from gateway.delivery.reply_head import LARGEST, ReplyHead, TooMuch
from gateway.ledger.records import Platform

_CONNECT = 5.0
_KEEP_ALIVE = 4.0
_RESOLVED = 60
_LINE = 64 * 1024
"""Bytes of one header of a reply, cookies of firewalls for example."""
_HEADERS = 256
_FRAMING = 256 * 1024
"""Bytes of chunk lines that any reply may have; beyond them it may have `_FRAMING_SHARE` times its body."""
_FRAMING_SHARE = 8
USER_AGENT = f"hutong/{version('hutong')}"


@dataclass(slots=True)
class _Passage:
    """How far a request came: whether any of it was put on a connection."""

    left: bool = False


async def _note_leaving(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
    context.trace_request_ctx.left = True


class LenientHandler(ResponseHandler):
    """Shows the client's parser only heads that were gathered whole, mended, and found small enough."""

    def set_response_params(self, **parameters: Any) -> None:
        """Begin to read the reply to another request."""
        self._head = ReplyHead()
        self._arrived = 0
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        """Pass on what the parser may see."""
        if self._parser is not None and data:
            try:
                data = self._head.take(data)
            except TooMuch as error:
                self._give_up(error)
                return
            if not data:
                return
            self._arrived += len(data)
        super().data_received(data)
        payload = self._payload
        if payload is not None and self._arrived > _FRAMING + (1 + _FRAMING_SHARE) * payload.total_bytes:
            self._give_up(TooMuch("the reply has far more chunk lines than body"))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let the parser say what is wrong with a head that never became whole."""
        if self._parser is not None and not self._head.complete and (rest := self._head.rest()):
            super().data_received(rest)
        super().connection_lost(exc)

    def _give_up(self, error: TooMuch) -> None:
        if self.transport is not None:
            self.transport.close()
        broken = BadHttpMessage(str(error))
        if self._payload is not None:
            self._payload.set_exception(aiohttp.ClientPayloadError(str(error)))
        self.set_exception(broken)


class Sender:
    """Sends requests, over connections of its own for each platform.

    There is no limit on connections here, so that nobody waits for one: whoever calls bounds how many
    calls it makes at once (the platform's concurrency). No redirects followed, no proxies and no
    cookies; a reply is read up to `reply_limit` bytes after decompression and cut there, its head up
    to 128 KiB. The timeout is for the whole exchange: a body that drips is a timeout too. A
    connection that was idle for some seconds is not used again, as it may be gone. `trusted` says
    whose certificates are believed, instead of the system's.
    """

    def __init__(self, *, reply_limit: int = LARGEST_REPLY, trusted: ssl.SSLContext | None = None) -> None:
        self._reply_limit = reply_limit
        self._trusted = trusted
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> Reply:
        """Send and wait for the whole reply; NoAnswer when there is none, Unsendable when it cannot leave."""
        address = address_of(str(platform.settings.get("base_url", "")), request.path)
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
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise translated(error, left=passage.left) from None

    async def _read(self, response: aiohttp.ClientResponse) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        decoder = Decoder(headers.get("content-encoding", ""), self._reply_limit)
        body = bytearray()
        try:
            while not decoder.full and (piece := await response.content.readany()):
                body += decoder.take(piece)
            body += decoder.end()
        except (aiohttp.ClientPayloadError, zlib.error) as error:
            # It may be a whole answer all the same, under a length that was counted wrong.
            cut = Reply(response.status, headers, bytes(body)) if body else None
            raise NoAnswer("reply.broken", may_have_left=True, detail=str(error), cut=cut) from None
        return Reply(response.status, headers, bytes(body))

    def _session(self, platform_id: str) -> aiohttp.ClientSession:
        session = self._sessions.get(platform_id)
        if session is None:
            session = self._sessions[platform_id] = self._new_session()
        return session

    def _new_session(self) -> aiohttp.ClientSession:
        leaving = aiohttp.TraceConfig()
        leaving.on_request_headers_sent.append(_note_leaving)
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=_RESOLVED, ssl=self._trusted or True
        )
        # The client has no public way to look at a reply before its parser does.
        handler: Callable[..., ResponseHandler] = LenientHandler
        connector._factory = partial(handler, loop=connector._loop)
        return aiohttp.ClientSession(
            connector=connector,
            trace_configs=[leaving],
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": ASKED},
            skip_auto_headers=("Content-Type",),
            auto_decompress=False,
            max_line_size=_LINE,
            max_field_size=LARGEST,
            max_headers=_HEADERS,
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
