"""Texts with `{names}` in them, as request paths, headers, envelopes, answers and constants use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from adapters.base import Tree
from adapters.formats.format import as_text
from adapters.source import BadValue
from schemas.scalars import CHINA_TIME

FACTS = frozenset({"delivery_id", "message_id", "accepted_at", "count"})
"""What is fixed at a delivery's first attempt, beside the document and the settings."""

RECORD = "record"
RECORD_TEXT = "record_text"
"""Where an envelope takes the record: as a tree, or written as text."""

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[A-Za-z_][\w.]*)(?::(?P<form>[^{}]*))?\}|[{}]")

MAX_FORM = 64
_SHOWN = 60
_FORM = re.compile(r"(?:%[YmdHMSfj]|[^%{}\x00-\x1f\x7f])+")
"""Digits and plain text: nothing that depends on the machine's locale, and no widths."""

Values = Mapping[str, Any]


class BadTemplate(BadValue):
    """A text whose braces do not follow the grammar; it says where."""


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """A piece of a template: literal text, or a named value with its date format."""

    literal: str = ""
    name: str = ""
    form: str = ""

    def value(self, values: Values) -> str | None:
        """Give the part's text, None when the value is not there."""
        found = values.get(self.name)
        if found is None or found == "":
            return None
        if isinstance(found, datetime):
            return found.astimezone(CHINA_TIME).strftime(self.form or "%Y-%m-%dT%H:%M:%S+08:00")
        return as_text(found)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text; `{{` and `}}` stand for braces."""

    text: str
    parts: tuple[TemplatePart, ...]
    names: frozenset[str] = field(init=False, compare=False)
    """The names it uses."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(part.name for part in self.parts if part.name))

    @property
    def alone(self) -> str | None:
        """The name, when the whole text is one placeholder without a format."""
        only = self.parts[0] if len(self.parts) == 1 else TemplatePart()
        return only.name if only.name and not only.form else None

    def render(self, values: Values, escape: Callable[[str], str] = str) -> str:
        """Fill in the values, each escaped; one that is not there is empty."""
        return "".join(part.literal or escape(part.value(values) or "") for part in self.parts)


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Parse a template; raises `BadTemplate`."""
    parts: list[TemplatePart] = []
    position = 0
    for match in _PART.finditer(text):
        _literal(parts, text[position : match.start()])
        position = match.end()
        if match["name"]:
            parts.append(TemplatePart(name=match["name"], form=_form(match["form"], text)))
        elif len(match[0]) == 2:
            _literal(parts, match[0][0])
        else:
            place = match.start() + 1
            raise BadTemplate(
                f"{_short(text)} 第 {place} 个字符处不应有 {match[0]!r}",
                f"{_short(text)}: unexpected {match[0]!r} at character {place}",
            )
    _literal(parts, text[position:])
    return Template(text, tuple(parts))


def _form(form: str | None, text: str) -> str:
    if form is None:
        return ""
    if "%" not in form or len(form) > MAX_FORM or not _FORM.fullmatch(form):
        raise BadTemplate(
            f"{_short(form)} 不是由 %Y %m %d %H %M %S %f %j 和文字组成的日期格式",
            f"{_short(form)} is not a date format of %Y %m %d %H %M %S %f %j and text",
        )
    return form


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _literal(parts: list[TemplatePart], text: str) -> None:
    if text:
        parts.append(TemplatePart(literal=text))


def names(value: Any) -> frozenset[str]:
    """Give the names that the texts of a tree use; raises `BadTemplate`."""
    if isinstance(value, str):
        return parse(value).names
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return frozenset().union(*map(names, children))


def compile_tree(tree: Tree) -> Callable[[Values], Tree]:
    """Compile a constant tree whose texts may hold placeholders to a function of their values."""
    if isinstance(tree, dict):
        members = [(name, compile_tree(value)) for name, value in tree.items()]
        return lambda values: {name: write(values) for name, write in members}
    if isinstance(tree, list):
        items = [compile_tree(value) for value in tree]
        return lambda values: [write(values) for write in items]
    if isinstance(tree, str):
        return _compile_text(tree)
    return lambda values: tree


def _compile_text(text: str) -> Callable[[Values], Tree]:
    template = parse(text)
    if template.alone in (RECORD, "count"):
        # These two keep their type: the record is a tree, the count a number.
        return lambda values: values[template.alone or ""]
    if not template.names:
        literal = template.render({})
        return lambda values: literal
    return template.render


def flatten(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Give a document's leaves by their dotted canonical path; lists are left out."""
    leaves: dict[str, Any] = {}
    for name, value in document.items():
        if type(value) is str:  # most are; to ask whether it is a mapping takes longer than all the rest
            leaves[f"{prefix}{name}"] = value
        elif isinstance(value, Mapping):
            leaves.update(flatten(value, f"{prefix}{name}."))
        elif not isinstance(value, list):
            leaves[f"{prefix}{name}"] = value
    return leaves
