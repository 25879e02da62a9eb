"""The file that a command names, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.cli.output import CommandFailed


def read(file: Path) -> bytes:
    """Read a file; `-` is standard input."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", "check its path") from None
