"""Proves a bundle in a separate process, so that its time and memory are not the gateway's."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import signal
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson

from gateway.errors import Unavailable
from schemas.findings import Text

PATIENCE = 300.0
"""Seconds that a proof may take."""

MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes that a proof may take."""

_FILES = 64 * 1024 * 1024
"""Bytes that a file may have that a proof writes; its report is the only one that it has reason to write."""

_PARTING = 3.0
"""Seconds to wait for a proof that was killed: a moment is enough for nearly all."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
"""What a proof sees of our environment: how to find the interpreter, and nothing that is secret."""


class Prover(Protocol):
    """Proves the bundle in a zip: gives the report as JSON values, `ok` among them."""

    async def __call__(self, content: bytes) -> dict[str, Any]:
        """Prove; Unavailable `check.failed` when the proof itself could not be made."""
        ...


class ProcessProver:
    """Proves by running a command whose last argument is the zip and whose output is the report as JSON."""

    def __init__(self, command: Sequence[str], *, patience: float = PATIENCE, memory: int = MEMORY) -> None:
        self._command = tuple(command)
        self._patience = patience
        self._memory = memory
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, content: bytes) -> dict[str, Any]:
        """Prove a bundle, after those that were asked for earlier."""
        async with self._one_at_a_time:
            return await self._prove(content)

    async def _prove(self, content: bytes) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="hutong-check-") as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(content)
            said = await self._said(path)
        try:
            report: dict[str, Any] = orjson.loads(said)
            return {**report, "ok": report["ok"]}
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise _failed() from None

    async def _said(self, path: Path) -> bytes:
        # A file, not a pipe: it bounds what is said, and nobody waits for whoever else may have a pipe's other end.
        said = path.parent / "report.json"
        with said.open("xb") as output:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=path.parent,
                env=_environment(path.parent),
                preexec_fn=partial(_confine, self._memory, math.ceil(self._patience)),
                start_new_session=True,
            )
        try:
            await asyncio.wait_for(process.wait(), self._patience)
        except TimeoutError:
            raise _failed() from None
        finally:
            # Also when the caller was cancelled: no proof goes on that nobody waits for.
            # The session is its own, so whatever it started ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _PARTING)
        return said.read_bytes()


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONHASHSEED": "random"}


def _confine(memory: int, seconds: int) -> None:
    """Bound the process that is about to run a stranger's bundle: memory, processor time, files, no core."""
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))
    os.nice(5)


def _failed() -> Unavailable:
    return Unavailable(
        Text(
            "检查未能完成（可能超时）；请在本机用 hutong adapter check 检查该适配包",
            "The check did not come to an end (perhaps it took too long); run `hutong adapter check` on the bundle",
        ),
        code="check.failed",
    )
