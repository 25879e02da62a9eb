"""Bulk replays: many deliveries replayed in the background; progress is kept, a restart goes on from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gateway.clock import Clock, new_id
from gateway.errors import Conflict, Invalid, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import BulkReplay, DeliveryFilter
from gateway.message import State
from schemas.findings import Text

_log = logging.getLogger(__name__)

PAGE = 500
"""Deliveries that are looked up at once, and after which progress is kept."""

REPLAYABLE = (State.DEAD, State.REFUSED, State.DELIVERED)


class BulkReplays:
    """Runs bulk replays, each as one task. `wake` is told the platform of every delivery replayed."""

    def __init__(self, ledger: Ledger, clock: Clock, wake: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._wake = wake
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def resume(self) -> None:
        """Take up what a stop or a crash left unfinished.

        After a crash as many as were done since progress was last kept are done again: delivered
        ones then have one more copy.
        """
        for replay in await self._ledger.bulk_replays(unfinished=True):
            self._run(replay)

    async def stop(self) -> None:
        """Let each end the delivery it is at and keep how far it came; `resume` goes on from there."""
        self._stopping = True
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def begin(self, looked_for: DeliveryFilter, *, actor: str, reason: str, stale_ok: bool = False) -> BulkReplay:
        """Begin a bulk replay and return at once; Invalid `replay.state` for a state that cannot be replayed."""
        if looked_for.state not in REPLAYABLE:
            raise _not_replayable()
        at = self._clock()
        replay = BulkReplay(new_id(at), looked_for, reason, actor, at, stale_ok)
        # Kept before it runs: after a crash from here on, the next start resumes it.
        await self._ledger.put_bulk_replay(replay)
        self._run(replay)
        return replay

    async def progress(self, replay_id: str) -> BulkReplay:
        """Tell how far a bulk replay has come; NotFound `replay.unknown`."""
        found = next((one for one in await self._ledger.bulk_replays() if one.id == replay_id), None)
        if found is None:
            raise NotFound(
                Text(f"没有批量重投 {replay_id}；请核对编号", f"There is no replay {replay_id}; check the id"),
                code="replay.unknown",
            )
        return found

    def _run(self, replay: BulkReplay) -> None:
        task = asyncio.create_task(self._replay(replay), name=f"replay-{replay.id}")
        self._tasks[replay.id] = task
        task.add_done_callback(lambda done: self._ended(replay.id, done))

    def _ended(self, replay_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(replay_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("replay %s stopped, the next start takes it up again", replay_id, exc_info=error)

    async def _replay(self, replay: BulkReplay) -> None:
        found = await self._found(replay)
        replay = replace(replay, total=replay.replayed + replay.failed + len(found))
        for done, (position, delivery_id) in enumerate(found):
            if self._stopping or done % PAGE == 0:
                await self._ledger.put_bulk_replay(replay)
            if self._stopping:
                return
            replay = await self._one(replay, position, delivery_id)
        await self._ledger.put_bulk_replay(replace(replay, finished_at=self._clock()))

    async def _found(self, replay: BulkReplay) -> list[tuple[int, str]]:
        """Find what there was when the replay began and is not done yet, in the order of the lanes."""
        done = int(replay.cursor or 0)
        found: list[tuple[int, str]] = []
        cursor: str | None = None
        while True:
            page = await self._ledger.find_deliveries(replay.filter, cursor, PAGE)
            due = (one for one in page.items if one.position > done and one.created_at <= replay.created_at)
            found += [(one.position, one.id) for one in due]
            if page.cursor is None:
                return sorted(found)
            cursor = page.cursor

    async def _one(self, replay: BulkReplay, position: int, delivery_id: str) -> BulkReplay:
        cursor = str(position)
        try:
            again = await self._ledger.replay(
                delivery_id, actor=replay.actor, reason=replay.reason, at=self._clock(), stale_ok=replay.stale_ok
            )
        except (Conflict, NotFound):
            return replace(replay, failed=replay.failed + 1, cursor=cursor)
        if again.platform is not None:
            self._wake(again.platform)
        return replace(replay, replayed=replay.replayed + 1, cursor=cursor)


def _not_replayable() -> Invalid:
    return Invalid(
        Text(
            "只能批量重投 dead、refused 或 delivered 的投递；请在 filter.state 中指定其一",
            "Only dead, refused or delivered deliveries are replayed; name one of them in filter.state",
        ),
        code="replay.state",
    )
