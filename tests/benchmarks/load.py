"""A load: one document after another over kept connections, for some seconds; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import uvloop


@dataclass(frozen=True)
class Result:
    """Documents a second, and how long each waited (milliseconds)."""

    sent: int
    seconds: float
    refused: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Documents accepted a second."""
        return self.sent / self.seconds


async def run(
    url: str, token: str, templates: list[str], clients: int, seconds: float, rate: float = 0, first: int = 0
) -> Result:
    """Send the templates round and round, `@@` in them replaced by a number never used before, counted from `first`.

    With a `rate` (documents a second) each has its moment, and waits from then on, sent in time or not.
    """
    waits: list[float] = []
    refused = 0
    number = iter(range(first, 10**9))
    start = time.perf_counter()
    deadline = start + seconds

    async def turn(one: int) -> float:
        now = time.perf_counter()
        moment = start + (one - first) / rate if rate else now
        await asyncio.sleep(max(0.0, moment - now))
        return moment

    async def client(http: aiohttp.ClientSession) -> None:
        nonlocal refused
        while time.perf_counter() < deadline:
            one = next(number)
            body = templates[one % len(templates)].replace("@@", f"{one:08d}").encode()
            asked = await turn(one)
            async with http.post(url, data=body) as response:
                await response.read()
                refused += response.status != 202
            waits.append(time.perf_counter() - asked)

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=clients)) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    passed = time.perf_counter() - start
    cuts = statistics.quantiles(waits, n=100)
    return Result(len(waits) - refused, passed, refused, cuts[49] * 1000, cuts[98] * 1000)


if __name__ == "__main__":
    address, credential, file, parallel, length, pace, before = sys.argv[1:]
    found = json.loads(Path(file).read_text(encoding="utf-8"))
    made = uvloop.run(run(address, credential, found, int(parallel), float(length), float(pace), int(before)))
    print(json.dumps(asdict(made)))
