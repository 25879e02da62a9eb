"""One connection: uvicorn's own protocol, with bounds on what comes before anybody knows whose it is."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.api.front.gate import MOST_LEAVING, ConnectionGate
from gateway.api.front.parting import PartingTransport
from gateway.api.front.refusal import Why, refusal
from gateway.api.inbound.answer import ANSWER
from gateway.api.inbound.request import language

PIPELINED = 8
"""Requests that are queued behind the one that is being answered; hardly any client queues one."""

LEAVE_BYTES = 32 * 1024 * 1024
"""How much is still read and thrown away of whoever was answered before everything was read."""

LEAVE_SECONDS = 5.0

_FRAMING = 64 * 1024
"""Bytes of chunk lines and trailers that any body may have; beyond them it may have `_FRAMING_SHARE` times itself."""

_FRAMING_SHARE = 4


class Awaited(Enum):
    """What is read of a connection now."""

    NOTHING = auto()
    HEADER = auto()
    BODY = auto()
    ALL = auto()
    """The request is read whole, and being answered."""


class BoundedConnection(HttpToolsProtocol):
    """Counts and times what arrives, and refuses what is beyond the gate's bounds.

    The parser below it takes headers of any size and waits for ever; so bytes are counted before it
    sees them, and the gate looks at every connection from time to time. `reading` is what is read of it
    now, `body_bytes` how much of its body came.
    """

    def __init__(
        self,
        gate: ConnectionGate,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._gate = gate
        self._extensions: dict[str, Any] = {ANSWER: self.answer}
        self._bounds = gate.bounds
        self.reading = Awaited.NOTHING
        self._since = gate.ticks()
        self._leaving = False
        self._dropped = 0
        self._header = 0  # bytes of the header that is being read
        self._header_lines = 0  # bytes of the lines that were read of it
        self._arrived = 0  # bytes of the body, with its framing
        self.body_bytes = 0  # bytes of the body
        self._silent_since = 0.0
        self._looked_at = 0.0
        self._body_seconds = 0.0  # for which we were ready to read the body
        self._unsent, self._unsent_since = 0, 0.0
        self.address = ""

    # ── coming and going ──────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or answer 503."""
        super().connection_made(cast(asyncio.Transport, PartingTransport(transport, self._part)))
        self.address = self.client[0] if self.client else ""
        why = self._gate.enter(self)
        self._gate.waits(self)
        if why is not None:
            self.refuse(why)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        if self._leaving:
            self._gate.leaving -= 1
        self._leaving = False
        self._gate.leave(self)
        super().connection_lost(exc)

    def displace(self) -> None:
        """Close at once: somebody else needs the room."""
        if self.reading is Awaited.HEADER:
            self.transport.write(refusal(Why.DISPLACED, self._bounds, self._language()))
        self._end()

    def refuse(self, why: Why) -> None:
        """Answer why it cannot go on, and close."""
        if self._over():
            return
        self._gate.refused(why, self.address)
        answered = self.reading is Awaited.BODY and self.cycle.response_complete
        if not answered and self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started or self.reading is not Awaited.BODY or self.pipeline:
                # Another answer is under way or due: nothing can be put between its bytes.
                self.transport.abort()
                return
            # The application waits for the body: for it the caller is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not answered:
            self.transport.write(refusal(why, self._bounds, self._language()))
        self._leave()

    def _over(self) -> bool:
        """Tell whether nothing more is asked or answered here."""
        return self._leaving or self.transport.is_closing()

    def _language(self) -> str:
        said = next((value for name, value in self.headers or () if name == b"accept-language"), None)
        return language(said.decode("latin-1") if said else None)

    def _part(self) -> None:
        """Close; where the caller still sends, only after that was read.

        Closing a socket with unread bytes resets the connection, and the caller would lose the answer.
        """
        if self.reading in (Awaited.NOTHING, Awaited.ALL):
            self._end()
        else:
            self._leave()

    def _leave(self) -> None:
        if self._leaving:
            return
        if self._gate.leaving >= MOST_LEAVING:
            self._end()
            return
        self._gate.leaving += 1
        self._leaving, self._since = True, self._gate.ticks()
        cast(PartingTransport, self.transport).parting = True
        self.flow.resume_reading()
        self.transport.write_eof()

    def _end(self) -> None:
        cast(PartingTransport, self.transport).end()

    # ── answering ─────────────────────────────────────────────────────────────────────────────
    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Answer the present POST in one piece; False when that cannot be done now, and it has to be sent.

        `head` are the answer's own header lines, well-formed, as they stand on the wire. It serves what is answered
        most: the two ASGI events of an answer cost as much as reading the request.
        """
        cycle = self.cycle  # the present request's, unless others wait behind it
        if self.pipeline or self.flow.write_paused or cycle.disconnected or cycle.response_started:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        usual = [part for name, value in self.server_state.default_headers for part in (name, b": ", value, b"\r\n")]
        ending = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], *usual, head, ending, body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    def data_received(self, data: bytes) -> None:
        """Read what arrives, within the bounds."""
        if self._leaving:
            self._dropped += len(data)
            if self._dropped > LEAVE_BYTES:
                self.transport.abort()
            return
        if self.reading is Awaited.NOTHING:
            self.reading, self._since, self._header = Awaited.HEADER, self._gate.ticks(), 0
        if self.reading is Awaited.HEADER:
            # The parser never sees more of a header than is allowed: it would keep all of it, and copy it
            # anew with every piece.
            room = self._bounds.header_bytes + 1 - self._header
            part, data = data[:room], data[room:]
            self._header += len(part)
            self._feed(part)
            if self.reading is Awaited.HEADER and not self._over():
                self._check_header(self._header)
        if data and not self._over():
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self.reading is Awaited.BODY:
            self._arrived += len(data)
            self._silent_since = self._gate.ticks()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing is offered to change to: it is answered as any other request
        except httptools.HttpParserError:
            self.refuse(Why.MALFORMED)
        if self.reading is Awaited.BODY and not self._over():
            self._check_body()

    def _check_body(self) -> None:
        if self._arrived > _FRAMING + (1 + _FRAMING_SHARE) * self.body_bytes:
            self.refuse(Why.HEADER_LARGE)
        elif self._arrived > LEAVE_BYTES and self.cycle.response_complete:
            self._leave()  # it was answered long ago, and nobody wants what still comes

    def _check_header(self, size: int) -> None:
        if len(self.url) > self._bounds.url_bytes:
            self.refuse(Why.URL_LONG)
        elif size > self._bounds.header_bytes:
            self.refuse(Why.HEADER_LARGE)
        elif len(self.headers) > self._bounds.headers:
            self.refuse(Why.HEADERS_MANY)

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        if self.reading is not Awaited.HEADER:  # it came in one piece with the one before
            self.reading, self._since, self._header = Awaited.HEADER, self._gate.ticks(), 0
        self._header_lines = 0
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, if there may be so many; a trailer (it comes with the body) tells nothing here."""
        if self.reading is Awaited.HEADER and len(self.headers) <= self._bounds.headers:
            self._header_lines += len(name) + len(value) + 4
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request be answered, unless its headers are beyond the bounds."""
        # What was counted so far may hold the beginning of the body, too; now it is known exactly.
        self._check_header(len(self.url) + self._header_lines)
        if len(self.pipeline) >= PIPELINED and not self._over():
            self._gate.refused(Why.PIPELINED, self.address)
            self.transport.abort()
        if self._over():
            return
        super().on_headers_complete()  # until it has understood the address there is no request to be answered
        now = self._gate.ticks()
        self.reading, self._since = Awaited.BODY, now
        self._arrived = self.body_bytes = 0
        self._silent_since = self._looked_at = now
        self._body_seconds = 0.0
        self._gate.busy(self)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if self._over():
            return
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that a request was read whole."""
        if self._over():
            return
        self.reading = Awaited.ALL
        super().on_message_complete()
        if self.cycle.response_complete and not self.pipeline:
            self._rest()  # it was answered before it was read

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            # No timer for the time until then, as uvicorn sets one: the gate looks at all connections.
        if self.reading is Awaited.ALL and not self.pipeline and self.cycle.response_complete:
            self._rest()

    def _rest(self) -> None:
        self.reading, self._since = Awaited.NOTHING, self._gate.ticks()
        self._gate.waits(self)

    # ── time ──────────────────────────────────────────────────────────────────────────────────
    def look(self, now: float) -> None:
        """Close if its time is over."""
        waited = now - self._since
        if self._leaving:
            if waited > LEAVE_SECONDS:
                self.transport.abort()
        elif self._stuck(now):
            self._gate.refused(Why.UNREAD, self.address)
            self.transport.abort()
        elif self.reading is Awaited.NOTHING:
            if waited > self._bounds.idle_seconds:
                self._end()
        elif self.reading is Awaited.HEADER:
            if waited > self._bounds.header_seconds:
                self.refuse(Why.HEADER_SLOW)
        elif self.reading is Awaited.BODY and self._slow(now):
            self.refuse(Why.BODY_SLOW)

    def resume_writing(self) -> None:
        """Go on sending: the caller reads."""
        self._unsent = 0
        super().resume_writing()

    def _stuck(self, now: float) -> bool:
        """Tell whether nothing of what it was answered could be sent for too long.

        Who still sends a body that is not answered to its end may read later: most callers send everything first.
        """
        unsent = self.transport.get_write_buffer_size()
        sends = self.reading is Awaited.BODY and self.cycle is not None and not self.cycle.response_complete
        if sends or not unsent or unsent < self._unsent or not self._unsent:
            self._unsent, self._unsent_since = unsent, now
            return False
        self._unsent = unsent
        return now - self._unsent_since > self._bounds.body_seconds

    def _slow(self, now: float) -> bool:
        """Tell whether its body comes too slowly; time for which we do not read it does not count."""
        between, self._looked_at = now - self._looked_at, now
        if self.flow.read_paused:
            self._silent_since = now
            return False
        self._body_seconds += between
        if now - self._silent_since > self._bounds.body_seconds:
            return True
        return self.body_bytes < self._bounds.body_rate * (self._body_seconds - self._bounds.grace)
