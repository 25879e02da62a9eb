"""The sender against a platform that does exactly what a test tells it, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.base import OutboundRequest, Reply
from gateway.delivery.address import address_of
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.sender import Sender
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
    """Give a sender."""
    sender = Sender()
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
    assert (caught.value.reason, caught.value.may_have_left) == ("connection.refused", False)
    assert caught.value.detail == "Connection refused"


async def test_an_unknown_host_never_carried_the_request(sender: Sender) -> None:
    """A name that does not resolve is a failed connection."""
    with pytest.raises(NoAnswer) as caught:
        await sender.send(a_platform("http://nowhere.invalid"), POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("name.unknown", False)
    assert caught.value.detail


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
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout.read", True)


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
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout.connect", False)


async def test_a_dripping_body_is_a_timeout(wire: Wire, sender: Sender) -> None:
    """The limit is for the whole exchange, not for each piece."""

    async def dripping(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await asyncio.Event().wait()

    wire.behave = dripping
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, SHORT)
    assert (caught.value.reason, caught.value.may_have_left) == ("timeout.read", True)


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
        assert len((await sender.send(wire.platform, POST, PATIENT, 1000)).body) == 1001


async def test_what_stands_behind_a_compressed_reply_is_not_kept(wire: Wire, sender: Sender) -> None:
    """zlib gathers it, and copies all of it for each piece that comes."""
    packed, behind = gzip.compress(b"{}"), bytes(16 * 1024 * 1024)
    length = b"Content-Length: %d\r\n" % (len(packed) + len(behind))
    wire.behave = answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + length + b"\r\n" + packed + behind)
    tracemalloc.start()
    try:
        assert (await sender.send(wire.platform, POST, PATIENT)).body == b"{}"
        assert tracemalloc.get_traced_memory()[1] < 2 * len(behind)
    finally:
        tracemalloc.stop()


async def test_headers_behind_the_head_are_none(wire: Wire, sender: Sender) -> None:
    """Neither trailers nor a reply that nobody asked for change what a reply's head said."""
    trailed = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Flow: trailer\r\n\r\n"
    second = b"Content-Length: 2\r\n\r\nokHTTP/1.1 503 No\r\nX-Flow: second\r\nContent-Length: 0\r\n\r\n"
    for rest in (trailed, second):
        wire.behave = answering(b"HTTP/1.1 200 OK\r\nX-Flow: a\r\n" + rest)
        reply = await sender.send(wire.platform, POST, PATIENT)
        assert (reply.status, reply.body, reply.headers["x-flow"]) == (200, b"ok", "a")


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked"])
async def test_chunks_that_end_too_early_are_a_broken_reply(wire: Wire, sender: Sender, coding: bytes) -> None:
    """However the coding is spelt (RFC 9112, 7): its end is not that of the connection."""
    wire.behave = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding + b"\r\n\r\n2\r\nok\r\n", close=True)
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert caught.value.reason == "reply.broken"


async def test_an_address_that_is_silent_leaves_time_for_the_next(
    wire: Wire, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with an IPv6 address, say, in a network that drops IPv6; the next connection does not wait for it."""
    monkeypatch.setattr("gateway.delivery.sender._CONNECT", 0.4)
    loop, asked = asyncio.get_running_loop(), list[str]()
    real = loop.create_connection

    async def connecting(factory: Any, host: str, *rest: Any, **named: Any) -> Any:
        asked.append(host)
        if host == "::1":
            await asyncio.Event().wait()
        return await real(factory, host, *rest, **named)

    async def both(host: str, port: int, **named: Any) -> Any:
        return [(None, None, 0, "", (address, port)) for address in ("::1", "127.0.0.1")]

    monkeypatch.setattr(loop, "create_connection", connecting)
    monkeypatch.setattr(loop, "getaddrinfo", both)
    platform = a_platform(f"http://two.example:{wire.port}/")
    wire.behave = answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    for _ in range(2):
        assert (await sender.send(platform, POST, PATIENT)).body == b"ok"
    assert asked == ["::1", "127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"]
)
async def test_an_address_that_is_not_allowed_is_never_connected_to(wire: Wire, host: str) -> None:
    """However it is spelled: it is judged by where it leads. Nothing has left, so that nothing is in doubt."""
    sender, platform = Sender(allow=("http", "private")), a_platform(f"http://{host}:{wire.port}/")
    with pytest.raises(NoAnswer) as caught:
        await sender.send(platform, POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("destination.refused", False)
    assert "loopback" in caught.value.detail
    assert wire.heads == []
    allowed = msgspec.structs.replace(platform, allow=("loopback",))
    assert (await sender.send(allowed, POST, PATIENT)).body == b"ok"
    await sender.close()


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "[fe80::1]", "[::ffff:169.254.169.254]", "0xa9fea9fe"])
async def test_some_addresses_are_nobodys(sender: Sender, host: str) -> None:
    """Metadata of clouds, link-local, this host without a number: whatever is allowed."""
    platform = msgspec.structs.replace(a_platform(f"http://{host}:80/"), allow=("http", "private", "loopback"))
    with pytest.raises(NoAnswer) as caught:
        await sender.send(platform, POST, PATIENT)
    assert caught.value.reason == "destination.refused"


async def test_a_name_that_changes_its_mind_is_judged_each_time(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public address when it was asked first, this machine's later: the very address that is connected to counts."""
    asked = list[str]()

    async def rebinding(host: str, port: int, **named: Any) -> Any:
        asked.append(host)
        return [(None, None, 0, "", (address, port)) for address in ("127.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
    sender = Sender(allow=("http",))
    with pytest.raises(NoAnswer) as caught:
        await sender.send(a_platform(f"http://moves.example:{wire.port}/"), POST, PATIENT)
    assert caught.value.reason == "destination.refused"
    assert (asked, wire.heads) == (["moves.example"], [])
    await sender.close()


async def test_what_is_not_allowed_any_more_is_not_called_over_an_old_connection(wire: Wire) -> None:
    """The connection stays open between calls; it is not used again once the platform may not be there."""
    sender = Sender(allow=("http",))
    before = msgspec.structs.replace(wire.platform, allow=("loopback",))
    assert (await sender.send(before, POST, PATIENT)).body == b"ok"
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert caught.value.reason == "destination.refused"
    assert len(wire.heads) == 1
    await sender.close()


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


OK = b'{"code": 0}'
LENGTH = b"Content-Length: %d\r\n" % len(OK)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(OK), OK)


def raw_deflate(body: bytes) -> bytes:
    """Compress without the frame that belongs to `deflate`."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + LENGTH + b"Set-Cookie: waf=" + b"a" * 60_000 + b"\r\n\r\n" + OK,
        HEAD + LENGTH + b"".join(b"X-%d: %s\r\n" % (n, b"b" * 300) for n in range(200)) + b"\r\n" + OK,
        HEAD + LENGTH + LENGTH + b"\r\n" + OK,
        HEAD + b"Content-Length: %d, %d\r\n\r\n" % (len(OK), len(OK)) + OK,
        HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 999\r\n\r\n" + CHUNKED,
        HEAD + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Type : application/json\r\n" + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\n" + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 200 OK\n" + LENGTH.replace(b"\r", b"") + b"\n" + OK,
        b"\r\n" + HEAD + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + OK,
        "HTTP/1.1 200 成功\r\n".encode("gbk") + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + HEAD + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n\r\n" * 3 + HEAD + LENGTH + b"\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEAD + LENGTH + b"\r\n" + OK,
    ],
)
@pytest.mark.parametrize("size", [None, 1000, 7])
async def test_what_real_servers_write_is_read(wire: Wire, sender: Sender, raw: bytes, size: int | None) -> None:
    """Whatever is not quite as the standard has it but leaves no doubt, in whatever pieces it comes."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(raw), size or len(raw)):
            writer.write(raw[at : at + (size or len(raw))])
            await asyncio.sleep(0)
        await writer.drain()

    wire.behave = behave
    for _ in range(2):  # and the connection is as good as new after it
        reply = await sender.send(wire.platform, POST, PATIENT)
        assert (reply.status, reply.body) == (200, OK)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(OK, mtime=0)),
        (b"x-gzip", gzip.compress(OK, mtime=0)),
        (b"deflate", zlib.compress(OK)),
        (b"deflate", raw_deflate(OK)),
        (b"deflate", gzip.compress(OK, mtime=0)),
        (b"gzip", OK),
        (b"deflate", OK),
        (b"UTF-8", OK),
        (b"br", OK),
        (b"identity", OK),
    ],
)
async def test_a_compressed_reply_is_read_and_so_is_one_that_only_says_so(
    wire: Wire, sender: Sender, coding: bytes, body: bytes
) -> None:
    """The beginning of the body tells whether it is what its header says."""
    length = b"Content-Length: %d\r\n" % len(body)
    wire.behave = answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + b"\r\n" + length + b"\r\n" + body)
    assert (await sender.send(wire.platform, POST, PATIENT)).body == OK


@pytest.mark.parametrize(
    "flood",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"X: " + b"a" * 50_000 + b"\r\n", b"a" * 50_000, b"\r\n" * 1000],
)
async def test_a_head_that_never_ends_is_given_up(wire: Wire, sender: Sender, flood: bytes) -> None:
    """After so many interim answers, or so many bytes: long before the time is over."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        if b"100" not in flood and flood.strip():
            writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.transport.is_closing():
            writer.write(flood)
            await writer.drain()

    wire.behave = behave
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, timedelta(minutes=5))
    assert (caught.value.reason, caught.value.may_have_left) == ("reply.broken", True)


@pytest.mark.parametrize("chunk", [b"1;" + b"x" * 1000 + b"\r\na\r\n", b"5;" + b"x" * 100_000])
async def test_a_body_that_is_all_chunk_lines_is_given_up(wire: Wire, sender: Sender, chunk: bytes) -> None:
    """Long before the time is over: a hundred times the body is read for nothing."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(chunk)
            await writer.drain()

    wire.behave = behave
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, timedelta(minutes=5))
    assert (caught.value.reason, caught.value.may_have_left) == ("reply.broken", True)


async def test_a_compressed_reply_that_breaks_off_is_no_whole_one(wire: Wire, sender: Sender) -> None:
    """Though its connection ends where it may: what could be read of it is given with the fault."""
    packed = gzip.compress(OK * 200)
    wire.behave = answering(HEAD + b"Content-Encoding: gzip\r\n\r\n" + packed[:-10], close=True)
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert caught.value.reason == "reply.broken"


async def test_a_reply_that_breaks_off_is_given_with_what_came_of_it(wire: Wire, sender: Sender) -> None:
    """Its length may have been counted wrong; whoever judges it sees whether it is whole."""
    wire.behave = answering(HEAD + b"Content-Length: %d\r\n\r\n" % (len(OK) + 2) + OK, close=True)
    with pytest.raises(NoAnswer) as caught:
        await sender.send(wire.platform, POST, PATIENT)
    assert caught.value.reason == "reply.broken"
    assert caught.value.cut == Reply(200, {"content-type": "application/json", "content-length": "13"}, OK)


async def test_a_host_in_chinese_and_a_path_with_chinese_are_written_as_the_wire_has_them(
    wire: Wire, sender: Sender
) -> None:
    """What is encoded already stays as it is."""
    platform = a_platform(f"http://127.0.0.1:{wire.port}/接口/")
    await sender.send(platform, OutboundRequest("GET", "/案件 1?名=%E4%B8%AD&号=AJ%2F7"), PATIENT)
    line = wire.heads[0].split(b"\r\n")[0].decode()
    assert line == "GET /%E6%8E%A5%E5%8F%A3/%E6%A1%88%E4%BB%B6%201?%E5%90%8D=%E4%B8%AD&%E5%8F%B7=AJ%2F7 HTTP/1.1"
    assert address_of("http://例子.中国:8080/a", "/b").origin.host == "xn--fsqu00a.xn--fiqs8s"
    assert str(address_of("http://[::1]:8080/a", "/b%2Fc")) == "http://[::1]:8080/a/b%2Fc"


CERTIFICATES = Path(__file__).parent / "certificates"
"""Keys with certificates that sign themselves: one good, one expired in 2021, one for another address."""


@pytest.mark.parametrize(
    ("served", "trusted", "reason"),
    [
        ("good", "elsewhere", "tls.untrusted"),
        ("expired", "expired", "tls.expired"),
        ("elsewhere", "elsewhere", "tls.wrong-host"),
        ("good", "good", None),
    ],
)
async def test_each_fault_of_a_certificate_has_its_own_word(served: str, trusted: str, reason: str | None) -> None:
    """With what the library says of it; nothing can have arrived."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(CERTIFICATES / f"{served}.pem")
    sender = Sender(trusted=ssl.create_default_context(cafile=CERTIFICATES / f"{trusted}.pem"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answering(HEAD + LENGTH + b"\r\n" + OK, close=True)(b"", writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=own) as server:
        platform = a_platform(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        if reason is None:
            assert (await sender.send(platform, POST, PATIENT)).body == OK
        else:
            with pytest.raises(NoAnswer) as caught:
                await sender.send(platform, POST, PATIENT)
            assert (caught.value.reason, caught.value.may_have_left) == (reason, False)
            assert caught.value.detail
    await sender.close()


async def test_plain_http_behind_an_https_address_is_a_tls_fault(wire: Wire, sender: Sender) -> None:
    """The port answers, and speaks no TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NoAnswer) as caught:
            await sender.send(a_platform(f"https://127.0.0.1:{port}"), POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("tls.failed", False)
    assert "WRONG_VERSION_NUMBER" in caught.value.detail
