"""List converters: several values in one string."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters.mapping.converters.kind import Codes, Converter, Kind, OutsideDomain, Specimen
from adapters.mapping.converters.texts import argument_text, text_of
from schemas.findings import Text

MAX_PIECES = 50_000
"""As many values as one text may hold: each becomes a hundred times larger than it is written."""

_FEWER = Text(f"至多 {MAX_PIECES} 个值", f"at most {MAX_PIECES} values")


class Splitter:
    """Several values in one text, apart at any of `characters`; joined with the first of them."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        self._any = re.compile("[" + "".join(map(re.escape, characters)) + "]")
        self._wrong = Text(f"各项不含 {characters} 的文本", f"values without any of {characters}")

    def pieces(self, text: str) -> list[str]:
        """Split, without blanks and empties. Raises `OutsideDomain` for more than 50,000 values."""
        parts = text.split(self.characters) if len(self.characters) == 1 else self._any.split(text)
        pieces = [piece for part in parts if (piece := part.strip())]
        if len(pieces) > MAX_PIECES:
            raise OutsideDomain("value.count", _FEWER)
        return pieces

    def joined(self, values: Sequence[Any]) -> str:
        """Join. Raises `OutsideDomain` for a value that would be read as two, or not at all."""
        texts = [text_of(value) for value in values]
        for text in texts:
            if self._any.search(text) or not text or text != text.strip():
                raise OutsideDomain("value.separator", self._wrong)
        return self.characters[0].join(texts)


def _split(argument: Any, codes: Codes) -> Converter:
    characters = argument_text(argument, "分隔字符", "the separating characters")
    splitter = Splitter(characters)

    def forward(value: Any) -> list[str]:
        return splitter.pieces(text_of(value))

    def loosely(value: Any) -> str:
        return characters[0].join(map(text_of, value))

    return Converter("split", forward, splitter.joined, characters, loosely, gives="list")


def _first(argument: Any, codes: Codes) -> Converter:
    splitter = Splitter(argument_text(argument, "分隔字符", "the separating characters"))
    wrong = Text("至少一项", "one value at least")

    def forward(value: Any) -> str:
        pieces = splitter.pieces(text_of(value))
        if not pieces:
            raise OutsideDomain("value.count", wrong)
        return pieces[0]

    return Converter("first", forward, lambda value: splitter.joined([value]), argument)


KINDS = (
    Kind(
        "split",
        Text("一个文本中的多个值，空项略去", "several values in one text; empties are dropped"),
        Text("各项不含分隔字符", "values that hold none of the characters"),
        _split,
        (
            Specimen("张晓明,李文静", ["张晓明", "李文静"], ",，、"),
            Specimen(",A1，A2", ["A1", "A2"], ",，、", written="A1,A2"),
        ),
        Text("分隔字符（写出第一个）", "the separating characters (the first is written)"),
    ),
    Kind(
        "first",
        Text("一个文本中多个值的第一个", "the first of several values in one text"),
        Text("不含分隔字符的文本", "values that hold none of the characters"),
        _first,
        (Specimen("C1713", "C1713", ",，"), Specimen("C1713,D4430", "C1713", ",，", written="C1713")),
        Text("分隔字符", "the separating characters"),
    ),
)
