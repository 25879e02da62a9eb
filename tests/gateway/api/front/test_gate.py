"""How many may be connected, and who makes room for whom."""

import asyncio

from doorstep import front_of

from gateway.api.front.bounds import bounds_of
from gateway.api.front.connection import Awaited
from gateway.settings import Settings

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_idle_connections_never_keep_out_one_that_asks(front):
    """Beyond the bound, whoever waited longest without a request makes room."""
    idle = [await front.connect() for _ in range(4)]
    caller = await front.connect()
    await caller.say(GET)
    assert (await caller.hear()).status == 200
    assert await idle[0].end() == b""
    assert front.refused == ["connections.displaced"]
    assert front.gate.connections() == 4


async def test_a_connection_half_way_through_its_header_makes_room_too(front):
    """It is told why."""
    slow = [await front.connect() for _ in range(4)]
    await slow[0].say(b"GET / HTTP/1.1\r\n")
    await front.until(lambda: any(one.reading is Awaited.HEADER for one in front.gate.guests()))
    await front.connect()
    assert (await slow[0].hear()).status == 503


async def busy_front(**bounds):
    """Give an application that answers when it is told to, and what tells it."""
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app, go_on


async def test_while_all_are_being_answered_a_newcomer_is_told_to_come_again():
    """503 with when to come, for all connections together and for those of one address."""
    for bounds, why in (({}, "connections.address"), ({"per_address": 9}, "connections.too-many")):
        app, go_on = await busy_front()
        async with front_of(app, **bounds) as front:
            callers = [await front.connect() for _ in range(4)]
            for one in callers:
                await one.say(GET)
            await front.until(lambda front=front: not front.gate.waiting())
            newcomer = await front.connect()
            answer = await newcomer.hear()
            assert (answer.status, f'"{why}"' in answer.text, "retry-after" in answer.text) == (503, True, True)
            go_on.set()
            for one in callers:
                assert (await one.hear()).status == 200


async def test_connections_that_are_over_are_forgotten(front):
    """Their number goes down again, and nobody is displaced."""
    for _ in range(10):
        caller = await front.connect()
        await caller.say(GET)
        await caller.hear()
        caller.writer.close()
        await caller.writer.wait_closed()
        await front.until(lambda: not front.gate.connections())
    assert front.gate.waiting() == 0


def test_connections_leave_files_for_everything_else():
    """A process that may open few files takes fewer connections than the setting says."""
    assert bounds_of(Settings(connections=1000), 256).connections == 192
    assert bounds_of(Settings(connections=1000), 65536).connections == 1000
