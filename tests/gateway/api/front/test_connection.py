"""Connections of strangers: what they may send, how slowly, and what they are told."""

import asyncio

import pytest
from doorstep import echo, front_of

from gateway.api.front.connection import Awaited
from gateway.api.inbound.answer import ANSWER, HttpAnswer

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/inbound/permit HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


async def test_an_ordinary_request_passes(front):
    """Header, body and the next request on the same connection."""
    caller = await front.connect()
    for _ in range(2):
        await caller.say(POST % 5 + b"hello")
        assert (await caller.hear()).text.endswith("5")
    assert front.refused == []


async def test_a_body_in_the_same_piece_as_its_header_is_not_counted_as_header(front):
    """Only what stands before the empty line is header."""
    caller = await front.connect()
    await caller.say(POST % 50_000 + b"x" * 50_000)
    assert (await caller.hear()).text.endswith("50000")


@pytest.mark.parametrize(
    ("request_bytes", "status", "why"),
    [
        (b"GET /" + b"a" * 600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "url.too-long"),
        (GET + b"X: " + b"a" * 3000 + b"\r\n\r\n", 431, "header.too-large"),
        (GET + b"a: b\r\n" * 25 + b"\r\n", 431, "header.too-many"),
        (b"NONSENSE\r\n\r\n", 400, "request.malformed"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "request.malformed"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400, "request.malformed"),
    ],
)
async def test_what_is_beyond_the_bounds_is_refused_with_its_bound(front, request_bytes, status, why):
    """A problem document says which bound it was, and the connection ends."""
    caller = await front.connect()
    await caller.say(request_bytes)
    answer = await caller.hear()
    assert answer.status == status
    assert f'"code":"{why}"' in answer.text
    assert "connection: close" in answer.text
    assert await caller.end() == b""
    assert front.refused == [why]


async def test_an_address_that_nobody_understands_is_refused_behind_another_request_too(front):
    """The answer before it is not taken for its own."""
    caller = await front.connect()
    await caller.say(GET + b"\r\n")
    assert (await caller.hear()).status == 200
    await caller.say(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    assert (await caller.hear()).status == 400
    assert front.refused == ["request.malformed"]


@pytest.mark.parametrize("beginning", [b"GET /", GET + b"X: ", GET + b"X"])
async def test_a_header_that_never_ends_is_refused_while_it_comes(front, beginning):
    """The answer is there although the header is not complete, and hardly more than the bound was looked at."""
    caller = await front.connect()
    await caller.say(beginning + b"a" * 4000)
    assert (await caller.hear()).status in (414, 431)


async def test_the_refusal_arrives_although_the_caller_goes_on_sending(front):
    """What still comes is read and thrown away, so that no reset destroys the answer."""
    caller = await front.connect()
    await caller.say(GET + b"X: " + b"a" * 1_000_000)
    assert (await caller.hear()).status == 431


async def test_the_language_of_a_refusal_is_the_callers(front):
    """As far as it was read by then."""
    caller = await front.connect()
    await caller.say(GET + b"Accept-Language: en\r\n" + b"a: b\r\n" * 25 + b"\r\n")
    assert "send fewer" in (await caller.hear()).text


async def test_a_header_that_takes_too_long_is_a_time_out(front):
    """408, however regularly another byte comes."""
    caller = await front.connect()
    await caller.say(GET)
    await front.until(lambda: front.only.reading is Awaited.HEADER)
    for _ in range(3):
        front.pass_time(4)
        await caller.say(b"a: b\r\n")
    assert (await caller.hear()).status == 408
    assert front.refused == ["header.slow"]


async def test_an_idle_connection_is_closed_without_a_word(front):
    """Nothing was asked, so nothing is answered."""
    caller = await front.connect()
    front.pass_time(front.gate.bounds.idle_seconds + 1)
    assert await caller.end() == b""
    assert front.refused == []


@pytest.fixture
async def reading():
    """A server that tells when its application has begun to read a body."""
    begun = asyncio.Event()

    async def app(scope, receive, send):
        begun.set()
        await echo(scope, receive, send)

    async with front_of(app) as made:
        made.begun = begun
        yield made


async def test_a_silent_body_is_a_time_out(reading):
    """408 once nothing came for so long; the application hears that its caller is gone."""
    caller = await reading.connect()
    await caller.say(POST % 1000 + b"x")
    await reading.begun.wait()
    reading.pass_time(reading.gate.bounds.body_seconds + 1)
    answer = await caller.hear()
    assert (answer.status, '"body.slow"' in answer.text) == (408, True)
    assert await caller.end() == b""


async def test_a_body_that_drips_is_a_time_out(reading):
    """408 although something always comes: on average it is too little."""
    caller = await reading.connect()
    await caller.say(POST % 1000)
    await reading.begun.wait()
    for _ in range(4):
        before = reading.only.body_bytes
        await caller.say(b"x")
        await reading.until(lambda before=before: reading.refused or reading.only.body_bytes > before)
        reading.pass_time(4)
    assert (await caller.hear()).status == 408
    assert reading.refused == ["body.slow"]


async def test_a_body_we_do_not_read_is_not_slow():
    """Time for which the application did not want it is not the caller's."""
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        begun.set()
        await go_on.wait()
        await echo(scope, receive, send)

    async with front_of(app) as front:
        caller = await front.connect()
        sending = asyncio.create_task(caller.say(POST % 1_000_000 + b"x" * 1_000_000))
        await begun.wait()
        await front.until(lambda: front.only.flow.read_paused)
        for _ in range(5):
            front.pass_time(10)
        go_on.set()
        assert (await caller.hear()).status == 200
        await sending
        assert front.refused == []


async def test_a_trailer_that_never_ends_is_refused():
    """Chunk lines and trailers are no body: there is a bound on how many more bytes they may be."""
    async with front_of(echo) as front:
        caller = await front.connect()
        await caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ")
        await caller.say(b"a" * 100_000)
        assert (await caller.hear()).status == 431


async def refuse(scope, receive, send):
    """Answer without reading, as strangers are answered."""
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


async def test_an_answer_before_the_body_arrives_and_the_connection_lives_on():
    """What comes of the body is thrown away; the next request is answered."""
    async with front_of(refuse) as front:
        caller = await front.connect()
        await caller.say(POST % 100_000)
        assert (await caller.hear()).status == 401
        await caller.say(b"x" * 100_000 + GET + b"\r\n")
        assert (await caller.hear()).status == 401


async def test_an_answered_body_that_stops_coming_is_closed_without_a_second_answer():
    """It was answered: the time-out says nothing more."""
    async with front_of(refuse) as front:
        caller = await front.connect()
        await caller.say(POST % 100_000)
        assert (await caller.hear()).status == 401
        front.pass_time(front.gate.bounds.body_seconds + 1)
        assert await caller.end() == b""


async def test_an_answer_that_closes_arrives_although_the_body_is_unread():
    """`Connection: close` waits for what the caller still sends."""
    async with front_of(refuse) as front:
        caller = await front.connect()
        await caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n")
        await caller.say(b"x" * 500_000)
        assert (await caller.hear()).status == 401
        await caller.say(b"x" * 500_000)
        assert await caller.end() == b""


async def test_who_never_reads_the_answer_is_cut():
    """An answer that cannot be sent for too long is not kept."""

    async def large(scope, receive, send):
        body = b"x" * 20_000_000
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"20000000")]})
        await send({"type": "http.response.body", "body": body})

    async with front_of(large) as front:
        caller = await front.connect()
        caller.reader._transport.pause_reading()
        await caller.say(GET + b"\r\n")
        await front.until(lambda: front.only.transport.get_write_buffer_size())
        front.pass_time(0)
        front.pass_time(front.gate.bounds.body_seconds + 1)
        assert front.refused == ["answer.unread"]
        await front.until(lambda: not front.gate.connections())


async def test_who_still_sends_may_read_later():
    """Most callers read nothing before all is sent. From then on they have to, however much waits for them."""

    async def early(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        answering = asyncio.create_task(
            send({"type": "http.response.body", "body": b"x" * 20_000_000, "more_body": True})
        )
        while (await receive()).get("more_body"):
            pass
        await answering
        await send({"type": "http.response.body", "body": b"x" * 20_000_000})

    async with front_of(early) as front:
        caller = await front.connect()
        caller.reader._transport.pause_reading()
        await caller.say(POST % 1_000_000)
        await front.until(lambda: front.only.transport.get_write_buffer_size())
        for number in range(1, 6):
            await caller.say(b"x" * 100_000)
            await front.until(lambda number=number: front.only.body_bytes == number * 100_000)
            front.pass_time(front.gate.bounds.body_seconds - 1)
        assert front.refused == []
        await caller.say(b"x" * 500_000)
        await front.until(lambda: front.only.reading is Awaited.ALL)
        front.pass_time(0)
        front.pass_time(front.gate.bounds.body_seconds + 1)
        assert front.refused == ["answer.unread"]


async def test_more_requests_at_once_than_are_queued_end_the_connection():
    """Nobody makes us keep a thousand requests of one connection."""
    hold = asyncio.Event()

    async def slow(scope, receive, send):
        await hold.wait()
        await echo(scope, receive, send)

    async with front_of(slow) as front:
        caller = await front.connect()
        await caller.say((GET + b"\r\n") * 50)
        await caller.end()
        assert front.refused == ["request.pipelined"]
        hold.set()
        await front.until(lambda: not front.gate.connections())


def answering(hold):
    """Make an application that says how long a body was once it may, in one piece where that can be done."""

    async def application(scope, receive, send):
        size, more = 0, True
        while more:
            event = await receive()
            size, more = size + len(event.get("body", b"")), event.get("more_body", False)
        await hold.wait()
        answer = HttpAnswer(200, b"%d" % size, "text/plain")
        if not scope["extensions"][ANSWER](answer.status, answer.head, answer.body):
            headers = [(b"content-length", b"%d" % len(answer.body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})

    return application


async def test_answers_in_one_piece_keep_the_order_of_requests_that_came_at_once():
    """One behind which others wait is sent by events, and the connection lives on."""
    hold = asyncio.Event()
    async with front_of(answering(hold)) as front:
        caller = await front.connect()
        await caller.say(b"".join(POST % size + b"x" * size for size in (1, 2, 3)))
        await front.until(lambda: len(front.only.pipeline) == 2)
        hold.set()
        assert [(await caller.hear()).text[-1] for _ in range(3)] == ["1", "2", "3"]
        await caller.say(POST % 4 + b"xxxx")
        assert (await caller.hear()).text.endswith("4")


async def test_an_answer_in_one_piece_closes_when_the_caller_asks_for_it():
    """It says so."""
    hold = asyncio.Event()
    hold.set()
    async with front_of(answering(hold)) as front:
        caller = await front.connect()
        await caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nxx")
        heard = await caller.hear()
        assert heard.text.endswith("2")
        assert "\r\nconnection: close\r\n" in heard.text
        assert await caller.end() == b""


async def test_nothing_is_answered_in_one_piece_after_a_refusal():
    """The caller was told already that its body came too slowly."""
    hold = asyncio.Event()
    hold.set()
    async with front_of(answering(hold)) as front:
        caller = await front.connect()
        await caller.say(POST % 5 + b"x")
        await front.until(lambda: front.only.reading is Awaited.BODY)
        front.pass_time(front.gate.bounds.body_seconds + 1)
        assert (await caller.hear()).status == 408
        assert await caller.end() == b""


def test_a_header_that_would_break_an_answer_is_never_written():
    """A bundle's content type is not trusted with the wire."""
    with pytest.raises(ValueError, match="control character"):
        _ = HttpAnswer(200, b"", "text/plain\r\nx: y").head
