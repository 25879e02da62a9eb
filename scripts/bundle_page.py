"""Write the tables of docs/bundle.md from the grammar; the words around them are written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from editor import duration
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters import paths
from adapters.bundle import files, grammar
from adapters.bundle.auth import Auth
from adapters.bundle.grammar import Manifest
from adapters.formats import table, workbook
from adapters.mapping import REGISTRY, codes, reading
from adapters.mapping.converters import Kind, Specimen
from adapters.mapping.syntax import CONDITION, MEANINGS, PURPOSES, SHAPES, TOP
from schemas.budget import BOUNDS, STANDARD
from schemas.catalog import TYPES

PAGE = Path(__file__).parents[1] / "docs" / "bundle.md"
_REGION = re.compile(r"(<!-- (?P<name>[a-z-]+) -->\n).*?(<!-- /(?P=name) -->)", re.DOTALL)

Row = Sequence[str]


def page() -> str:
    """Give the page with every table as the grammar has it."""
    return _REGION.sub(
        lambda found: f"{found[1]}\n{TABLES[found['name']]()}\n{found[3]}", PAGE.read_text(encoding="utf-8")
    )


def _table(columns: Row, rows: Iterator[Row]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _model(model: type[BaseModel]) -> str:
    rows = (_key(model, field.alias or name, field) for name, field in model.model_fields.items())
    return _table(("key", "default", "meaning", "含义"), rows)


def _key(model: type[BaseModel], name: str, field: FieldInfo) -> Row:
    said = (field.description or "").strip().split("\n")
    return f"`{name}`", _default(field), said[0], said[-1] if len(said) > 1 else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    extra = field.json_schema_extra
    if isinstance(extra, Mapping) and "default" in extra:
        return f"`{extra['default']}`"
    value = field.default
    if isinstance(value, timedelta):
        return f"`{duration(value)}`"
    return f"`{value}`" if isinstance(value, str | int | float) else "—"


def _parts() -> str:
    shown = (grammar.FormatPart, grammar.HeaderPart, grammar.SettingPart, grammar.LimitsPart, grammar.RetryPart)
    return "\n".join(_titled(model) for model in shown)


def _exchanges() -> str:
    shown = (
        grammar.Receive,
        grammar.AnswerPart,
        grammar.AnswerSide,
        grammar.Send,
        grammar.RequestPart,
        grammar.ReplyRule,
        grammar.When,
        grammar.InDoubt,
        grammar.Query,
        grammar.Pages,
    )
    return "\n".join(_titled(model) for model in shown)


def _titled(model: type[BaseModel]) -> str:
    return f"{model.__doc__}\n\n{_model(model)}"


def _auth() -> str:
    schemes = get_args(get_args(Auth)[0])
    return _table(("scheme", "keys", "what it is"), (_scheme(one) for one in schemes))


def _scheme(model: type[BaseModel]) -> Row:
    fields = {name: field for name, field in model.model_fields.items() if name != "scheme"}
    keys = ", ".join(f"`{name}`" if field.is_required() else f"`{name}`?" for name, field in fields.items())
    (name,) = get_args(model.model_fields["scheme"].annotation)
    return f"`{name}`", keys or "—", (model.__doc__ or "").split("\n")[0]


def _types() -> str:
    rows = ((f"`{one.name}`", one.title, f"`{one.document}`") for one in TYPES.values())
    return _table(("message type", "", "document"), rows)


def _top() -> str:
    return _table(("key", "meaning", "含义"), ((f"`{key}`", MEANINGS[key].en, MEANINGS[key].zh) for key in TOP))


def _shapes() -> str:
    rows = (
        (PURPOSES[shape].en, PURPOSES[shape].zh, ", ".join(f"`{key}`" for key in keys))
        for shape, keys in SHAPES.items()
    )
    return _table(("an entry", "", "keys"), rows)


def _keys() -> str:
    used = dict.fromkeys(key for keys in (*SHAPES.values(), CONDITION) for key in keys)
    return _table(("key", "meaning", "含义"), ((f"`{key}`", MEANINGS[key].en, MEANINGS[key].zh) for key in used))


def _converters() -> str:
    return "\n".join(_kind(kind) for kind in REGISTRY.values())


def _kind(kind: Kind) -> str:
    takes = f"\n\nArgument: {kind.takes.en} · 参数：{kind.takes.zh}" if kind.takes else ""
    optional = " (may be left out)" if kind.optional else ""
    rows = (_example(kind.name, one) for one in kind.examples)
    return (
        f"#### `{kind.name}`\n\n{_sentence(kind.title.en)} · {kind.title.zh}{takes}{optional}\n\n"
        f"Domain: {kind.domain.en} · {kind.domain.zh}\n\n" + _table(("as", "native", "canonical", "written"), rows)
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _example(name: str, example: Specimen) -> Row:
    written = "" if example.written is None else _value(example.written)
    as_ = name if example.argument is None else f"{{{name}: {_flow(example.argument)}}}"
    return f"`{as_}`", _value(example.native), _value(example.canonical), written


def _value(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False, default=_number)}`"


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


_PLAIN = re.compile(r"[\w\u4e00-\u9fff][\w\u4e00-\u9fff-]*")


def _flow(value: Any) -> str:
    """Write an argument as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = not isinstance(value, str) or (_PLAIN.fullmatch(value) and not value.isdecimal() and len(value) > 1)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def _limits() -> str:
    mebi = 1024 * 1024
    rows = (
        (
            "files in a bundle",
            f"{files.MAX_FILES}, each {files.MAX_FILE_BYTES // mebi} MiB, together {files.MAX_BYTES // mebi} MiB",
        ),
        ("code table", f"{codes.MAX_ROWS} rows, {codes.MAX_BYTES // mebi} MiB"),
        ("mapping", f"{reading.MAX_FIELDS} fields, lists nested {reading.MAX_NESTING} deep"),
        ("path", f"{paths.MAX_LENGTH} characters, {paths.MAX_STEPS} steps"),
        *((f"{one.en} (`limits.{name}`)", _bound(name, one.ceiling)) for name, one in BOUNDS.items()),
        ("table", f"{table.MAX_ROWS} rows, {table.MAX_COLUMNS} columns, {table.MAX_CELL} characters a cell"),
        ("xlsx unpacked", f"{workbook.MAX_UNPACKED // mebi} MiB, {workbook.MAX_PARTS} parts"),
    )
    return _table(("what", "at most"), iter(rows))


def _bound(name: str, ceiling: int) -> str:
    standard = getattr(STANDARD, name)
    return f"{standard}" if standard == ceiling else f"{standard}; an operator may raise it to {ceiling}"


TABLES: Mapping[str, Callable[[], str]] = {
    "manifest": lambda: _model(Manifest),
    "parts": _parts,
    "auth": _auth,
    "exchanges": _exchanges,
    "types": _types,
    "top": _top,
    "shapes": _shapes,
    "keys": _keys,
    "converters": _converters,
    "limits": _limits,
}
"""Every table of the page, by the name of its place."""
