"""What passes between the gateway and a reader: framed pickles, of which the gateway opens only plain values."""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from adapters.base import Adapter
from schemas.findings import Finding, Rejected, Text

LENGTH = struct.Struct(">IB")
"""Before each frame: its length, and which of the kinds below it is."""

PART, END, REJECTED, UNKNOWN, FAULT, MEMORY = range(6)
"""Parts of what was read; its end with the reader's peak of memory; or why there is none.

`UNKNOWN`: the bundle has to be sent first. `FAULT`: an exception of ours, told by its name and text.
"""

TOGETHER = 32
"""Values in one frame: the gateway opens a frame at a time, and lets everybody else run in between."""

_Value = TypeVar("_Value")


class Task(Protocol):
    """Something that is done with an adapter, here or in a reader. It is a frozen value that can be pickled."""

    def __call__(self, adapter: Adapter) -> Iterable[Any]:
        """Do it, and give what was read value by value; Rejected when it cannot be accepted."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A task for a reader, with the bundle of its adapter where the reader may not have it yet."""

    task: Task
    digest: str
    files: Mapping[str, bytes] | None = None


_PLAIN: Mapping[str, frozenset[str]] = {
    "adapters.base": frozenset({"Verdict", "VerdictKind", "Translation"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "gateway.intake.steps": frozenset({"RejectedRecord", "SubmissionHeaders", "Translated"}),
    "gateway.readers.frames": frozenset({"rejected"}),
    "schemas.findings": frozenset({"Finding", "Text"}),
}
"""Everything that may be made when a reader's words are opened. A reader that a hostile body has taken over can lie
about that body; it cannot make the gateway do anything."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name not in _PLAIN.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name} is no plain value")
        return super().find_class(module, name)


class _Writing(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Write a rejection as its parts: exceptions are pickled by their text alone."""
        if isinstance(value, Rejected):
            return rejected, (value.code, value.detail, value.findings, value.status)
        return NotImplemented


def rejected(code: str, detail: Text, findings: tuple[Finding, ...], status: int) -> Rejected:
    """Make a rejection of its parts."""
    return Rejected(code, detail, findings, status=status)


def written(value: Any) -> bytes:
    """Pickle what a reader says."""
    stream = io.BytesIO()
    _Writing(stream, pickle.HIGHEST_PROTOCOL).dump(value)
    return stream.getvalue()


def opened(content: bytes, kind: type[_Value]) -> _Value:
    """Open what a reader says; UnpicklingError when it is no plain value, or not of this kind."""
    try:
        value = _Plain(io.BytesIO(content)).load()
    except Exception as error:  # bytes that are no pickle can make it raise nearly anything
        raise pickle.UnpicklingError(f"{type(error).__name__}: no plain value") from None
    if not isinstance(value, kind):
        raise pickle.UnpicklingError(f"{type(value).__name__} is no {kind.__name__}")
    return value


def frame(kind: int, content: bytes) -> bytes:
    """Frame a pickle."""
    return LENGTH.pack(len(content), kind) + content


def job(task: Task, digest: str, files: Mapping[str, bytes] | None) -> bytes:
    """Frame a job. Readers open it without restraint: it comes from the gateway."""
    return frame(PART, pickle.dumps(Job(task, digest, files), pickle.HIGHEST_PROTOCOL))


Write = Callable[[int, bytes], None]
"""Sends one frame."""


def answer(write: Write, found: Iterable[Any]) -> None:
    """Send what a task gives, so many values a frame."""
    together: list[Any] = []
    for value in found:
        together.append(value)
        if len(together) >= TOGETHER:
            write(PART, written(together))
            together = []
    if together:
        write(PART, written(together))
