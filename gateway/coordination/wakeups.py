"""Tells and is told, over whatever carries words now; what cannot be told is dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Protocol

import orjson

from gateway.coordination.words import CHANGES, CLAIMS, Told

_log = logging.getLogger(__name__)

_GATHER = 0.01
"""Seconds for which words are gathered before they leave together."""

_PATIENCE = 1.0
"""Seconds that telling may take; then the next carrier is tried."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a carrier that broke is connected again: twice as long each time."""

_MOST = 100
"""Words in one telling: PostgreSQL takes no more than 8000 bytes."""


class Carrier(Protocol):
    """Something that carries texts between processes. Whatever it raises, it is tried again later."""

    name: str

    async def listen(self, heard: Callable[[str], None], ready: Callable[[], None]) -> None:
        """Give every text that is sent from when `ready` was called, until it fails or is cancelled."""
        ...

    async def send(self, text: str) -> None:
        """Send a text to everybody who listens; raises when it may not have been sent."""
        ...

    async def close(self) -> None:
        """Close what `send` uses."""
        ...


class WakeUps:
    """Carries words between the processes of one ledger, as well as it can.

    It listens to all carriers, and tells by the first that takes it. Nothing depends on it but how soon others
    look at the ledger: without any carrier they do so by themselves.
    """

    def __init__(self, carriers: Sequence[Carrier] = ()) -> None:
        self._carriers = carriers
        self._me = token_hex(8)
        self._words: set[str] = set()
        self._gathered = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._well = dict.fromkeys((one.name for one in carriers), True)

    # ── start and stop ────────────────────────────────────────────────────────────────────────
    def start(self, told: Told) -> None:
        """Begin to listen and to tell; carriers connect in the background, again and again until `stop`."""
        if self._carriers:
            working = (*(self._listen(one, told) for one in self._carriers), self._tell())
            self._tasks = [asyncio.create_task(each, name="wake-ups") for each in working]

    async def stop(self) -> None:
        """Tell what is still to be told, if that is possible at once, and close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._send_all()
        for each in self._carriers:
            await each.close()

    def tell(self, word: str) -> None:
        """See `Tell`."""
        if self._carriers:
            self._words.add(word)
            self._gathered.set()

    # ── telling ───────────────────────────────────────────────────────────────────────────────
    async def _tell(self) -> None:
        while True:
            await self._gathered.wait()
            await asyncio.sleep(_GATHER)
            await self._send_all()

    async def _send_all(self) -> None:
        self._gathered.clear()
        words, self._words = sorted(self._words), set()
        for start in range(0, len(words), _MOST):
            await self._send(orjson.dumps([self._me, *words[start : start + _MOST]]).decode())

    async def _send(self, text: str) -> None:
        for carrier in self._carriers:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await carrier.send(text)
            except Exception as error:
                self._note(carrier, error)
            else:
                return

    # ── being told ────────────────────────────────────────────────────────────────────────────
    async def _listen(self, carrier: Carrier, told: Told) -> None:
        pause = _FIRST_PAUSE

        def ready() -> None:
            nonlocal pause
            pause = _FIRST_PAUSE
            self._note(carrier, None)
            # Whatever was told before is lost: look at everything once.
            told(frozenset({CLAIMS, CHANGES}))

        while True:
            try:
                await carrier.listen(lambda text: self._heard(text, told), ready)
            except Exception as error:
                self._note(carrier, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _heard(self, text: str, told: Told) -> None:
        try:
            by, *words = orjson.loads(text)
        except ValueError:
            _log.warning("something else speaks on our channel: %.100r", text)
            return
        if by != self._me:
            told(frozenset(word for word in words if isinstance(word, str)))

    def _note(self, carrier: Carrier, error: Exception | None) -> None:
        """Log when a carrier breaks and when it is well again, once each."""
        was, self._well[carrier.name] = self._well[carrier.name], error is None
        if was and error is not None:
            _log.warning("%s carries no wake-ups: %s", carrier.name, error or type(error).__name__)
        elif not was and error is None:
            _log.info("%s carries wake-ups again", carrier.name)
