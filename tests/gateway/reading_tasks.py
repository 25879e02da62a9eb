"""What the tests let a reader do: each is a task that behaves as a body of its kind would."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Say:
    """Give these values, and whose adapter it was."""

    values: tuple[Any, ...] = ()

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Give them."""
        yield adapter.name
        yield from self.values


@dataclass(frozen=True)
class Spin:
    """Never come to an end."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Go round and round."""
        while True:
            pass
        yield


@dataclass(frozen=True)
class Wait:
    """Never come to an end, and use no processor."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Wait for a signal that nobody sends."""
        signal.pause()
        yield


@dataclass(frozen=True)
class Grow:
    """Take all the memory there is."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Take more and more."""
        taken = []
        while True:
            taken.append(bytearray(16 * 1024 * 1024))
        yield


@dataclass(frozen=True)
class Talk:
    """Never stop giving values."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Give them."""
        while True:
            yield "x" * 1_000_000


@dataclass(frozen=True)
class Die:
    """Be ended by a signal, as often as a folder has room for another file."""

    by: int
    times: int
    folder: str

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Count, and die."""
        before = len(list(Path(self.folder).iterdir()))
        if before < self.times:
            os.open(Path(self.folder) / str(before), os.O_CREAT)
            os.kill(os.getpid(), self.by)
        yield "alive"


@dataclass(frozen=True)
class Fail:
    """Be a bug."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Raise, with something secret in the text."""
        raise KeyError("13800138000")
        yield


class Evil:
    """What a reader that was taken over would send."""

    def __reduce__(self) -> Any:
        """Ask for a command to be run where it is opened."""
        return os.system, ("touch /tmp/hutong-was-here",)


@dataclass(frozen=True)
class Smuggle:
    """Send what must not be opened."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Send it."""
        yield Evil()


@dataclass(frozen=True)
class Secrets:
    """Tell what can be seen from inside."""

    def __call__(self, adapter: Any) -> Iterator[Any]:
        """Give the environment, and the open files."""
        yield sorted(os.environ)
        yield sorted(os.listdir("/proc/self/fd"))
        print("something that a library prints")
