"""A mapping from YAML in one call, with a small code table at hand."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from adapters import source
from adapters.mapping import CodeTable, Program, codes, compile_mapping
from adapters.source import BrokenBundle, BundleFinding

Compile = Callable[[str], Program]
Faults = Callable[[str], tuple[BundleFinding, ...]]

_TABLES = {
    "party-kind": "native,canonical,title\n01,person,自然人\n02,company,法人\n03,sole-trader,个体工商户\n",
    "urgency": "native,canonical,title,preferred\n0,normal,一般,1\n9,normal,平常,\n1,urgent,紧急,\n2,emergency,特急,\n",
    "permit-status": "native,canonical,title\n1,new,新增\n2,changed,变更\n",
    "penalty-kind": "native,canonical,title\n01,warning,警告\n02,fine,罚款\n",
    "wrong": "native,canonical,title\nA,never-heard-of,无\n",
}


def tables() -> dict[str, CodeTable]:
    """The code tables of an imaginary bundle."""
    return {name: codes.load(text.encode(), name) for name, text in _TABLES.items()}


def _compile(text: str) -> Program:
    return compile_mapping(source.load(dedent(text).encode(), "mappings/m.yaml"), tables(), settings={"org"})


@pytest.fixture
def compiled() -> Compile:
    """Compile a mapping written as YAML."""
    return _compile


@pytest.fixture
def faults() -> Faults:
    """Give the faults of a mapping that must not compile."""

    def run(text: str) -> tuple[BundleFinding, ...]:
        with pytest.raises(BrokenBundle) as caught:
            _compile(text)
        return caught.value.findings

    return run


@pytest.fixture
def progress() -> Compile:
    """Compile a case-progress mapping: its required fields, and the given lines of `fields`."""

    def run(extra: str = "", tail: str = "") -> Program:
        lines = ["document: case-progress/1", "fields:", "  case_number: AH", "  node: HJ", "  at: SJ"]
        lines += [f"  {line}" for line in dedent(extra).strip("\n").splitlines()]
        return _compile("\n".join([*lines, dedent(tail)]))

    return run  # type: ignore[return-value]
