"""One read for all who ask at once, and never one that began too early."""

from __future__ import annotations

import asyncio

from gateway.delivery.shared_read import SharedRead


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_ask_during_a_read_get_the_next_one() -> None:
    """Theirs begins after they asked, and is one for all of them."""
    begun: list[asyncio.Future[int]] = []

    async def source() -> int:
        begun.append(asyncio.get_running_loop().create_future())
        return await begun[-1]

    reading = SharedRead(source)
    first = asyncio.create_task(reading.read())
    await settled()
    others = [asyncio.create_task(reading.read()) for _ in range(10)]
    await settled()
    assert len(begun) == 1
    begun[0].set_result(1)
    assert await first == 1
    await settled()
    begun[1].set_result(2)
    assert await asyncio.gather(*others) == [2] * 10
    assert len(begun) == 2


async def test_an_error_is_told_to_those_who_waited_for_it_and_forgotten() -> None:
    """The next read is a new one."""
    answers = iter([KeyError("away"), 7])

    async def source() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reading = SharedRead(source)
    both = await asyncio.gather(reading.read(), reading.read(), return_exceptions=True)
    assert [type(one) for one in both] == [KeyError, KeyError]
    assert await reading.read() == 7
