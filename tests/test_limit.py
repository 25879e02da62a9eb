"""A test that hangs fails, and says where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

HANGS = """
import asyncio, threading, pytest

@pytest.mark.limit(0.5)
async def test_waits_in_a_task():
    await never()

async def never():
    await asyncio.Event().wait()

@pytest.mark.limit(0.5)
def test_waits_in_a_thread():
    threading.Event().wait()

@pytest.fixture
async def slow_end():
    yield
    await never()

@pytest.mark.limit(0.5)
def test_waits_when_taken_down(slow_end):
    pass

def test_goes_on():
    pass
"""


@pytest.mark.limit(60)
def test_a_test_that_hangs_fails_and_says_where(tmp_path):
    """On an event loop, in a thread, or while something is taken down; the next test runs."""
    (tmp_path / "test_hangs.py").write_text(HANGS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nmarkers = limit: seconds\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS / 'servers'}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "2 failed, 2 passed, 1 error" in ran.stdout, ran.stdout
    assert "test_waits_in_a_task takes longer than 0.5 s" in ran.stdout
    assert "test_waits_in_a_task (test_hangs.py:6) > never (test_hangs.py:9) > Event.wait" in ran.stdout
