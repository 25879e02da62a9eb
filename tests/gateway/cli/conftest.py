"""The command line as people use it: arguments in, words and an exit code out."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main

TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


@pytest.fixture
def hutong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logging_as_it_was: None
) -> Callable[..., Said]:
    """Run a command in an empty folder, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HUTONG_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        try:
            main([str(one) for one in arguments])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@dataclass(frozen=True)
class Served:
    """A real gateway process: where it is, and what it printed when it began."""

    url: str
    greeting: str
    process: subprocess.Popen[str]
    log: Path

    @property
    def token(self) -> str:
        """The admin token it made, from the file that its greeting names."""
        found = re.search(r"admin token in (\S+),", self.greeting)
        assert found, self.greeting
        return (self.log.parent / found[1]).read_text().strip()


def start(folder: Path, *, expect: str = "HUTONG_ADMIN_TOKEN") -> Served:
    """Start `hutong serve` on a free port and read its greeting up to the line that holds `expect`."""
    log = folder / "log"
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli.main", "serve", "--port", "0"],
        cwd=folder,
        env={**os.environ, "HUTONG_ADAPTERS": str(TOWN), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=log.open("w"),
        text=True,
    )
    assert process.stdout is not None
    greeting = ""
    for line in process.stdout:
        greeting += line
        if expect in line:
            break
    found = re.search(r"http://\S+?:\d+", greeting)
    assert found, greeting + log.read_text()
    return Served(found[0], greeting, process, log)


def end(served: Served) -> int:
    """Ask it to end, and give its exit code."""
    served.process.send_signal(signal.SIGTERM)
    return served.process.wait(20)


@pytest.fixture
def begin() -> Callable[..., Served]:
    """How a test starts a gateway of its own."""
    return start


@pytest.fixture
def finish() -> Callable[[Served], int]:
    """How a test ends it."""
    return end


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, ledger_at: Callable[[Path], str]) -> Iterator[Served]:
    """A gateway process that all tests of a module share, on a ledger whose tables exist already."""
    folder = tmp_path_factory.mktemp("served")
    ledger_at(folder / "hutong.db")
    running = start(folder)
    yield running
    end(running)


@pytest.fixture
def remote(hutong: Callable[..., Said], served: Served, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run a command against the running gateway."""
    monkeypatch.setenv("HUTONG_URL", served.url)
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", served.token)
    return hutong
