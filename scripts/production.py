"""The pins that production needs, and those that build it: of all in constraints.txt, with their hashes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "deploy" / "requirements.txt"
BUILD_PAGE = ROOT / "deploy" / "build-requirements.txt"
_HEAD = "# What {} needs, out of constraints.txt: scripts/reference.py writes it, after `make lock setup`.\n"


def page() -> str:
    """Give what production needs, in the order of constraints.txt."""
    return _page("production", "project", "dependencies")


def build_page() -> str:
    """Give what building the package needs, in the order of constraints.txt."""
    return _page("building the package", "build-system", "requires")


def _page(what: str, table: str, key: str) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = _needed(project[table][key])
    return _HEAD.format(what) + "".join(pin for name, pin in pins().items() if name in needed)


def pins() -> dict[str, str]:
    """Give what constraints.txt pins: name → its lines, without the comments."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    plain = "".join(line for line in lines if not line.lstrip().startswith("#"))
    found = re.findall(r"^[A-Za-z0-9][^\s=]*==.*?(?=^[A-Za-z0-9]|\Z)", plain, re.MULTILINE | re.DOTALL)
    return {canonicalize_name(one.split("==")[0]): one for one in found}


def _needed(texts: Iterable[str]) -> set[str]:
    """Follow dependencies to theirs, as they are installed here."""
    waiting = list(_wanted(texts, frozenset()))
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(_wanted(metadata.requires(name) or (), extras))
    return {name for name, _ in seen}


def _wanted(texts: Iterable[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for requirement in map(Requirement, texts):
        cases = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in cases):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)
