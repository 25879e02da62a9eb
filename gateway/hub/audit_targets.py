"""Where the audit is exported to: a file, or a receiver of syslog over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from gateway.hub.syslog import line_of, message_of
from gateway.ledger.followed import NumberedEntry

MOST = 200
"""Entries that are handed over at once: more of them are never in memory."""

PATIENCE = 10.0
"""Seconds for a connection, and for a receiver to take anything of what is sent."""

PARTING = 1.0
"""Seconds for a receiver to read what it was sent, at the end."""

UNREAD = 8 << 20
"""Bytes that a receiver's system may have taken and its program not read: what lies further back was read."""

_DATAGRAM = 60_000
_PORTS = {"syslog+udp": 514, "syslog+tcp": 514, "syslog+tls": 6514}


class AuditTarget(Protocol):
    """Takes entries in order. What it raises ends what was begun: it is opened again, and goes on from `safe`."""

    @property
    def safe(self) -> int:
        """Give the number up to which entries are certainly there."""
        ...

    async def open(self, position: int) -> int:
        """Begin; gives the number after which to go on, which is `position` unless the target knows better."""
        ...

    async def send(self, entries: Sequence[NumberedEntry]) -> None:
        """Hand over entries; an error when the target does not take them."""
        ...

    async def close(self) -> None:
        """End, and wait a moment for what is under way."""
        ...


def target_of(address: str) -> AuditTarget:
    """Make what the setting names."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return FileTarget(Path(unquote(parts.path)))
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "syslog+udp":
        return DatagramTarget(host, port)
    if parts.scheme == "syslog+tcp":
        return StreamTarget(host, port, None)
    [authority] = parse_qs(parts.query).get("ca", [None])
    return StreamTarget(host, port, ssl.create_default_context(cafile=authority))


# ── a file ────────────────────────────────────────────────────────────────────────────────────
class FileTarget:
    """Appends lines of JSON, and syncs them. Its last line says up to where it has come, whatever the ledger knows.

    A file that was moved away is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.safe = 0

    async def open(self, position: int) -> int:
        found = await asyncio.to_thread(self._mended)
        # A number that is further ahead than one step is of another ledger.
        self.safe = found if position < found <= position + MOST else position
        return self.safe

    async def send(self, entries: Sequence[NumberedEntry]) -> None:
        lines = b"".join(line_of(each) + b"\n" for each in entries)
        await asyncio.to_thread(self._append, lines)
        self.safe = entries[-1].seq

    async def close(self) -> None:
        pass

    def _append(self, lines: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(file, view) :]
            os.fsync(file)
        finally:
            os.close(file)

    def _mended(self) -> int:
        """Cut off a line that was not written to its end; gives the number in the last whole one."""
        if not self._path.exists():
            return 0
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - (1 << 20))
            file.seek(start)
            tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1]
            if len(whole) < len(tail) and (whole or not start):
                file.truncate(start + len(whole))
        last = whole.rstrip(b"\n").rpartition(b"\n")[2]
        try:
            return int(orjson.loads(last)["seq"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return 0


# ── syslog ────────────────────────────────────────────────────────────────────────────────────
class DatagramTarget:
    """Sends a datagram each. UDP tells nobody whether it arrives."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._transport: asyncio.DatagramTransport | None = None
        self.safe = 0

    async def open(self, position: int) -> int:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=self._address)
        self.safe = position
        return position

    async def send(self, entries: Sequence[NumberedEntry]) -> None:
        for each in entries:
            assert self._transport is not None
            self._transport.sendto(message_of(each)[:_DATAGRAM])
        self.safe = entries[-1].seq

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class StreamTarget:
    """Sends messages over TCP or TLS, each with its length before it (RFC 6587, RFC 5425).

    A receiver answers nothing, and what its system has taken its program may not have read when it ends. So what was
    sent counts as read only when it lies far enough back, or when the receiver ended the connection in good order after
    it had taken all: a program that ends with something unread resets it. Everything else is sent once more, in
    order; whoever receives it knows entries by their numbers.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, *, patience: float = PATIENCE) -> None:
        self._host, self._port, self._context = host, port, context
        self._patience = patience
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._sent: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self.safe = 0

    async def open(self, position: int) -> int:
        async with asyncio.timeout(self._patience):
            reader, self._writer = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        self._sent.clear()
        self._bytes = 0
        self.safe = position
        self._listening = asyncio.create_task(self._listen(reader, self._writer), name="audit receiver")
        return position

    async def send(self, entries: Sequence[NumberedEntry]) -> None:
        self._look()
        assert self._writer is not None
        for each in entries:
            message = message_of(each)
            framed = b"%d %s" % (len(message), message)
            self._writer.write(framed)
            self._bytes += len(framed)
            self._sent.append((each.seq, self._bytes))
        await self._drained(self._writer)
        while self._sent and self._bytes - self._sent[0][1] >= UNREAD:
            self.safe = self._sent.popleft()[0]

    async def _drained(self, writer: asyncio.StreamWriter) -> None:
        """Wait until the receiver took what is sent, however slowly; TimeoutError when it takes nothing."""
        while True:
            left = self._untaken(writer)
            try:
                async with asyncio.timeout(self._patience):
                    return await writer.drain()
            except TimeoutError:
                if self._untaken(writer) >= left:
                    raise

    def _look(self) -> None:
        """Raise where the receiver ended the connection."""
        if self._listening is not None and self._listening.done():
            raise ConnectionError("the receiver ended the connection")

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wait until the receiver ends the connection; what it says meanwhile is nothing to us."""
        try:
            while await reader.read(1024):
                pass
            if self._context is not None or _error_of(writer):
                return
            taken = self._bytes - self._untaken(writer)
        except OSError:
            return  # it was reset: what was read of what it had is not known
        while self._sent and self._sent[0][1] <= taken:
            self.safe = self._sent.popleft()[0]

    def _untaken(self, writer: asyncio.StreamWriter) -> int:
        """Give how many bytes the receiver's system has not taken yet."""
        said = fcntl.ioctl(writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", said)[0]) + writer.transport.get_write_buffer_size()

    async def close(self) -> None:
        if self._writer is None or self._listening is None:
            return
        try:
            if self._writer.can_write_eof() and not self._listening.done():
                self._writer.write_eof()
                await asyncio.wait([self._listening], timeout=PARTING)
        finally:
            self._listening.cancel()
            self._writer.transport.abort()  # who reads nothing must not keep what is left for it in memory
            self._writer = self._listening = None


def _error_of(writer: asyncio.StreamWriter) -> int:
    """Tell whether the connection broke after it had been ended: a receiver that is gone resets what comes then."""
    said: int = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return said
