"""A proof in a process of its own: what it says is believed only when it is a report."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.errors import Unavailable
from gateway.releases.proof import ProcessProver

SAYS = 'import sys; print(\'{"ok": false, "findings": [], "file": "\' + sys.argv[-1][-10:] + \'"}\'); sys.exit(1)'


async def test_the_report_is_what_the_command_prints():
    """Whatever its exit code; its last argument is the zip."""
    report = await ProcessProver((sys.executable, "-c", SAYS))(b"zip")
    assert report == {"ok": False, "findings": [], "file": "bundle.zip"}


@pytest.mark.parametrize("script", ["print('no json')", "print('{}')", "print('[]')", "raise SystemExit(3)"])
async def test_anything_else_is_no_proof(script):
    """503, with the remedy of checking it oneself."""
    with pytest.raises(Unavailable) as failed:
        await ProcessProver((sys.executable, "-c", script))(b"zip")
    assert failed.value.code == "check.failed"


async def test_a_proof_that_takes_too_long_is_ended():
    """The process is gone when the answer is given."""
    with pytest.raises(Unavailable):
        await ProcessProver((sys.executable, "-c", "while True: pass"), patience=0.2)(b"zip")


async def test_a_proof_sees_nothing_of_our_environment(monkeypatch):
    """A stranger's bundle is proved without our secrets."""
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "secret")
    script = "import json, os; print(json.dumps({'ok': True, 'names': sorted(os.environ)}))"
    report = await ProcessProver((sys.executable, "-c", script))(b"zip")
    assert not [name for name in report["names"] if name.startswith("HUTONG")]
    assert {"HOME", "PATH"} <= set(report["names"])


async def test_a_proof_that_takes_too_much_memory_is_ended():
    """In its own process, and told like any other failure."""
    script = "x = bytearray(512 * 1024 * 1024); print('{\"ok\": true}')"
    with pytest.raises(Unavailable):
        await ProcessProver((sys.executable, "-c", script), memory=256 * 1024 * 1024)(b"zip")


async def test_a_proof_is_bounded_in_processor_time_and_files():
    """By the system itself, whatever the bundle makes it do."""
    script = (
        "import json, resource as r; print(json.dumps({'ok': True, 'limits': "
        "[r.getrlimit(one)[0] for one in (r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)]}))"
    )
    report = await ProcessProver((sys.executable, "-c", script), patience=20)(b"zip")
    assert report["limits"] == [20, 64 * 1024 * 1024, 0]


async def test_what_a_proof_starts_ends_with_it(tmp_path):
    """A process that outlives its parent would be nobody's."""
    mark = tmp_path / "pid"
    script = (
        "import subprocess, sys, pathlib; "
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
        f"pathlib.Path({str(mark)!r}).write_text(str(p.pid)); print('{{\"ok\": true}}', flush=True)"
    )
    assert await ProcessProver((sys.executable, "-c", script), patience=60)(b"zip") == {"ok": True}
    state = Path(f"/proc/{mark.read_text()}/stat")
    async with asyncio.timeout(20):
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
            await asyncio.sleep(0.01)


async def test_what_leaves_the_proof_holds_nobody_up(tmp_path):
    """A process in a session of its own keeps the output open, and the answer is still given in time."""
    mark = tmp_path / "pid"
    script = (
        "import subprocess, sys, pathlib, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
        f"pathlib.Path({str(mark)!r}).write_text(str(p.pid)); time.sleep(60)"
    )
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await ProcessProver((sys.executable, "-c", script), patience=1)(b"zip")
    if mark.exists():
        os.kill(int(mark.read_text()), signal.SIGKILL)


async def test_a_proof_that_says_too_much_is_none(tmp_path):
    """It cannot fill the gateway's memory: the system stops what it writes."""
    script = "import sys\nwhile True: sys.stdout.write('x' * 1_000_000)"
    with pytest.raises(Unavailable):
        await ProcessProver((sys.executable, "-c", script), patience=60)(b"zip")
