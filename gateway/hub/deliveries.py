"""What operators do to deliveries: to one of them at once, or to many in the background (bulk replay)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.clock import Clock, new_id
from gateway.delivery.wakeup import Wakeup
from gateway.errors import Invalid, NotFound, Unavailable
from gateway.ledger.base import Ledger
from gateway.ledger.decisions import REPLAYABLE
from gateway.ledger.errors import no_replay
from gateway.ledger.records import BulkReplay, DeliveryFilter, Intent
from gateway.message import Delivery, State
from schemas.findings import Text

_log = logging.getLogger(__name__)

STEP = 100
"""Deliveries that are replayed in one transaction; the ledger takes others' writes between two of them."""


class OperatorSteps:
    """Writes each step to the ledger, then wakes the platform whose lane it may have freed.

    `doubt` is called when nobody knows whether a step was committed: then everybody is woken.
    """

    def __init__(self, ledger: Ledger, wake: Callable[[str], None], doubt: Callable[[], None]) -> None:
        self._ledger = ledger
        self._wake = wake
        self._doubt = doubt

    async def replay(self, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
        """Replay a delivery; Conflict `state.wrong`, `lane.moved_on`, `replay.open` or `platform.unknown`."""
        return await self._woken(self._ledger.replay(delivery_id, intent, stale_ok=stale_ok))

    async def discard(self, delivery_id: str, intent: Intent, *, only: State | None = None) -> Delivery:
        """Give a delivery up, `only` while it stands so; its lane moves on."""
        return await self._woken(self._ledger.discard(delivery_id, intent, only=only))

    async def hold(self, delivery_id: str, intent: Intent) -> Delivery:
        """Hold a delivery, and the lane behind it."""
        return await self._ledger.hold(delivery_id, intent)

    async def release(self, delivery_id: str, intent: Intent) -> Delivery:
        """Lift an operator's hold."""
        return await self._woken(self._ledger.release(delivery_id, intent))

    async def _woken(self, step: Awaitable[Delivery]) -> Delivery:
        try:
            delivery = await step
        except Unavailable:
            self._doubt()
            raise
        if delivery.platform is not None:
            self._wake(delivery.platform)
        return delivery


class BulkReplays:
    """Runs bulk replays, each as one task. How far one has come is the ledger's to know.

    `wake` is told the platforms that got something; `doubt` is called when nobody knows whether a
    replay was begun. After an error a replay waits for `pause` seconds, twice as long each time up to `most`.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        wake: Callable[[str], None],
        doubt: Callable[[], None],
        *,
        step: int = STEP,
        pause: float = 1.0,
        most: float = 60.0,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._wake = wake
        self._doubt = doubt
        self._step = step
        self._pause = pause
        self._most = most
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._end = Wakeup()
        self._stopping = False

    async def resume(self) -> None:
        """Run every replay that is unfinished and does not run: after a restart, or when an answer was lost."""
        for replay in await self._ledger.replays(unfinished=True):
            self._run(replay)

    async def stop(self) -> None:
        """Let each end the step it is at; `resume` goes on from there."""
        self._stopping = True
        self._end.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def begin(
        self, looked_for: DeliveryFilter, intent: Intent, *, stale_ok: bool = False, dry_run: bool = False
    ) -> BulkReplay:
        """Begin a bulk replay and return at once; a dry run is answered with its counts, and replays nothing.

        Invalid `replay.state` for a state that cannot be replayed.
        """
        self.check(looked_for)
        # What a reconciliation found missing is sent again once, however often that is asked: under its own id.
        replay_id = looked_for.comparison or new_id(intent.at)
        asked = BulkReplay(replay_id, looked_for, intent.reason, intent.actor, intent.at, stale_ok, dry_run)
        try:
            # Kept before it runs: after a crash from here on, the next start resumes it.
            replay = await self._ledger.begin_replay(asked, intent)
        except Unavailable:
            self._doubt()
            raise
        self._run(replay)
        return replay

    def check(self, looked_for: DeliveryFilter) -> None:
        """Refuse what cannot be replayed: Invalid `replay.state`."""
        if looked_for.state not in REPLAYABLE:
            raise _not_replayable()

    async def progress(self, replay_id: str) -> BulkReplay:
        """Tell how far a bulk replay has come; NotFound `replay.unknown`."""
        found = next((one for one in await self._ledger.replays() if one.id == replay_id), None)
        if found is None:
            raise no_replay(replay_id)
        return found

    async def cancel(self, replay_id: str, intent: Intent) -> BulkReplay:
        """End a bulk replay where it is: what was replayed stays replayed. NotFound `replay.unknown`."""
        # Its task sees it at its next step.
        return await self._ledger.cancel_replay(replay_id, intent)

    def _run(self, replay: BulkReplay) -> None:
        if self._stopping or replay.id in self._tasks or _ended(replay):
            return
        task = asyncio.create_task(self._replay(replay.id), name=f"replay-{replay.id}")
        self._tasks[replay.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(replay.id, None))

    async def _replay(self, replay_id: str) -> None:
        pause = self._pause
        while not self._stopping:
            try:
                replay = await self._ledger.step_replay(replay_id, self._step, self._clock())
            except NotFound:
                return
            except Exception as error:
                # Whether or not the step was committed: its progress was committed with it, so that the next
                # step goes on from where the ledger is, and replays nothing twice.
                _log.warning("bulk replay %s waits and goes on", replay_id, exc_info=error)
                await self._end.wait(pause)
                pause = min(2 * pause, self._most)
                continue
            pause = self._pause
            for platform in {one.platform for one in replay.counts}:
                self._wake(platform)
            if _ended(replay):
                return


def _ended(replay: BulkReplay) -> bool:
    return replay.finished_at is not None or replay.cancelled_at is not None


def _not_replayable() -> Invalid:
    return Invalid(
        Text(
            "只能批量重新投递 dead、refused 或 delivered 的投递；请在 filter.state 中指定其一",
            "Only dead, refused or delivered deliveries are replayed; name one of them in filter.state",
        ),
        code="replay.state",
    )
