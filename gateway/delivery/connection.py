"""One HTTP/1.1 connection to a platform: one request at a time, and its whole reply within bounds."""

from __future__ import annotations

import asyncio
import zlib
from typing import cast

import httptools

from adapters.base import Reply
from gateway.delivery.decoding import Decoder
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.reply_head import ReplyHead, TooMuch

_LINES = 256 * 1024
"""Bytes of chunk lines that any reply may have; beyond them it may have `_LINES_SHARE` times its body."""
_LINES_SHARE = 8
_CHUNKED = "chunked"


class Connection(asyncio.Protocol):
    """Carries one exchange after the other, and ends by itself when it cannot carry another.

    `reused`: an exchange ended well on it. `open`: another one can begin. The parser calls the `on_…` methods.
    """

    def __init__(self) -> None:
        self.reused = False
        self.open = True
        self.idle_since = 0.0
        self._answer: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def exchange(self, head: bytes, body: bytes, *, method: str, limit: int) -> asyncio.Future[Reply]:
        """Send a request; the reply, its body cut at `limit` bytes after decompression, or NoAnswer, is awaited.

        All of it is given to the transport before this returns: from then on it may have left.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._bodiless = method == "HEAD"
        self._limit = limit
        self._head = ReplyHead()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._decoder: Decoder | None = None
        self._body = bytearray()
        self._arrived = self._carried = 0
        self._transport.writelines([head, body]) if body else self._transport.write(head)
        return self._answer

    def time_out(self) -> None:
        """End what is under way, which took too long, and the connection with it."""
        self._end(NoAnswer("timeout.read", may_have_left=True))

    def close(self) -> None:
        """Close the connection; what is under way on it is lost."""
        self.open = False
        self._transport.abort()

    # ── from the transport ────────────────────────────────────────────────────────────────────
    def data_received(self, data: bytes) -> None:
        """Read on; the parser sees only heads that were gathered whole, mended, and found small enough."""
        if self._answer is None:
            self.close()  # nobody asked: what comes now belongs to no request
            return
        try:
            data = self._head.take(data)
            self._arrived += len(data)
            self._parse(data)
            if self._arrived > _LINES + (1 + _LINES_SHARE) * self._carried:
                raise TooMuch("the reply has far more chunk lines than body")
        except TooMuch as error:
            self._end(_broken(str(error)))

    def _parse(self, data: bytes) -> None:
        if not data:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(_broken(str(error) or type(error).__name__, self._cut()))

    def eof_received(self) -> None:
        """Close: nothing can be asked any more of a server that says no more."""
        self.open = False

    def connection_lost(self, exc: Exception | None) -> None:
        """End: a reply that lasts until the end of its connection is whole now, every other one is broken off."""
        self.open = False
        if self._answer is None:
            return
        if not self._head.complete:
            self._parse(self._head.rest())  # the parser says what is wrong with a head that never became whole
        if self._answer is None:
            return
        if self._decoder is not None and exc is None and self._lasts_until_close():
            self.on_message_complete()
        elif self._status:
            self._end(_broken("the connection ended before the reply did", self._cut()))
        else:
            self._end(NoAnswer("connection.lost", may_have_left=True, detail=str(exc or "the connection was closed")))

    def _lasts_until_close(self) -> bool:
        coding = self._headers.get("transfer-encoding", "").lower()
        return "content-length" not in self._headers and _CHUNKED not in coding

    # ── from the parser ───────────────────────────────────────────────────────────────────────
    def on_message_begin(self) -> None:
        """Begin a reply; a second one belongs to no request."""
        if self._status:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind the head (trailers, a second reply) changes nothing of it."""
        if self._status:
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("utf-8", "surrogateescape").strip()

    def on_headers_complete(self) -> None:
        """Begin the body."""
        self._status = self._parser.get_status_code()
        self._decoder = Decoder(self._headers.get("content-encoding", ""), self._limit)
        if self._bodiless:
            self.open = False  # the parser does not know that no body follows
            self.on_message_complete()

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._carried += len(data)
        if self._answer is None or self._decoder is None:
            return
        try:
            self._body += self._decoder.take(data)
        except zlib.error as error:
            self._end(_broken(str(error), self._cut()))
            return
        if self._decoder.full:
            self.open = False
            self.on_message_complete()

    def on_message_complete(self) -> None:
        """Hand the reply over."""
        if self._answer is None or self._decoder is None:
            return
        try:
            self._body += self._decoder.end()
        except zlib.error as error:
            self._end(_broken(str(error), self._cut()))
            return
        # A request that is not wholly written yet, though it is answered, may never be.
        written = not self._transport.get_write_buffer_size()
        self.open = self.open and written and self._parser.should_keep_alive()
        self._end(Reply(self._status, self._headers, bytes(self._body)))

    def _cut(self) -> Reply | None:
        return Reply(self._status, self._headers, bytes(self._body)) if self._body else None

    def _end(self, what: Reply | NoAnswer) -> None:
        answer, self._answer = self._answer, None
        if isinstance(what, NoAnswer):
            self.open = False
        self.reused = True
        if not self.open:
            self._transport.abort()
        if answer is None or answer.done():
            return
        if isinstance(what, NoAnswer):
            answer.set_exception(what)
        else:
            answer.set_result(what)


def _broken(detail: str, cut: Reply | None = None) -> NoAnswer:
    # A reply that breaks off may be a whole answer all the same, under a length that was counted wrong.
    return NoAnswer("reply.broken", may_have_left=True, detail=detail, cut=cut)
