"""Wire Tap: work about live traffic, done on a thread of its own, or dropped when there is too much of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread

from gateway.clock import seconds

_log = logging.getLogger(__name__)

Work = Callable[[], None]


class WireTap:
    """Does what it is offered, at most a `share` of the time; what does not fit into the queue is dropped, and counted.

    `offer` never waits and never fails, so that what is tapped is neither slowed nor stopped.
    """

    def __init__(self, *, most: int = 256, share: float = 0.2) -> None:
        self._queue: Queue[Work] = Queue(most)
        self._rest = 1 / share - 1
        self._ending = Event()
        self._thread: Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        """Begin to work."""
        self._ending.clear()
        self._thread = Thread(target=self._run, name="wire-tap", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the work under way, and forget the rest."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def offer(self, work: Work) -> bool:
        """Take work, if there is room for it; tells whether it was taken."""
        try:
            self._queue.put_nowait(work)
        except Full:
            self.dropped += 1
            return False
        return True

    def drain(self) -> None:
        """Do what was offered so far, on the caller's thread."""
        while True:
            try:
                self._do(self._queue.get_nowait())
            except Empty:
                return

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                work = self._queue.get(timeout=0.2)
            except Empty:
                continue
            began = seconds()
            self._do(work)
            # Pausing in proportion to the work keeps to the share of time; as an Event, it ends at a stop.
            self._ending.wait((seconds() - began) * self._rest)

    def _do(self, work: Work) -> None:
        try:
            work()
        except Exception:
            _log.exception("observing live traffic failed")
