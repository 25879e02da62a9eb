"""The follower: shows every message that is kept to those who watch over them, beside the traffic and after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from gateway.clock import Ticks, monotonic
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.followed import Followed
from gateway.message import Message
from gateway.telemetry.standing import StandingFollower

_log = logging.getLogger(__name__)

MOST = 100
"""Messages that are shown at once."""


class Observer(Protocol):
    """Whoever wants to see every message: what it keeps of them follows from what it was shown.

    `name`: under which the ledger keeps how far it was shown them; another name begins with the oldest message.
    """

    @property
    def name(self) -> str: ...

    async def see(self, messages: Sequence[Message]) -> None:
        """Keep what follows from these messages, in the order in which they were accepted.

        It returns when that is kept: only then are they done with. So after a crash, a failure or a change of the
        process that shows them, some come twice. A message comes again, too, when it was tied to another case (it
        has its new correlation then), and so do those that stay behind in the old one.
        """
        ...


class Chore(Protocol):
    """What has to be done beside, a little at a time, in whatever process shows messages."""

    @property
    def name(self) -> str: ...

    async def step(self) -> bool:
        """Do a little; tell whether there is more to do at once."""
        ...


class FollowedStep(Struct, frozen=True):
    """How many messages an observer was shown, and whether there are more at once."""

    seen: int
    more: bool


class Follower:
    """Shows messages to observers, each from where it stands, for as long as the gateway runs.

    It looks `every` so many seconds. While there is more it works a `share` of the time, so that a ledger of many
    years is caught up with beside the traffic. An observer that fails is shown half as much after `pause` seconds,
    twice as long each time, up to a minute; the others go on. `chores` are done alike. Of the processes that share a
    ledger one shows messages to an observer.
    """

    def __init__(
        self,
        ledger: Ledger,
        observers: Sequence[Observer],
        chores: Sequence[Chore] = (),
        *,
        ticks: Ticks = monotonic,
        every: float = 1.0,
        pause: float = 1.0,
        share: float = 0.25,
        most: int = MOST,
    ) -> None:
        self._ledger = ledger
        self._following = [_Following(ledger, observer, most) for observer in observers]
        self._chores = chores
        self._ticks = ticks
        self._every = every
        self._pause = pause
        self._share = share
        self._end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to show messages, and to do the chores."""
        steps = [(each.name, each.more) for each in self._following] + [
            (f"{chore.name} anew", chore.step) for chore in self._chores
        ]
        self._tasks = [asyncio.create_task(self._run(name, step), name=f"follower {name}") for name, step in steps]

    async def stop(self) -> None:
        """End after what is being shown."""
        self._end.set()
        await asyncio.gather(*self._tasks)

    async def step(self) -> int:
        """Show each observer what comes next, and give how many messages that was; what an observer raises is raised.

        0: there is no more, or another process shows them.
        """
        return sum([(await each.step()).seen for each in self._following])

    async def standing(self) -> Sequence[StandingFollower]:
        """Tell how far behind each observer is, whichever process shows it the messages."""
        found = [(each.name, await self._ledger.followed(each.name)) for each in self._following]
        return [StandingFollower(name, followed.unseen_since) for name, followed in found]

    async def _run(self, name: str, step: Callable[[], Awaitable[bool]]) -> None:
        wait, pause = 0.0, self._pause
        while not await self._ends_within(wait):
            began = self._ticks()
            try:
                more = await step()
            except Exception as error:
                level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
                _log.log(level, "%s could not go on and is tried again", name, exc_info=error)
                wait, pause = pause, min(2 * pause, 60.0)
                continue
            pause = self._pause
            wait = (self._ticks() - began) * (1 / self._share - 1) if more else self._every

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._end.wait()
        except TimeoutError:
            pass
        return self._end.is_set()


class _Following:
    """One observer, and how many messages it is shown at once."""

    def __init__(self, ledger: Ledger, observer: Observer, most: int) -> None:
        self.name = observer.name
        self._ledger = ledger
        self._observer = observer
        self._most = most
        self._limit = most

    async def more(self) -> bool:
        """Take a step, and tell whether there is more to show at once."""
        return (await self.step()).more

    async def step(self) -> FollowedStep:
        """Show what changed, then what is new; the position moves on after the observer has kept its own."""
        followed = await self._mine()
        if followed is None:
            return FollowedStep(0, more=False)
        changed = await self._ledger.changed_messages(self.name, self._limit)
        seen = [each.message for each in changed if each.message is not None]
        if changed:
            await self._show(seen)
            await self._ledger.keep_followed(self.name, followed.position, changed)
        page = await self._ledger.messages_after(followed.position, self._limit)
        await self._show(page.messages)
        if page.position > followed.position:
            await self._ledger.keep_followed(self.name, page.position)
        more = page.more or len(changed) == self._limit
        self._limit = min(2 * self._limit, self._most)
        return FollowedStep(len(seen) + len(page.messages), more)

    async def _mine(self) -> Followed | None:
        followed = await self._ledger.followed(self.name)
        if not followed.mine:
            if not followed.free or not await self._ledger.follow(self.name):
                return None
            followed = await self._ledger.followed(self.name)
        return followed

    async def _show(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        try:
            await self._observer.see(messages)
        except BaseException:
            _log.warning("%s did not bear %s and %d more", self.name, messages[0].id, len(messages) - 1)
            # With fewer at a time it is shown all in front of the one that it cannot bear, and the log names that one.
            self._limit = max(1, len(messages) // 2)
            raise
