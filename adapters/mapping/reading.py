"""Read a mapping file's plain values into syntax; every unknown key is a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from adapters import paths
from adapters.mapping.fault_list import FaultList
from adapters.mapping.syntax import (
    CONDITION,
    NOTHING,
    ONLY,
    SHAPES,
    TOP,
    UNKNOWN,
    ColumnEntry,
    Condition,
    ConstantEntry,
    Conversion,
    FieldEntry,
    ParallelEntry,
    PartsEntry,
    RowsEntry,
    Rules,
    Syntax,
)
from adapters.paths import Path, PathError
from adapters.source import Keys, Source
from schemas.findings import Text

MAX_FIELDS = 500
MAX_NESTING = 4
MAX_ITEMS = 100

_WORD = r"[a-z][a-z0-9_]*"
_NAME = re.compile(rf"{_WORD}(\.{_WORD}){{0,7}}(\s*,\s*{_WORD}(\.{_WORD}){{0,7}}){{0,3}}")


def read(source: Source, faults: FaultList) -> Syntax:
    """Read a mapping. Faults are gathered in `faults`; the syntax holds what could be read."""
    return _Reading(faults).mapping(source.value)


class _Reading:
    """One pass over a file."""

    def __init__(self, faults: FaultList) -> None:
        self.faults = faults
        self.count = 0

    def mapping(self, value: Any) -> Syntax:
        value = self._map(value, (), TOP)
        document = self._text(value.get("document"), ("document",))
        return Syntax(
            document=document or "",
            fields=self._fields(value.get("fields"), ("fields",), 0),
            constants=tuple(self._constants(value.get("constants", {}))),
            ignored=self._paths(value.get("ignored", []), ("ignored",), limit=MAX_FIELDS),
            unknown=self._choice(value.get("unknown", "warn"), ("unknown",), UNKNOWN),
        )

    def _fields(self, value: Any, keys: Keys, depth: int) -> tuple[FieldEntry, ...]:
        if depth > MAX_NESTING:
            self.faults.shape(keys, f"不超过 {MAX_NESTING} 层的列表", f"lists nested at most {MAX_NESTING} deep")
            return ()
        if not isinstance(value, dict) or not value:
            self.faults.shape(keys, "标准字段到原字段的映射", "a map from canonical to native fields")
            return ()
        self.count += len(value)
        if self.count > MAX_FIELDS:
            self.faults.shape(keys, f"不超过 {MAX_FIELDS} 个字段", f"at most {MAX_FIELDS} fields")
            return ()
        return tuple(node for name, entry in value.items() for node in self._node(name, entry, (*keys, name), depth))

    def _node(self, name: str, entry: Any, keys: Keys, depth: int) -> Iterable[FieldEntry]:
        if not _NAME.fullmatch(name):
            self.faults.shape(keys, "标准字段名，如 party.name", "a canonical field such as party.name")
            return ()
        names = tuple(part.strip() for part in name.split(","))
        if isinstance(entry, str):
            return (ColumnEntry(names, self._paths(entry, keys), (), Rules(), keys),)
        if not isinstance(entry, dict):
            self.faults.shape(
                keys,
                "原字段的路径，或含有 at、each、split、parts 的写法",
                "a native path, or an entry with at, each, split or parts",
            )
            return ()
        shape = _shape(entry)
        entry = self._map(entry, keys, SHAPES[shape])
        if len(names) > 1 and shape not in ("at", "split"):
            self.faults.shape(keys, "一个标准字段", "a single canonical field")
        return self._shaped(shape, names, entry, keys, depth)

    def _shaped(
        self, shape: str, names: tuple[str, ...], entry: dict[str, Any], keys: Keys, depth: int
    ) -> Iterable[FieldEntry]:
        rules = self._rules(entry, keys)
        if shape == "each":
            return self._rows(names[0], entry, rules, keys, depth)
        if shape == "columns":
            columns = self._columns(entry["split"], (*keys, "split"))
            return (ParallelEntry(names[0], columns, self._separators(entry, keys), rules, keys),)
        if shape == "parts":
            return self._parts(names[0], entry, rules, keys)
        if shape == "split":
            first = Conversion("split", self._separators(entry, keys), (*keys, "on"))
            conversions = (first, *self._conversions(entry, keys))
            return (ColumnEntry(names, self._paths(entry["split"], (*keys, "split")), conversions, rules, keys),)
        return self._column(names, entry, rules, keys)

    def _column(self, names: tuple[str, ...], entry: dict[str, Any], rules: Rules, keys: Keys) -> Iterable[FieldEntry]:
        if "at" not in entry and rules.default is NOTHING:
            self.faults.shape(keys, "含有 at 的写法", "an entry with `at`")
            return ()
        at = self._paths(entry["at"], (*keys, "at")) if "at" in entry else ()
        return (ColumnEntry(names, at, self._conversions(entry, keys), rules, keys),)

    def _rows(self, name: str, entry: dict[str, Any], rules: Rules, keys: Keys, depth: int) -> Iterable[FieldEntry]:
        path = self._path(entry["each"], (*keys, "each"))
        if path is not None and (not path.ends_in_list or path.lists > 1):
            self.faults.shape((*keys, "each"), "以 [] 结尾的路径", "a path that ends in []")
            path = None
        fields = self._fields(entry.get("fields"), (*keys, "fields"), depth + 1)
        return (RowsEntry(name, path, fields, rules, keys),) if path else ()

    def _parts(self, name: str, entry: dict[str, Any], rules: Rules, keys: Keys) -> Iterable[FieldEntry]:
        columns = self._columns(entry["parts"], (*keys, "parts"))
        conversions = self._conversions(entry, keys)
        if conversions:
            return (PartsEntry(name, columns, conversions, rules, keys),)
        return tuple(ColumnEntry((f"{name}.{part}",), (path,), (), rules, keys) for part, path in columns)

    def _columns(self, value: Any, keys: Keys) -> tuple[tuple[str, Path], ...]:
        if not isinstance(value, dict) or not 1 <= len(value) <= MAX_ITEMS:
            self.faults.shape(keys, "名称到原字段的映射", "a map from names to native fields")
            return ()
        found = ((name, self._path(text, (*keys, name))) for name, text in value.items())
        return tuple((name, path) for name, path in found if path is not None)

    def _separators(self, entry: dict[str, Any], keys: Keys) -> str:
        on = entry.get("on")
        if isinstance(on, str) and on:
            return on
        self.faults.shape((*keys, "on"), "on: 分隔字符", "`on` with the separating characters")
        return ","

    def _conversions(self, entry: dict[str, Any], keys: Keys) -> tuple[Conversion, ...]:
        if "as" not in entry:
            return ()
        value, keys = entry["as"], (*keys, "as")
        items = value if isinstance(value, list) else [value]
        if not 1 <= len(items) <= 8:
            self.faults.shape(keys, "一至八个转换器", "one to eight converters")
            return ()
        places: list[Keys] = [(*keys, index) for index in range(len(items))] if isinstance(value, list) else [keys]
        found = (self._conversion(item, place) for item, place in zip(items, places, strict=True))
        return tuple(conversion for conversion in found if conversion is not None)

    def _conversion(self, item: Any, keys: Keys) -> Conversion | None:
        if isinstance(item, str):
            return Conversion(item, None, keys)
        if isinstance(item, dict) and len(item) == 1:
            [(name, argument)] = item.items()
            return Conversion(name, argument, keys)
        self.faults.shape(keys, "转换器名，或 {名称: 参数}", "a converter's name, or {name: argument}")
        return None

    def _rules(self, entry: dict[str, Any], keys: Keys) -> Rules:
        none = entry.get("none", [])
        lossy = self._text(entry["lossy"], (*keys, "lossy")) if "lossy" in entry else ""
        only = self._choice(entry["only"], (*keys, "only"), ONLY) if "only" in entry else ""
        return Rules(
            none=self._scalars(none if isinstance(none, list) else [none], (*keys, "none")),
            default=entry.get("default", NOTHING),
            also=self._paths(entry.get("also", []), (*keys, "also")),
            only=only or ("in" if "at" not in entry and not _SOURCES & entry.keys() else ""),
            when=self._condition(entry["when"], (*keys, "when")) if "when" in entry else None,
            otherwise=self._otherwise(entry, (*keys, "else")) if "else" in entry else (),
            lossy=lossy or "",
        )

    def _condition(self, value: Any, keys: Keys) -> Condition | None:
        value = self._map(value, keys, CONDITION)
        tests = [word for word in ("is", "in", "present") if word in value]
        path = self._path(value.get("at"), (*keys, "at"))
        if path is None or len(tests) != 1 or path.lists:
            self.faults.shape(keys, "at 与 is、in、present 之一", "`at` with one of is, in, present")
            return None
        if tests == ["present"]:
            if not isinstance(value["present"], bool):
                self.faults.shape((*keys, "present"), "true 或 false", "true or false")
            return Condition(path, present=value["present"] is True)
        found = self._scalars(value["in"] if tests == ["in"] else [value["is"]], (*keys, tests[0]))
        if not found:
            self.faults.shape((*keys, tests[0]), "一个或多个值", "one or more values")
            return None
        return Condition(path, tuple(map(_as_text, found)), found[0])

    def _otherwise(self, entry: dict[str, Any], keys: Keys) -> tuple[tuple[str, Any], ...]:
        value = entry["else"]
        condition = entry.get("when")
        tested = isinstance(condition, dict) and "present" not in condition
        if not tested or not isinstance(value, dict) or not 0 < len(value) <= MAX_ITEMS:
            self.faults.shape(
                keys, "与 when 的 is 或 in 并用的 {原值: 标准值}", "{native: canonical} beside a `when` with is or in"
            )
            return ()
        return tuple((_as_text(native), canonical) for native, canonical in value.items())

    def _constants(self, value: Any) -> Iterable[ConstantEntry]:
        if not isinstance(value, dict) or len(value) > MAX_FIELDS:
            self.faults.shape(("constants",), "原字段到值的映射", "a map from native fields to values")
            return
        for text, constant in value.items():
            keys = ("constants", text)
            path = self._path(text, keys)
            if path is not None and path.lists:
                self.faults.shape(keys, "不含 [] 的路径", "a path without []")
            elif path is not None:
                yield ConstantEntry(path, constant, keys)

    def _paths(self, value: Any, keys: Keys, *, limit: int = 8) -> tuple[Path, ...]:
        items = value if isinstance(value, list) else [value]
        if len(items) > limit:
            self.faults.shape(keys, f"不超过 {limit} 个路径", f"at most {limit} paths")
            return ()
        places: list[Keys] = [(*keys, index) for index in range(len(items))] if isinstance(value, list) else [keys]
        found = (self._path(item, place) for item, place in zip(items, places, strict=True))
        return tuple(path for path in found if path is not None)

    def _path(self, value: Any, keys: Keys) -> Path | None:
        if not isinstance(value, str):
            self.faults.shape(keys, "原字段的路径", "a native path")
            return None
        try:
            return paths.parse(value)
        except PathError as error:
            self.faults.path(keys, error)
            return None

    def _scalars(self, value: Any, keys: Keys) -> tuple[Any, ...]:
        if isinstance(value, list) and len(value) <= MAX_ITEMS and not any(isinstance(v, dict | list) for v in value):
            return tuple(value)
        self.faults.shape(keys, "值的列表", "a list of values")
        return ()

    def _choice(self, value: Any, keys: Keys, choices: tuple[str, ...]) -> str:
        if value in choices:
            return str(value)
        self.faults.shape(keys, "、".join(choices) + " 之一", "one of " + ", ".join(choices))
        return choices[0]

    def _text(self, value: Any, keys: Keys) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        self.faults.shape(keys, "文本", "a text")
        return None

    def _map(self, value: Any, keys: Keys, allowed: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.faults.shape(keys, "键值映射", "a map")
            return {}
        for key in value.keys() - set(allowed):
            self._unknown_key(key, keys, allowed)
        return value

    def _unknown_key(self, key: str, keys: Keys, allowed: tuple[str, ...]) -> None:
        words = ", ".join(allowed)
        self.faults.add(
            (*keys, key),
            "mapping.key",
            Text(f"不认识的键 {key}", f"unknown key {key}"),
            Text(f"此处可用的键：{words}", f"the keys here are: {words}"),
        )


_SOURCES = {"each", "split", "parts"}


def _shape(entry: dict[str, Any]) -> str:
    if "split" in entry and isinstance(entry["split"], dict):
        return "columns"
    return next((shape for shape in ("each", "parts", "split") if shape in entry), "at")


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
