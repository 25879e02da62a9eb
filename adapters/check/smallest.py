"""The smallest document in which a fault still shows: leave out, cut short, and keep what still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adapters.base import Document
from schemas import documents
from schemas.findings import Rejected

TRIES = 2000
"""How many smaller documents are tried at most: a bound on time, not on what is found."""

_BY_CHARACTER = 64


def smallest(name: str, document: Document, fails: Callable[[Document], bool]) -> Document:
    """Make a document smaller while it is a valid `name` in normal form and still `fails`.

    Always the same for the same document. What comes back cannot lose one field, list item or piece
    of text more, unless the bound on tries was met first.
    """
    tries = iter(range(TRIES))
    while True:
        cuts = (cut for _, cut in zip(tries, _smaller(document), strict=False))
        less = next((cut for cut in cuts if _is_normal(name, cut) and fails(cut)), None)
        if less is None:
            return document
        document = less


def _is_normal(name: str, document: Document) -> bool:
    try:
        return documents.check(name, document).document == document
    except Rejected:
        return False


def _smaller(node: Any) -> Iterator[Any]:
    """Give every way to make a tree smaller by one cut, the widest first."""
    if isinstance(node, dict):
        yield from ({name: value for name, value in node.items() if name != left_out} for left_out in node)
        yield from ({**node, name: less} for name, value in node.items() for less in _smaller(value))
    elif isinstance(node, list):
        yield from (node[:index] + node[index + 1 :] for index in range(len(node)))
        yield from (
            [*node[:index], less, *node[index + 1 :]] for index, one in enumerate(node) for less in _smaller(one)
        )
    elif isinstance(node, str) and len(node) > 1:
        yield from _shorter(node)


def _shorter(text: str) -> Iterator[str]:
    half = len(text) // 2
    yield from (text[:half], text[half:])
    if len(text) <= _BY_CHARACTER:
        yield from (text[:index] + text[index + 1 :] for index in range(len(text)))
