"""The audit, exported to a real receiver: slow, absent, cut in the middle; nothing is lost, nothing is out of order."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.hub.audit_export import AuditExport
from gateway.hub.audit_targets import FileTarget, StreamTarget, target_of
from gateway.hub.syslog import line_of, message_of
from gateway.ledger.followed import AUDIT_EXPORT, NumberedEntry
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import SqlLedger
from tests.gateway.faulty import FaultyLedger

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
CITIZEN = "110101199003071233"
_LENGTH = re.compile(rb"(\d+) ")


def entry(number: int, **said: Any) -> AuditEntry:
    """An entry; its subject is its number."""
    return AuditEntry(NOW, "wang-wei", "platform.put", f"s-{number}", **said)


@pytest.fixture
async def ledger(ledger_at: Callable[[Path], str], tmp_path: Path) -> AsyncIterator[FaultyLedger]:
    """A ledger with an empty audit."""
    opened = FaultyLedger(SqlLedger(ledger_at(tmp_path / "ledger.db")))
    await opened.start()
    yield opened
    await opened.stop()


class Receiver:
    """A receiver of syslog over TCP. It reads `most` bytes of a connection and then resets it; None: it reads all."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.connections: list[bytearray] = []
        self.cut: list[int | None] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port, limit=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection in good order."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = bytearray()
        most = self.cut.pop(0) if self.cut else None
        self.connections.append(kept)
        self._writers.append(writer)
        await self.reading.wait()
        with suppress(ConnectionError):
            while most is None or len(kept) < most:
                said = await reader.read(65_536 if most is None else min(997, most - len(kept)))
                if not said:
                    break
                kept += said
                self._changed.set()
            if most is not None:
                # What is left is never read: the connection is reset, as when a program dies.
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()
        self._changed.set()

    def said(self, connection: bytearray) -> list[int]:
        """The numbers of the messages that came whole on a connection."""
        numbers, said, at = [], bytes(connection), 0
        while (match := _LENGTH.match(said, at)) and len(said) >= match.end() + int(match[1]):
            at = match.end() + int(match[1])
            numbers.append(orjson.loads(said[match.end() : at].partition(b"\xef\xbb\xbf")[2])["seq"])
        return numbers

    def all(self) -> list[int]:
        """The numbers of all that came, once each, in the order in which they first came."""
        return list(dict.fromkeys(number for one in self.connections for number in self.said(one)))

    async def got(self, last: int) -> None:
        """Wait until an entry came."""
        async with asyncio.timeout(50):
            while not any(b'"seq":%d,' % last in one[-20_000:] and one.endswith(b"}}") for one in self.connections):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def exporting(ledger: Any, target: Any) -> AsyncIterator[AuditExport]:
    """An export that runs."""
    export = AuditExport(ledger, target, every=0.01, pause=0.01, share=1.0)
    export.start()
    try:
        yield export
    finally:
        await export.stop()


async def note(ledger: Any, numbers: Sequence[int], **said: Any) -> int:
    """Write entries; gives the number of the last."""
    for start in range(0, len(numbers), 500):
        await ledger.note([entry(number, **said) for number in numbers[start : start + 500]])
    return int((await ledger.audit_after(0, 100_000)).entries[-1].seq)


def in_order(receiver: Receiver, last: int) -> None:
    """Nothing was lost, and nothing came before what is older: what came twice came in one piece."""
    assert receiver.all() == list(range(1, last + 1))
    for one in receiver.connections:
        numbers = receiver.said(one)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True


async def test_everything_comes_as_it_is_written(ledger: FaultyLedger) -> None:
    """What was there before the export began, and what comes while it runs."""
    receiver = Receiver()
    await receiver.start()
    await note(ledger, range(450))
    async with exporting(ledger, target_of(f"syslog+tcp://127.0.0.1:{receiver.port}")) as export:
        await receiver.got(450)
        last = await note(ledger, range(3))
        await receiver.got(last)
        assert export.behind_seconds(NOW + timedelta(hours=1)) in (0.0, 3600.0)
    in_order(receiver, last)
    assert (await ledger.followed(AUDIT_EXPORT)).position == last
    await receiver.stop()


async def test_it_goes_on_after_a_restart(ledger: FaultyLedger) -> None:
    """A receiver that read all before the gateway ended gets nothing twice."""
    receiver = Receiver()
    await receiver.start()
    for _ in range(3):
        last = await note(ledger, range(7))
        async with exporting(ledger, StreamTarget("127.0.0.1", receiver.port, None)):
            await receiver.got(last)
    assert [receiver.said(one) for one in receiver.connections] == [
        list(range(1, 8)),
        list(range(8, 15)),
        list(range(15, 22)),
    ]
    await receiver.stop()


@pytest.mark.parametrize("cuts", [[0, 10, 500, 5000], [100_000, 1, 100_000], [70_000] * 4])
async def test_a_receiver_that_dies_in_the_middle_loses_nothing(ledger: FaultyLedger, cuts: list[int | None]) -> None:
    """It dies with bytes unread, in the middle of a message too: what it may not have read is sent again, in order."""
    receiver = Receiver()
    receiver.cut = [*cuts]
    await receiver.start()
    last = await note(ledger, range(1000))
    async with exporting(ledger, StreamTarget("127.0.0.1", receiver.port, None)):
        await receiver.got(last)
    in_order(receiver, last)
    assert len(receiver.connections) > len(cuts)
    await receiver.stop()


async def test_while_the_receiver_is_away_its_lag_grows_and_nothing_waits(ledger: FaultyLedger) -> None:
    """Entries are written as ever; when it is there everything comes."""
    receiver = Receiver()
    await receiver.start()
    await receiver.stop()
    last = await note(ledger, range(10))
    async with exporting(ledger, StreamTarget("127.0.0.1", receiver.port, None)) as export:
        while not export.behind_seconds(NOW + timedelta(minutes=7)):
            await asyncio.sleep(0)
        assert export.behind_seconds(NOW + timedelta(minutes=7)) == 420.0
        there = Receiver(receiver.port)
        await there.start()
        await there.got(last)
    in_order(there, last)
    await there.stop()


async def test_a_slow_receiver_slows_nobody(ledger: FaultyLedger) -> None:
    """While it reads nothing its system and the export hold a bounded part, and entries are written as ever."""
    receiver = Receiver()
    receiver.reading.clear()
    await receiver.start()
    async with exporting(ledger, StreamTarget("127.0.0.1", receiver.port, None)):
        last = await note(ledger, range(1000), reason="核" * 3000)
        receiver.reading.set()
        await receiver.got(last)
    in_order(receiver, last)
    await receiver.stop()


async def test_a_ledger_that_fails_is_asked_again(ledger: FaultyLedger) -> None:
    """Before and after it kept how far the export came: entries come again at most, and none is left out."""
    receiver = Receiver()
    await receiver.start()
    last = await note(ledger, range(20))
    for name in ("audit_after", "followed", "follow"):
        ledger.fail_before(name)
        ledger.fail_after(name)
    async with exporting(ledger, StreamTarget("127.0.0.1", receiver.port, None)):
        await receiver.got(last)
        ledger.fail_before("keep_followed")
    in_order(receiver, last)
    await receiver.stop()


async def test_a_file_has_a_line_each(ledger: FaultyLedger, tmp_path: Path) -> None:
    """In order, each whole."""
    path = tmp_path / "audit.jsonl"
    last = await note(ledger, range(5))
    async with exporting(ledger, FileTarget(path)):
        while not path.exists() or not path.read_bytes().endswith(b"\n"):
            await asyncio.sleep(0)
    assert [orjson.loads(line)["seq"] for line in path.read_bytes().splitlines()] == list(range(1, last + 1))


@pytest.mark.parametrize("torn", [b"", b'{"seq": 9', b"\xff"])
async def test_a_file_goes_on_after_its_last_line(ledger: FaultyLedger, tmp_path: Path, torn: bytes) -> None:
    """Killed before the ledger knew of it, or in the middle of a line: no line comes twice, and none is broken."""
    path = tmp_path / "audit.jsonl"
    last = await note(ledger, range(6))
    entries = (await ledger.audit_after(0)).entries[:4]
    path.write_bytes(b"".join(line_of(one) + b"\n" for one in entries) + torn)
    async with exporting(ledger, target_of(f"file://{path}")):
        while f'"seq":{last},'.encode() not in path.read_bytes():
            await asyncio.sleep(0)
    assert [orjson.loads(line)["seq"] for line in path.read_bytes().splitlines()] == list(range(1, last + 1))
    assert path.stat().st_mode & 0o777 in (0o600, 0o644)


async def test_datagrams_come_one_each(ledger: FaultyLedger) -> None:
    """Over UDP every entry is a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        last = await note(ledger, range(3))
        async with exporting(ledger, target_of(f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}")):
            said = [await asyncio.get_running_loop().sock_recv(receiver, 65536) for _ in range(last)]
    assert [one[:4] for one in said] == [b"<110"] * 3


def test_a_message_is_as_the_standard_says() -> None:
    """RFC 5424: priority, version, time, host, application, no process, MSGID, no data, and UTF-8 with its mark."""
    refused = AuditEntry(NOW, "10.0.0.9", "authentication.failed", "10.0.0.9", "credential.unknown", {"count": 3})
    head, _, line = message_of(NumberedEntry(7, refused)).partition(b"\xef\xbb\xbf")
    shape = rb"<108>1 2026-09-01T08:00:00\.000000Z [\x21-\x7e]{1,255} hutong - authentication\.failed - "
    assert re.fullmatch(shape, head)
    assert orjson.loads(line) == {
        "seq": 7,
        "at": "2026-09-01T08:00:00.000000Z",
        "actor": "10.0.0.9",
        "action": "authentication.failed",
        "subject": "10.0.0.9",
        "reason": "credential.unknown",
        "detail": {"count": 3},
    }


def test_nothing_breaks_a_line_and_nobody_is_named() -> None:
    """What somebody wrote as a reason may have ends of lines and a citizen's number in it."""
    wrote = entry(1, reason=f"核实\n<13>1 - - - - - -\r\u2028{CITIZEN} 电话13812345678", detail={"purpose": CITIZEN})
    for written in (line_of(NumberedEntry(1, wrote)), message_of(NumberedEntry(1, wrote))):
        assert b"\n" not in written
        assert b"\r" not in written
        assert CITIZEN.encode() not in written
        assert b"13812345678" not in written
