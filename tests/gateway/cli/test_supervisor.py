"""The supervisor with processes that do only what a test says: started, kept, replaced, ended, whatever they do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.cli.supervisor import GaveUp, Member, ServeSupervisor

PATIENCE = 30.0

CHILD = """
import json, os, signal, socket, sys, time
folder = sys.argv[1]
member = json.loads(sys.argv[3])
def told():
    with open(os.path.join(folder, "behaviour")) as file:
        return file.read()
def note(what):
    with open(os.path.join(folder, "log"), "a") as file:
        file.write(f"{what} {member['name']} {os.getpid()}\\n")
behaviour = told()
if behaviour == "fails":
    sys.exit(3)
def end(*_):
    note("ended")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
note("began")
line = socket.socket(fileno=member["line"])
assert socket.socket(fileno=member["listener"]).getsockname()
if behaviour == "slow":
    time.sleep(3600)
line.sendall(b"!")
line.recv(1)
note("alone")
"""


class Trial:
    """A supervisor of such processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "child.py").write_text(CHILD)
        self.behave("serves")
        self.began = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.task: asyncio.Task[None] | None = None

    def behave(self, how: str) -> None:
        """Say what processes do that begin from now on: they serve, fail, or never come to serve."""
        (self.folder / "behaviour").write_text(how)

    def start(self, workers: int = 2) -> asyncio.Task[None]:
        """Start it."""
        command = [sys.executable, str(self.folder / "child.py"), str(self.folder)]
        supervisor = ServeSupervisor(command, self.listener, workers, self._on_begin)
        self.task = asyncio.create_task(supervisor.run())
        return self.task

    def _on_begin(self) -> None:
        self.began += 1

    def noted(self, what: str) -> list[int]:
        """Give the processes that noted something."""
        log = self.folder / "log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [int(pid) for word, _, pid in lines if word == what]

    def alive(self) -> list[int]:
        """Give the processes that began and run."""
        return [pid for pid in self.noted("began") if _runs(pid)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    """A trial that is over at the end."""
    made = Trial(tmp_path)
    yield made
    if made.task is not None and not made.task.done():
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait([made.task], timeout=PATIENCE)
    made.listener.close()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.remove_signal_handler(sign)
    assert made.alive() == []


async def test_what_does_not_come_to_serve_is_told(trial: Trial) -> None:
    """Its exit code is the supervisor's, and nothing is tried again."""
    trial.behave("fails")
    with pytest.raises(GaveUp) as gave_up:
        await trial.start()
    assert (gave_up.value.code, trial.began) == (3, 0)


async def test_who_dies_is_started_again(trial: Trial) -> None:
    """And only that one."""
    trial.start()
    await trial.until(lambda: len(trial.alive()) == 2 and trial.began == 1)
    killed, other = trial.alive()
    os.kill(killed, signal.SIGKILL)
    await trial.until(lambda: len(trial.noted("began")) == 3 and len(trial.alive()) == 2)
    assert other in trial.alive()
    assert trial.noted("ended") == []


async def test_who_dies_and_does_not_come_back_is_tried_again(trial: Trial) -> None:
    """The others serve meanwhile."""
    trial.start()
    await trial.until(lambda: len(trial.alive()) == 2)
    trial.behave("fails")
    killed, other = trial.alive()
    os.kill(killed, signal.SIGKILL)
    await asyncio.sleep(1)
    assert trial.alive() == [other]
    trial.behave("serves")
    await trial.until(lambda: len(trial.alive()) == 2)


async def test_all_are_replaced_one_after_the_other(trial: Trial) -> None:
    """A new one serves before an old one is asked to end."""
    trial.start()
    await trial.until(lambda: len(trial.alive()) == 2)
    before = set(trial.alive())
    os.kill(os.getpid(), signal.SIGHUP)
    await trial.until(lambda: len(trial.noted("ended")) == 2)
    assert set(trial.noted("ended")) == before
    await trial.until(lambda: len(trial.alive()) == 2)
    lines = [line.split()[0] for line in (trial.folder / "log").read_text().splitlines()][2:]
    assert lines == ["began", "ended", "began", "ended"]


@pytest.mark.parametrize("how", ["fails"])
async def test_what_cannot_be_replaced_stays(trial: Trial, how: str) -> None:
    """The new code or its settings are faulty: the old processes go on."""
    trial.start()
    await trial.until(lambda: len(trial.alive()) == 2)
    before = trial.alive()
    trial.behave(how)
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(1)
    assert trial.alive() == before


async def test_all_end_together(trial: Trial) -> None:
    """Asked once, each of them."""
    running = trial.start(3)
    await trial.until(lambda: len(trial.alive()) == 3)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE)
    assert sorted(trial.noted("ended")) == sorted(trial.noted("began"))


@pytest.mark.parametrize("when", ["at the start", "while one is replaced"])
async def test_who_never_came_to_serve_ends_too(trial: Trial, when: str) -> None:
    """The end is asked for while a process begins."""
    if when == "at the start":
        trial.behave("slow")
        running = trial.start()
        await trial.until(lambda: len(trial.noted("began")) == 1)
    else:
        running = trial.start()
        await trial.until(lambda: len(trial.alive()) == 2)
        trial.behave("slow")
        os.kill(os.getpid(), signal.SIGHUP)
        await trial.until(lambda: len(trial.noted("began")) == 3)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE)
    assert trial.alive() == []


def test_what_a_member_is_handed_is_read_as_it_was_written() -> None:
    """It is one argument of a command."""
    member = Member(3, 4, "1", "/run/hutong")
    assert Member.read(member.told()) == member
