"""The files that a command names, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.output import CommandFailed, Misused


def read(file: Path) -> bytes:
    """Read a file; `-` is standard input."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", "check its path") from None


def value_of(value: str) -> str:
    """Give a value as it was written, or for `@FILE` what the file holds, so that no shell keeps it."""
    if not value.startswith("@"):
        return value
    path = Path(value[1:])
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misused(f"{path} cannot be read: {error.strerror}", "name a file that holds only the value") from None
