"""The events of a YAML text from two readers: a strict one, and a quick one for the texts that both read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import yaml
from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class YamlKind(Enum):
    """What an event tells of; where a document or the text ends is not told."""

    DOCUMENT = "DocumentStartEvent"
    MAPPING = "MappingStartEvent"
    SEQUENCE = "SequenceStartEvent"
    SCALAR = "ScalarEvent"
    ALIAS = "AliasEvent"
    MAPPING_END = "MappingEndEvent"
    SEQUENCE_END = "SequenceEndEvent"


class YamlEvent(Struct, frozen=True):
    """A part of a YAML text and where it begins: (line, column), counted from 1. `plain`: a scalar without quotes."""

    kind: YamlKind
    at: tuple[int, int]
    value: str = ""
    plain: bool = True
    anchor: str | None = None
    tag: str | None = None


class BadYaml(ValueError):
    """A text that is no YAML; `at` is the (line, column), counted from 1."""

    def __init__(self, at: tuple[int, int], detail: str) -> None:
        super().__init__(detail)
        self.at = at
        self.detail = detail


def strict(text: str) -> Iterator[YamlEvent]:
    """Give the events as YAML 1.2 has them; BadYaml, also after some of them."""
    try:
        yield from _told(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadYaml(at, str(error.problem or error.context or "")) from None
    except (YAMLError, ValueError) as error:
        raise BadYaml((1, 1), str(error).partition("\n")[0]) from None


def quick(text: str) -> Iterator[YamlEvent] | None:
    """Give the same events in a twentieth of the time; None for a text that must be read strictly.

    What it says is wrong with a text may be said otherwise by `strict`, or not at all: BadYaml without a place.
    """
    if not QUICK or not _ALIKE.fullmatch(text) or _APART.search(text):
        return None
    return _quickly(text)


QUICK: bool = yaml.__with_libyaml__
"""Whether there is a quick reader here: PyYAML's wheels have it, one built without libyaml has not."""


def _quickly(text: str) -> Iterator[YamlEvent]:
    try:
        yield from _told(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError) as error:
        raise BadYaml((1, 1), str(error)) from None


# The two readers disagree on line breaks other than \n, on tabs and on what may not be written at all...
_ALIKE = re.compile("[\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
# ... on where a block scalar (`|` or `>`, the last of its line but for a comment) begins and ends, on where a key
# after `?` that is not there begins, on a `:` behind a quoted key that nothing or no blank follows, and on where a
# document ends.
_APART = re.compile(
    r"""^(?:---|\.\.\.)|[|>][-+0-9]* *(?:#|$)|\?(?:[ ,\[\]{}]|$)|["']:[^ \n]|:[,\[\]{}]""", re.MULTILINE
)

_KINDS = {kind.value: kind for kind in YamlKind}


def _told(events: Iterator[Any]) -> Iterator[YamlEvent]:
    """Both libraries name events and what is in them alike."""
    for event in events:
        kind = _KINDS.get(type(event).__name__)
        if kind is None:
            continue
        mark = event.start_mark
        at = (mark.line + 1, mark.column + 1)
        if kind is YamlKind.SCALAR:
            yield YamlEvent(kind, at, event.value, not event.style, event.anchor, _tag(event))
        elif kind is YamlKind.MAPPING or kind is YamlKind.SEQUENCE:
            yield YamlEvent(kind, at, anchor=event.anchor, tag=_tag(event))
        else:
            yield YamlEvent(kind, at, anchor=getattr(event, "anchor", None))


def _tag(event: Any) -> str | None:
    return None if event.tag is None else str(event.tag)
