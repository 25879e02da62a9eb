"""One HTTP call whose answer is read while its body is still sent; ordinary clients send everything first."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11
import httpx

from schemas.reprs import Discreet

SILENCE = 120.0
"""Seconds in which nothing was sent and nothing came; then the connection counts as cut."""

_PIECE = 64 * 1024
_MOST = 1024 * 1024
"""Bytes of an answer that is no stream."""


class NotReached(Exception):
    """Nobody answers there."""


class CutOff(Exception):
    """The connection broke before the answer was whole."""


class Heard(Discreet, frozen=True):
    """An answer's status and headers (lower case); its body, unless that was a stream and was heard as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


async def post(
    url: httpx.URL,
    headers: Mapping[str, str],
    pieces: Iterable[bytes],
    *,
    hear: Callable[[bytes], None],
    sent: Callable[[int], None],
) -> Heard:
    """Send pieces, and hear the answer meanwhile: of a 200 each piece goes to `hear`. NotReached, CutOff."""
    async with _connected(url) as (reader, writer):
        call = _Call(reader, writer, hear, sent)
        return await call.done(_request(url, headers), pieces)


@asynccontextmanager
async def _connected(url: httpx.URL) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    secure = httpx.create_ssl_context(trust_env=False) if url.scheme == "https" else None
    port = url.port or (443 if secure else 80)
    try:
        reader, writer = await asyncio.open_connection(url.host, port, ssl=secure)
    except (OSError, ssl.SSLError, UnicodeError) as error:
        raise NotReached(type(error).__name__) from None
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def _request(url: httpx.URL, headers: Mapping[str, str]) -> h11.Request:
    known = {"Host": url.netloc.decode("ascii"), "Connection": "close", **headers}
    return h11.Request(method="POST", target=url.raw_path, headers=list(known.items()))


class _Call:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Callable[[bytes], None],
        sent: Callable[[int], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._hear = hear
        self._sent = sent
        self._wire = h11.Connection(h11.CLIENT)
        self._limit: asyncio.Timeout | None = None

    async def done(self, request: h11.Request, pieces: Iterable[bytes]) -> Heard:
        sending: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(SILENCE) as self._limit:
                self._write(request)
                sending = asyncio.create_task(self._send(pieces))
                return await self._heard()
        except (TimeoutError, OSError, h11.RemoteProtocolError) as error:
            raise CutOff(str(error) or type(error).__name__) from None
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, pieces: Iterable[bytes]) -> None:
        # Whoever closes early may have answered: what cannot be sent any more is no error yet.
        with suppress(ConnectionError, h11.LocalProtocolError):
            for piece in pieces:
                self._write(h11.Data(data=piece))
                await self._writer.drain()
                self._sent(len(piece))
                self._moved()
            self._write(h11.EndOfMessage())

    def _write(self, event: Any) -> None:
        self._writer.write(self._wire.send(event) or b"")

    def _moved(self) -> None:
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + SILENCE)

    async def _heard(self) -> Heard:
        status, headers, body = 0, {}, bytearray()
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data) and status == httpx.codes.OK:
                self._hear(bytes(event.data))
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _MOST:
                    raise CutOff("the answer is too long")
            elif isinstance(event, h11.EndOfMessage):
                return Heard(status, headers, bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise CutOff("the connection was closed")

    async def _event(self) -> Any:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(_PIECE)
            self._moved()
            self._wire.receive_data(data)
        return event
