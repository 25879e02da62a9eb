"""Constants: native values a platform wants whatever the document says, with placeholders in their texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.mapping.converters import OutsideDomain
from adapters.paths import Path
from adapters.placeholders import FACTS, Template, TemplatePart, names, parse
from schemas.documents import Field
from schemas.findings import Text
from schemas.scalars import CHINA_TIME

Write = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""Document and values → the constant, None when a document field it needs is absent."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written at `path`: `write` makes it anew for each document; without one it is `value`, a scalar."""

    path: Path
    value: Any
    write: Write | None
    line: int


def strangers(value: Any, fields: Mapping[str, Field], settings: Collection[str] | None) -> frozenset[str]:
    """The placeholders that are neither facts, canonical fields nor settings (None: any may be a setting)."""
    if settings is None:
        return frozenset()
    return frozenset(name for name in names(value) if name not in FACTS | fields.keys() | set(settings))


def writer(value: Any, fields: Mapping[str, Field]) -> Write | None:
    """Compile a constant with placeholders or of several values; None for a plain scalar."""
    if isinstance(value, dict | list) or names(value):
        return _tree(value, fields)
    return None


def scalar(value: Any) -> Any:
    """Give a constant without placeholders as it is written, `{{` and `}}` as braces."""
    return parse(value).render({}) if isinstance(value, str) and not names(value) else value


def _tree(value: Any, fields: Mapping[str, Field]) -> Write:
    if isinstance(value, str):
        return _text(parse(value), fields)
    if isinstance(value, dict):
        members = [(name, _tree(child, fields)) for name, child in value.items()]
        return lambda document, values: {name: write(document, values) for name, write in members}
    if isinstance(value, list):
        items = [_tree(child, fields) for child in value]
        return lambda document, values: [write(document, values) for write in items]
    return lambda document, values: value


def _text(template: Template, fields: Mapping[str, Field]) -> Write:
    parts = [_part(part, fields) for part in template.parts]

    def write(document: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
        texts = [part(document, values) for part in parts]
        return None if None in texts else "".join(text for text in texts if text is not None)

    return write


def _part(
    part: TemplatePart, fields: Mapping[str, Field]
) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]:
    if not part.name:
        return lambda document, values: part.literal
    if part.name in FACTS or part.name not in fields:
        return lambda document, values: _given(part, values)
    steps = tuple(part.name.split("."))
    return lambda document, values: part.value({part.name: _dated(_found(document, steps), part)})


def _given(part: TemplatePart, values: Mapping[str, Any]) -> str:
    text = part.value(values)
    if text is None:
        raise OutsideDomain("placeholder.missing", Text(f"{{{part.name}}} 的值", f"a value for {{{part.name}}}"))
    return text


def _found(document: Mapping[str, Any], steps: tuple[str, ...]) -> Any:
    found: Any = document
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _dated(value: Any, part: TemplatePart) -> Any:
    if not part.form or not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA_TIME)
