"""What was done to the gateways and around them, and when: kept by whoever does it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import oracle


@dataclass
class Journal:
    """The faults of one round. Times are seconds since 1970 by this process's clock, as the doubles tell them."""

    out: TextIO
    injected: Counter[str] = field(default_factory=Counter)
    disturbances: list[oracle.Disturbance] = field(default_factory=list)
    replayed: set[str] = field(default_factory=set)
    discarded: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, what: str) -> None:
        """Write a line."""
        with self._lock:
            if not self.out.closed:
                self.out.write(f"{time.time():.3f} {what}\n")
                self.out.flush()

    @contextlib.contextmanager
    def fault(self, kind: str, what: str = "", *, disturbs: bool = True) -> Iterator[None]:
        """Count a fault that lasts while the block does. `disturbs`: gateways may lose answers by it."""
        began = time.time()
        self.say(f"{kind} begins {what}")
        try:
            yield
            with self._lock:
                self.injected[kind] += 1
        finally:
            ended = time.time()
            self.say(f"{kind} is over {what}")
            if disturbs:
                with self._lock:
                    self.disturbances.append(oracle.Disturbance(kind, began, ended))
