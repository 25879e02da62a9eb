"""The sender against a platform that does exactly what a test tells it, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import OutboundRequest
from gateway.delivery.sender import NoAnswer, Sender, Unsendable
from gateway.ledger.records import Platform

Behaviour = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
PATIENT = timedelta(seconds=5)
SHORT = timedelta(milliseconds=200)
POST = OutboundRequest("POST", "/a?b=%E4%B8%AD", {"content-type": "application/json"}, b'{"x":1}')


class Wire:
    """A server that reads one request and then behaves; keeps every head it saw."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.behave: Behaviour = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Flow: a\r\n\r\nok")
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await reader.readexactly(len(POST.body) if b"POST" in head else 0)
                await self.behave(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def platform(self) -> Platform:
        return a_platform(f"http://127.0.0.1:{self.port}/base/")


def a_platform(base_url: str) -> Platform:
    """Give a platform at an address."""
    return Platform("penalty.330000", "penalty", "330000", "penalty", {"base_url": base_url}, datetime.now(UTC))


def answering(raw: bytes, *, close: bool = False) -> Behaviour:
    """Answer with these bytes."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if close:
            writer.close()

    return behave


async def resetting(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silent(head: bytes, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """Serve on loopback."""
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(wire.serve(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    yield wire
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Give a sender that reads replies up to 1000 bytes."""
    sender = Sender(reply_limit=1000)
    yield sender
    await sender.close()


async def test_it_sends_what_it_is_given_below_the_base_url(wire: Wire, sender: Sender) -> None:
    """Method, escaped path, headers and body go out as they are; the whole reply comes back."""
    reply = await sender.send(wire.platform, POST, PATIENT)
    assert (reply.status, reply.body, reply.headers["x-flow"]) == (200, b"ok", "a")
    assert wire.heads[0].startswith(b"POST /base/a?b=%E4%B8%AD HTTP/1.1\r\n")
    assert b"hutong/" in wire.heads[0]


async def test_it_keeps_its_connections(wire: Wire, sender: Sender) -> None:
    """One after the other over the same connection; none is shared with another platform."""
    for _ in range(3):
        await sender.send(wire.platform, POST, PATIENT)
    assert len(wire.heads) == 3


async def test_a_refused_connection_never_carried_the_request(sender: Sender) -> None:
    """Nothing listens: no answer, and nothing can have arrived."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = a_platform(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(NoAnswer) as caught:
            await sender.send(nowhere, POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("connection.failed", False)


async def test_an_unknown_host_never_carried_the_request(sender: Sender) -> None:
    """A name that does not resolve is a failed connection."""
    with pytest.raises(NoAnswer) as caught:
        await sender.send(a_platform("http://nowhere.invalid"), POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("connection.failed", False)


@pytest.mark.parametrize("address", ["", "nonsense", "ftp://127.0.0.1/"])
async def test_an_address_that_is_none_is_no_answer(sender: Sender, address: str) -> None:
    """A wrong base_url waits for its correction; it does not kill documents."""
    with pytest.raises(NoAnswer) as caught:
        await sender.send(a_platform(address), POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("address.unusable", False)


async def test_a_reset_after_the_request_is_in_doubt(wire: Wire, sender: Sender) -> None:
    """The platform read it all and broke the connection: it may have been taken."""
    wire.behave = resetting
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("connection.lost", True)


async def test_silence_is_a_timeout_and_in_doubt(wire: Wire, sender: Sender) -> None:
    """No answer in time: the request did leave."""
    wire.behave = silent
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, SHORT)
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout", True)


async def test_as_many_connections_are_had_as_calls_are_made(wire: Wire, sender: Sender) -> None:
    """A platform may be called 256 times at once: nobody waits for a connection of ours, let alone times out so."""
    all_there = asyncio.Event()

    async def together(head: bytes, writer: asyncio.StreamWriter) -> None:
        if len(wire.heads) == 256:
            all_there.set()
        await all_there.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    wire.behave = together
    replies = await asyncio.gather(*(sender.send(wire.platform, POST, PATIENT) for _ in range(256)))
    assert {reply.status for reply in replies} == {200}


async def test_a_timeout_before_a_connection_is_had_is_not_in_doubt(sender: Sender) -> None:
    """The platform's queue of connections is full: it takes no other, and nothing can have arrived."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = []
        while True:  # fill the queue
            other = socket.socket()
            other.settimeout(0.05)
            waiting.append(other)
            try:
                other.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        with pytest.raises(NoAnswer) as caught:
            await sender.send(a_platform(f"http://127.0.0.1:{port}"), POST, SHORT)
        for other in waiting:
            other.close()
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout", False)


async def test_a_dripping_body_is_a_timeout(wire: Wire, sender: Sender) -> None:
    """The limit is for the whole exchange, not for each piece."""

    async def dripping(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await asyncio.Event().wait()

    wire.behave = dripping
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, SHORT)
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout", True)


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc", b"220 smtp.example ready\r\n\r\n"]
)
async def test_a_broken_reply_is_in_doubt(wire: Wire, sender: Sender, raw: bytes) -> None:
    """Cut short, or not HTTP at all: nobody can tell what became of the request."""
    wire.behave = answering(raw, close=True)
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert caught.value.may_have_left


async def test_no_reply_is_read_beyond_the_limit(wire: Wire, sender: Sender) -> None:
    """A huge reply, and a small one that unpacks to a huge one, are cut at the limit."""
    packed = gzip.compress(b"0" * 10_000_000)
    for head, body in ((b"", b"x" * 100_000), (b"Content-Encoding: gzip\r\n", packed)):
        length = b"Content-Length: %d\r\n" % len(body)
        wire.behave = answering(b"HTTP/1.1 200 OK\r\n" + head + length + b"\r\n" + body)
        assert len((await sender.send(wire.platform, POST, PATIENT)).body) == 1000


async def test_redirects_are_not_followed(wire: Wire, sender: Sender) -> None:
    """Documents go where the operator said, never where a reply points."""
    wire.behave = answering(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert (await sender.send(wire.platform, POST, PATIENT)).status == 307
    assert len(wire.heads) == 1


async def test_proxy_variables_are_ignored(wire: Wire, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell exports does not decide where documents go."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert (await sender.send(wire.platform, POST, PATIENT)).status == 200


async def test_a_header_that_would_break_the_request_cannot_leave(wire: Wire, sender: Sender) -> None:
    """A line break in a header is our own fault, and no reason to call."""
    with pytest.raises(Unsendable):
        await sender.send(wire.platform, OutboundRequest("GET", "/", {"X-Name": "a\r\nX-Evil: 1"}), PATIENT)
    assert wire.heads == []
