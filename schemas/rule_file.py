"""Read a file of rules: a tree that knows the line of each entry; what is wrong in it is told by its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from schemas import yaml_events
from schemas.yaml_events import BadYaml, YamlEvent, YamlKind

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_WORDS = {"true": True, "false": False, "null": None}
_TEXT = re.compile(r"[A-Za-z\u4e00-\u9fff][^=]*|[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""What is text, or a day, which rules have as text."""
_LOUD = re.compile(r"true|false|null", re.IGNORECASE)


_Named = dict[str, tuple[YamlEvent, Any]]
"""What has an anchor, for its aliases: where it is written, and its value."""


class _StrictlyRead(Exception):
    """What is not so plain that it is read quickly."""


def read_yaml(text: str) -> tuple[Any, str | None]:
    """Read a file of rules with its line numbers, or say where it is broken: `LINE: what is wrong`."""
    events = yaml_events.quick(text)
    if events is not None:
        try:
            return _tree(events), None
        except (BadYaml, _StrictlyRead):
            pass  # whatever is wrong is told by the strict reader
    try:
        return YAML(typ="rt", pure=True).load(text), None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return None, f"{mark.line + 1 if mark else 1}: {str(error).splitlines()[0]}"


def _tree(events: Iterator[YamlEvent]) -> Any:
    """Give what the strict reader would give; `_StrictlyRead` for all that rules do not need."""
    begun = next(events, None)
    if begun is None or begun.kind is not YamlKind.DOCUMENT:
        raise _StrictlyRead
    tree = _value(next(events), events, {})
    if next(events, None) is not None:
        raise _StrictlyRead
    return tree


def _value(event: YamlEvent, events: Iterator[YamlEvent], named: _Named) -> Any:
    if event.kind is YamlKind.ALIAS:
        if event.anchor not in named:
            raise _StrictlyRead
        return named[event.anchor][1]
    if event.tag or event.anchor in named:
        raise _StrictlyRead
    value = _scalar(event) if event.kind is YamlKind.SCALAR else _collection(event, events, named)
    if event.anchor:
        named[event.anchor] = event, value
    return value


def _collection(event: YamlEvent, events: Iterator[YamlEvent], named: _Named) -> CommentedMap | CommentedSeq:
    found: CommentedMap | CommentedSeq = CommentedMap() if event.kind is YamlKind.MAPPING else CommentedSeq()
    found._yaml_set_line_col(*_mark(event, named))
    for each in events:
        if each.kind in (YamlKind.MAPPING_END, YamlKind.SEQUENCE_END):
            break
        if isinstance(found, CommentedSeq):
            found._yaml_set_idx_line_col(len(found), _mark(each, named))
            found.append(_value(each, events, named))
            continue
        if each.kind is not YamlKind.SCALAR or each.anchor or each.tag or each.value == "<<":
            raise _StrictlyRead
        key, value = _scalar(each), next(events)
        if not isinstance(key, str) or key in found:
            raise _StrictlyRead
        found._yaml_set_kv_line_col(key, [*_mark(each, named), *_mark(value, named)])
        found[key] = _value(value, events, named)
    return found


def _mark(event: YamlEvent, named: _Named) -> list[int]:
    """Give the place of a value as the strict reader's trees have it: from 0, and an alias where its anchor is."""
    known = named.get(event.anchor or "") if event.kind is YamlKind.ALIAS else None
    line, column = (known[0] if known else event).at
    return [line - 1, column - 1]


def _scalar(event: YamlEvent) -> Any:
    text = event.value
    if not event.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _TEXT.fullmatch(text) and not _LOUD.fullmatch(text):
        return text
    raise _StrictlyRead
