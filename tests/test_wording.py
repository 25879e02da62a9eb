"""What the product says in Chinese is punctuated as Chinese is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("schemas", "adapters", "gateway")
VALUE = "\ufffc"
"""Stands for a value that is put into a sentence."""

_LEFT = rf"(?:[\u3400-\u9fff”’》〕）]{VALUE}?|[\u3400-\u9fff”’》〕）] {VALUE}|{VALUE}(?=.[\u3400-\u9fff“‘《〔（]))"
_RIGHT = rf"[\u3400-\u9fff“‘《〔（{VALUE}]"
_HALF_WIDTH = re.compile(rf"{_LEFT}(?:[;,:()!?](?={_RIGHT})|[;,:!?]$)")
_DATA = frozenset({"compile", "Specimen", "fullmatch", "search", "sub", "translate", "maketrans"})
"""Calls whose texts are patterns or examples, not sentences."""


def half_width(text: str) -> str | None:
    """Give the first half-width mark between Chinese characters, with what stands around it."""
    found = _HALF_WIDTH.search(text)
    return None if found is None else text[max(found.start() - 5, 0) : found.end() + 5]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give every text of a module that is neither documentation nor a pattern or an example, with its line."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in _DATA:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else VALUE for one in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        else:
            yield from texts(node)


@pytest.mark.parametrize(
    "text",
    [
        "没有投递;请核对",
        "账本已停止,请重试",
        f"没有投递 {VALUE};请核对",
        f"在 {VALUE} 建立账本({VALUE})",
        "说明:见下",
        "好!请",
        "(附件)一",
    ],
)
def test_a_half_width_mark_is_found(text: str) -> None:
    """Between words, and beside a value that is put in."""
    assert half_width(text)


@pytest.mark.parametrize(
    "text",
    [
        "没有投递；请核对",
        "Law (行政处罚法 第四十二条).",
        "形如 2509-320193",
        f"{VALUE}:{VALUE}",
        "参数为 [是, 否]",
        "12:30",
    ],
)
def test_other_marks_are_let_be(text: str) -> None:
    """English beside Chinese, and what is written as code is."""
    assert half_width(text) is None


def test_messages_have_full_width_punctuation() -> None:
    """A sentence that mixes both kinds looks broken to the people who read it."""
    found = []
    for path in sorted(one for folder in PRODUCT for one in (ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        lines = texts(ast.parse(path.read_text("utf-8")))
        found += [f"{name}:{line}: {seen}" for line, text in lines if (seen := half_width(text))]
    assert not found, "\n".join(found)
