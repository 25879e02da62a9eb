"""Validation of a large XML body while it streams by, so that it can be stopped and finds its places itself.

Asked of a whole tree, the validator makes every fault there is, and looks for the place of each by counting
all elements before it: the square of a long list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

_PIECE = 16 * 1024
_TAG = re.compile(rb"[^<]*<[^>]*>")
"""Up to the end of the next tag: the writer never leaves a bracket unescaped inside one."""

Positions = tuple[int, ...]
"""Which child to take at each step from the root, from 0."""


def faults(schema: Any, element: Any) -> Iterator[tuple[Positions, Any]]:
    """Give the validator's errors, each with the place of its element, in the order of the document."""
    text = etree.tostring(element, with_tail=False)
    ahead = etree.XMLParser(schema=schema, resolve_entities=False, no_network=True)
    behind = etree.XMLParser(schema=schema, resolve_entities=False, no_network=True)
    stack = _Stack()
    known = 0
    for piece in _pieces(text):
        ahead.feed(piece)
        # Only a piece with an error in it is gone through tag by tag, to learn which element it was.
        if len(ahead.feed_error_log) == known:
            behind.feed(piece)
            stack.skip(piece)
            continue
        for tag in _TAG.findall(piece):
            behind.feed(tag)
            stack.take(tag)
            log = behind.feed_error_log
            for index in range(known, len(log)):
                yield stack.place, log[index]
            known = len(log)


def _pieces(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = text.find(b">", start + _PIECE) + 1 or len(text)
        yield text[start:end]
        start = end


class _Stack:
    """Where the reading is: the position of each open element, and of the one that was just met."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._next = [0]
        self.place: Positions = ()

    def skip(self, piece: bytes) -> None:
        for tag in _TAG.findall(piece):
            self.take(tag)

    def take(self, tag: bytes) -> None:
        start = tag.index(b"<")
        if tag.startswith(b"</", start):
            self.place = tuple(self._open[1:])
            self._open.pop()
            self._next.pop()
            return
        self._open.append(self._next[-1])
        self._next[-1] += 1
        self.place = tuple(self._open[1:])
        if tag.endswith(b"/>"):
            self._open.pop()
        else:
            self._next.append(0)
