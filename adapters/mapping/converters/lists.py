"""List converters: several values in one string."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters.mapping.converters.base import Codes, Converter, Example, Kind, Refused
from adapters.mapping.converters.texts import argument_text, text_of
from schemas.findings import Text


def pieces(text: str, separators: re.Pattern[str]) -> list[str]:
    """Split at any separator, without blanks and empties."""
    return [piece for part in separators.split(text) if (piece := part.strip())]


def separators_of(characters: str) -> re.Pattern[str]:
    """A pattern of any one of these characters, nothing else."""
    return re.compile("[" + "".join(map(re.escape, characters)) + "]")


def joined(values: Sequence[Any], characters: str, separators: re.Pattern[str]) -> str:
    """Join with the first of the characters. Raises `Refused` for a value that would be read as two."""
    texts = [text_of(value) for value in values]
    for text in texts:
        if separators.search(text) or not text or text != text.strip():
            raise Refused(
                "value.separator", Text(f"各项不含 {characters} 的文本", f"values without any of {characters}")
            )
    return characters[0].join(texts)


def _split(argument: Any, codes: Codes) -> Converter:
    characters = argument_text(argument, "分隔字符", "the separating characters")
    separators = separators_of(characters)

    def forward(value: Any) -> list[str]:
        return pieces(text_of(value), separators)

    def backward(value: Any) -> str:
        return joined(value, characters, separators)

    def loosely(value: Any) -> str:
        return characters[0].join(map(text_of, value))

    return Converter("split", forward, backward, characters, loosely, gives="list")


KINDS = (
    Kind(
        "split",
        Text("一个文本中的多个值，空项略去", "several values in one text; empties are dropped"),
        Text("各项不含分隔字符", "values that hold none of the characters"),
        _split,
        (
            Example("张晓明,李文静", ["张晓明", "李文静"], ",，、"),
            Example(",A1，A2", ["A1", "A2"], ",，、", written="A1,A2"),
        ),
        Text("分隔字符（写出第一个）", "the separating characters (the first is written)"),
    ),
)
