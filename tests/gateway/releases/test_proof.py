"""A proof in a process of its own: what it says is believed only when it is a report."""

from __future__ import annotations

import sys

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
