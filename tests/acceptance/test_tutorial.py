"""Who follows the tutorial to the letter has a province connected, and what the page promises is what is seen."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import ready_hutong
from tutorial import Block, blocks, edit, kept

from gateway.demo.processes import Served, free_port, gateway

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = (ROOT / "docs" / f"adapter-in-an-afternoon{language}.md" for language in ("", ".zh-CN"))
HUTONG = f"{sys.executable} -m gateway.cli.main"
TOKEN = "tutorial-admin-token-0123456789abcdef"
SECONDS_TO_DELIVER = 20.0


@dataclass
class Afternoon:
    """Somebody at a terminal in `folder`: what is exported stays, what is started with & goes on."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    served: list[Served] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    def do(self, block: Block, promises: list[str]) -> None:
        """Run the commands of a block, until what is promised has been printed."""
        deadline = time.monotonic() + SECONDS_TO_DELIVER
        may_fail = any(one.startswith("✗") for one in promises)
        lines = [line for line in block.lines if not self._starts(line)]
        printed = self._run(lines, may_fail)
        while missing := [one for one in promises if not kept(one, printed)]:
            only_looks = all("hutong message list" in line or line.startswith("curl -s ") for line in lines)
            if not only_looks or time.monotonic() > deadline:
                pytest.fail(f"not printed: {missing}\nbut\n{printed}")
            time.sleep(0.2)
            printed = self._run(lines, may_fail)

    def _starts(self, line: str) -> bool:
        """Start what goes on running, and set what the reader reads elsewhere."""
        if line == "make serve":
            one = gateway(self.folder, admin_token=TOKEN)
            self.ports["8080"] = one.port
            self.environment["HUTONG_URL"] = one.url
        elif line.startswith("export HUTONG_ADMIN_TOKEN="):
            self.environment["HUTONG_ADMIN_TOKEN"] = TOKEN
            return True
        elif line.endswith(" &"):
            command = line.removesuffix(" &").replace(".venv/bin/hutong", HUTONG).split()
            said, port = command[-1], free_port()
            self.ports[said] = port
            adapter = self.folder / command[command.index("--adapter") + 1]
            command = [str(adapter) if one == adapter.name and adapter.exists() else one for one in command[:-1]]
            one = Served([*command, str(port)], port, "/_double/received", self.folder / f"double-{said}.log")
        else:
            return False
        self.served.append(one)
        one.start()
        one.wait_until_serving()
        return True

    def _run(self, lines: list[str], may_fail: bool) -> str:
        if not lines:
            return ""
        kept_in = self.folder / "environment"
        script = "\n".join([f"source {kept_in}", "set -eo pipefail", *lines, f"export -p > {kept_in}"])
        kept_in.touch()
        for printed, port in self.ports.items():
            script = script.replace(f"127.0.0.1:{printed}", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or may_fail, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def received(self, port: str) -> list[dict[str, object]]:
        """What a double has received, by its own record."""
        found: list[dict[str, object]] = httpx.get(f"http://127.0.0.1:{self.ports[port]}/_double/received").json()
        return found


def until(true: Callable[[], bool]) -> None:
    """Wait for something that takes a moment."""
    deadline = time.monotonic() + SECONDS_TO_DELIVER
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def afternoon(tmp_path):
    """A terminal in a folder that looks like the repository's root after `make setup`, with nothing running yet."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    one = Afternoon(tmp_path)
    with tempfile.TemporaryDirectory() as near:
        address = Path(near) / "socket"
        ready_hutong.shim(tmp_path / ".venv/bin/hutong", address)
        wide = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "220"}
        ready = subprocess.Popen([sys.executable, ready_hutong.__file__, str(address)], env=wide)
        try:
            until(address.exists)
            yield one
        finally:
            ready.kill()
            ready.wait()
            for each in one.served:
                each.kill()


def test_the_tutorial_is_true_from_samples_to_rollback(afternoon):
    """Every command, edit and promised line, in order; then both doubles have what was sent through the adapter."""
    page = blocks(ENGLISH)
    for block, following in zip(page, [*page[1:], Block("", "", "")], strict=True):
        if block.kind == "sh":
            afternoon.do(block, following.lines if following.kind == "text" else [])
        elif block.file:
            edit(block, afternoon.folder)
    [case] = afternoon.received("9001")
    assert (case["type"], case["valid"], case["accepted"]) == ("case.transferred", True, True)
    assert "penalty.decided" in {one["type"] for one in afternoon.received("9002")}


def test_the_chinese_tutorial_has_the_same_commands_edits_and_promises():
    """Block by block: who follows it does exactly what the test above does."""
    assert blocks(CHINESE) == blocks(ENGLISH)


def test_every_block_of_the_tutorial_is_either_run_applied_or_compared():
    """No block is for show only: a kind nobody knows would not be tested."""
    for block in blocks(ENGLISH):
        assert bool(block.file) != (block.kind in ("sh", "text"))
    assert ENGLISH.read_text(encoding="utf-8").count("```") == 2 * len(blocks(ENGLISH))
