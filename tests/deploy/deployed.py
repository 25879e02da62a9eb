"""Where the files for running it are, and the programs that check them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read_yaml(path: Path) -> Any:
    """Read a file of one document."""
    return YAML(typ="safe").load(path)


def read_all(path: Path) -> list[Any]:
    """Read a file of several documents."""
    return [one for one in YAML(typ="safe").load_all(path) if one is not None]


def tool(name: str) -> str:
    """Give where a program is, got from Debian's packages where it is not there; without it the test fails."""
    said = subprocess.run([ROOT / "scripts" / "tool", name], capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.fail(said.stderr)
    return said.stdout.strip().splitlines()[-1]
