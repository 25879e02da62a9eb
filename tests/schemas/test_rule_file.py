"""A file of rules is the same tree with the same lines, however quickly it was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas import rule_file, yaml_events
from schemas.events import plain
from schemas.rule_file import read_yaml

RULES = ("assessment.yaml", "clocks.yaml", "figures.yaml")

EDGES = (
    *("a: yes", "a: ON", "a: null", "a: ~", "a:", "a: 'x'", "a: 01", "a: 1.5", "a: 1e3", "a: .inf", "a: 0x1f"),
    *("a: 2024-09-10", "a: 2024-09-10T01:02:03Z", "a: =", "a: true", "a: True", "a: -7", "a: 0o7"),
    *("a: &x 1\nb: *x", "a: !!str 1", "a: 1\na: 2", "1: a", "? [a]\n: b", "a: [1, {b: c}]\nd:\n- e\n-  f: g"),
    *("a: b: c", "", "# a", "--- a", "a: |\n  b", "a: [", "{}", "[]", "a", "<<: {a: b}", "a: \tb", "[a: b]"),
    *("a: b c # d", "a: &x [b]\nc: *x", "a: &x 1\nb: &x 2", "b: *x"),
    *("a: 1_000", "- a\n- b", "a: b\n...\nc: d", "a: b\n  c", "null: a", "true: a", "a: 'b\n\n c'"),
)
"""What the two readers could take for different things."""


def _strictly(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str | None]:
    with monkeypatch.context() as here:
        here.setattr(yaml_events, "QUICK", False)
        return read_yaml(text)


@pytest.mark.parametrize("name", RULES)
def test_our_rules_are_read_quickly_and_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of our files is plain enough; values and lines are those of the strict reader."""
    text = Path(schemas.__file__).with_name(name).read_text("utf-8")
    events = yaml_events.quick(text)
    assert events
    tree = rule_file._tree(events)
    known, broken = _strictly(text, monkeypatch)
    assert broken is None
    assert plain(tree) == plain(known)
    assert _places(tree) == _places(known)


def _places(tree: Any) -> list[Any]:
    """Give the lines that findings name: of the keys of a map, and of the entries of a list."""
    if isinstance(tree, dict):
        return [(key, tree.lc.key(key), _places(value)) for key, value in tree.items()]
    return [(tree.lc.item(at), _places(each)) for at, each in enumerate(tree)] if isinstance(tree, list) else []


@pytest.mark.parametrize("text", EDGES, ids=[repr(one) for one in EDGES])
def test_every_text_is_read_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree, or what is wrong and its line: both are the strict reader's."""
    (tree, broken), (known, known_broken) = read_yaml(text), _strictly(text, monkeypatch)
    assert broken == known_broken
    assert repr(plain(tree)) == repr(plain(known))
    assert _places(tree) == _places(known)
