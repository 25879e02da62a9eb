"""A reader: does one job after the other, each within the bounds that it sets itself before anything hostile comes.

Run as `python -m gateway.readers.child MEGABYTES SECONDS`, jobs on standard input, answers on
standard output. It ends when its input does: when the gateway is gone.
"""

from __future__ import annotations

import math
import os
import pickle
import resource
import sys
import traceback
from collections import OrderedDict
from collections.abc import Iterator
from typing import BinaryIO

from adapters.adapter import DeclarativeAdapter
from adapters.bundle import assemble
from gateway.readers import frames
from gateway.readers.frames import Job
from schemas.findings import Rejected

_REMEMBERED = 32
"""Compiled bundles; the one not used for longest makes room."""


class JobReader:
    """Has the adapters that its jobs are done with."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._adapters: OrderedDict[str, DeclarativeAdapter] = OrderedDict()

    def do(self, job: Job) -> None:
        """Do a job, and say what came of it."""
        try:
            adapter = self._adapter(job)
            if adapter is None:
                self._say(frames.UNKNOWN, b"")
                return
            frames.answer(self._say, job.task(adapter))
            self._say(frames.END, frames.written(peak()))
        except Rejected as error:
            self._say(frames.REJECTED, frames.written(error))
        except MemoryError:
            self._say(frames.MEMORY, b"")
            raise SystemExit(1) from None  # what is left of the memory is in pieces
        except Exception as error:
            self._say(frames.FAULT, frames.written(_told(error)))

    def _adapter(self, job: Job) -> DeclarativeAdapter | None:
        known = self._adapters.get(job.digest)
        if known is None:
            if job.files is None:
                return None
            known = self._adapters[job.digest] = DeclarativeAdapter(assemble(job.files))
            if len(self._adapters) > _REMEMBERED:
                self._adapters.popitem(last=False)
        self._adapters.move_to_end(job.digest)
        return known

    def _say(self, kind: int, content: bytes) -> None:
        self._answers.write(frames.frame(kind, content))
        self._answers.flush()


def peak() -> int:
    """Give the most bytes of memory that this process has had.

    From /proc, since `ru_maxrss` begins with what the gateway had when it started this process.
    """
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        found = next((line.split()[1] for line in status if line.startswith("VmHWM:")), "0")
    return int(found) * 1024


def _told(error: Exception) -> str:
    """Say what was met and where; not its text, which may hold what was read."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name}, {where.filename}:{where.lineno}"


def jobs(asked: BinaryIO) -> Iterator[Job]:
    """Give the jobs, one after the other, until there are no more."""
    while len(head := asked.read(frames.LENGTH.size)) == frames.LENGTH.size:
        length, _ = frames.LENGTH.unpack(head)
        yield pickle.loads(asked.read(length))


def confine(megabytes: int) -> None:
    """Bound this process for good: its memory, what it may write, and its place behind the gateway."""
    _limit(resource.RLIMIT_AS, megabytes * 1024 * 1024)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    os.nice(5)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (allowed, allowed))


def grant(seconds: int) -> None:
    """Allow so many more seconds of processor time; beyond them the kernel ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))


def main(megabytes: int, seconds: int) -> None:
    """Serve the gateway until it is gone."""
    confine(megabytes)
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # nobody who prints gets in between the frames
        os.dup2(silence, stream)
    reader = JobReader(answers)
    for job in jobs(asked):
        grant(seconds)
        reader.do(job)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
