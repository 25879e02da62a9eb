"""Read a bundle's YAML: plain values, and the line each was written on.

A plain part of YAML 1.2: no anchors, aliases, tags, second documents or duplicate keys. Size and depth
are bounded, so that an untrusted file takes time and memory in proportion to its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import Struct

from adapters import yaml_events
from adapters.yaml_events import BadYaml, YamlEvent, YamlKind
from schemas.findings import Text

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_VALUES = 20_000

_TOP = (1, 1)

Key = str | int
Keys = tuple[Key, ...]


class BundleFinding(Struct, frozen=True):
    """One fault of a bundle: where it is, what is wrong, and what to do about it.

    `file` is relative to the bundle's folder; `line` and `column` count from 1, and are 1 when the
    fault is about the whole file. `warning` tells what should be looked at from what must be mended.
    """

    code: str
    message: Text
    remedy: Text
    file: str = ""
    line: int = 1
    column: int = 1
    warning: bool = False


class BrokenBundle(Exception):
    """A bundle that cannot be used as it is; `findings` (at least one) say why and what to do."""

    def __init__(self, findings: Iterable[BundleFinding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{f.file}:{f.line}: {f.message.en}" for f in self.findings))


class BadValue(ValueError):
    """A value that its key does not allow; a finding about it shows `message`, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.message = Text(zh, en)


class Source(Struct, frozen=True):
    """A YAML file as plain values, with the line and column of each.

    `value` holds dicts (keys always text), lists, str, int, Decimal, bool and None. A plain number
    with a leading zero (`01`) stays text: it is a code, not a number. `lines` maps the keys that lead
    to a value (names and list indexes) to its (line, column), counted from 1.
    """

    name: str
    value: Any
    lines: Mapping[Keys, tuple[int, int]] = {}

    def line(self, *keys: Key) -> int:
        """Give the line of the value under `keys`, or of the nearest thing around it."""
        return self.mark(*keys)[0]

    def mark(self, *keys: Key) -> tuple[int, int]:
        """Give the (line, column) of the value under `keys`, or of the nearest thing around it."""
        for length in range(len(keys), -1, -1):
            found = self.lines.get(keys[:length])
            if found is not None:
                return found
        return (1, 1)

    def finding(self, code: str, message: Text, remedy: Text, *keys: Key, warning: bool = False) -> BundleFinding:
        """Make a finding about the value under `keys`."""
        line, column = self.mark(*keys)
        return BundleFinding(code, message, remedy, self.name, line, column, warning)


def load(text: bytes, name: str) -> Source:
    """Read YAML bytes (UTF-8, at most 256 KiB, 32 levels, 20,000 values); `name` is the file, for findings.

    Raises `BrokenBundle` with the file, line, column and remedy.
    """
    if len(text) > MAX_BYTES:
        raise BrokenBundle([_SIZE.about(name, _TOP)])
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise BrokenBundle([_ENCODING.about(name, (line, 1))]) from None
    return _quickly(decoded, name) or _strictly(decoded, name)


def _quickly(text: str, name: str) -> Source | None:
    """Give what both readers read alike; None for everything else, also for what is wrong with the text."""
    events = yaml_events.quick(text)
    try:
        return None if events is None else _Builder(name).build(events)
    except (BadYaml, BrokenBundle):
        return None


def _strictly(text: str, name: str) -> Source:
    try:
        return _Builder(name).build(yaml_events.strict(text))
    except BadYaml as bad:
        raise BrokenBundle([_SYNTAX.about(name, bad.at, bad.detail)]) from None


class _YamlFault(Struct, frozen=True):
    """A kind of YAML error with its texts; `{}` in them takes the detail."""

    code: str
    message: Text
    remedy: Text

    def about(self, name: str, at: tuple[int, int], detail: str = "") -> BundleFinding:
        message = Text(self.message.zh.format(detail), self.message.en.format(detail))
        return BundleFinding(self.code, message, self.remedy, name, *at)


_SIZE = _YamlFault(
    "yaml.size",
    Text("文件超过 256 KiB", "the file is larger than 256 KiB"),
    Text("请拆分文件，或删去不需要的内容", "split the file or remove what is not needed"),
)
_ENCODING = _YamlFault(
    "yaml.encoding",
    Text("文件不是 UTF-8 编码", "the file is not UTF-8"),
    Text("请以 UTF-8 编码另存", "save it as UTF-8"),
)
_SYNTAX = _YamlFault(
    "yaml.syntax",
    Text("YAML 语法错误：{}", "not well-formed YAML: {}"),
    Text("请检查该行的缩进、冒号和引号", "check indentation, colons and quotes on that line"),
)
_ALIAS = _YamlFault(
    "yaml.alias",
    Text("不允许使用锚点或别名 {}", "anchors and aliases are not allowed: {}"),
    Text("请把内容直接写出来", "write the value out where it is needed"),
)
_TAG = _YamlFault(
    "yaml.tag",
    Text("不允许使用标签 {}", "tags are not allowed: {}"),
    Text("请删去标签；文本请加引号", "remove the tag; quote the value if it is text"),
)
_DOCUMENTS = _YamlFault(
    "yaml.documents",
    Text("一个文件只能有一个 YAML 文档", "a file holds one YAML document"),
    Text("请删去多余的 ---，或拆成几个文件", "remove the extra --- or split the file"),
)
_DEPTH = _YamlFault(
    "yaml.depth",
    Text("嵌套超过 32 层", "nested deeper than 32 levels"),
    Text("请减少嵌套", "nest less deeply"),
)
_VALUES = _YamlFault(
    "yaml.values",
    Text("文件中的值超过 20000 个", "the file holds more than 20,000 values"),
    Text("请拆分文件；代码对照请写入 codes/*.csv", "split the file; lists of codes belong into codes/*.csv"),
)
_DUPLICATE = _YamlFault(
    "yaml.duplicate-key",
    Text("重复的键 {}", "the key {} is written twice"),
    Text("请保留一个并删去另一个", "keep one of the two"),
)
_KEY = _YamlFault(
    "yaml.key",
    Text("键必须是文本", "a key must be plain text"),
    Text("请改用文本作为键", "use a text as the key"),
)
_EMPTY = _YamlFault(
    "yaml.empty",
    Text("文件是空的", "the file is empty"),
    Text("请填写内容", "write its content"),
)


@dataclass(slots=True)
class _Frame:
    """A collection being filled; `key` is the mapping key that waits for its value."""

    value: dict[str, Any] | list[Any]
    keys: Keys
    key: str | None = None


class _Builder:
    """Fold a stream of YAML events into a Source, without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[_Frame] = []
        self.lines: dict[Keys, tuple[int, int]] = {}
        self.roots: list[Any] = []
        self.documents = 0
        self.values = 0

    def build(self, events: Iterator[YamlEvent]) -> Source:
        for event in events:
            self._take(event)
        if not self.roots or self.roots[0] is None:
            raise BrokenBundle([_EMPTY.about(self.name, _TOP)])
        return Source(self.name, self.roots[0], self.lines)

    def _take(self, event: YamlEvent) -> None:
        match event.kind:
            case YamlKind.SCALAR:
                self._scalar(event)
            case YamlKind.MAPPING:
                self._open(event, {})
            case YamlKind.SEQUENCE:
                self._open(event, [])
            case YamlKind.MAPPING_END | YamlKind.SEQUENCE_END:
                self.stack.pop()
            case YamlKind.ALIAS:
                self._fail(_ALIAS, event, f"*{event.anchor}")
            case YamlKind.DOCUMENT:
                self.documents += 1
                if self.documents > 1:
                    self._fail(_DOCUMENTS, event)

    def _open(self, event: YamlEvent, value: dict[str, Any] | list[Any]) -> None:
        self._check_plain(event)
        if len(self.stack) >= MAX_DEPTH:
            self._fail(_DEPTH, event)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self._fail(_KEY, event)
        self.stack.append(_Frame(value, self._place(event, value)))

    def _scalar(self, event: YamlEvent) -> None:
        self._check_plain(event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._start_key(event, frame)
        else:
            self._place(event, _plain(event.value) if event.plain else event.value)

    def _start_key(self, event: YamlEvent, frame: _Frame) -> None:
        if event.value in frame.value:
            self._fail(_DUPLICATE, event, event.value)
        frame.key = event.value
        self.lines[(*frame.keys, event.value)] = event.at

    def _place(self, event: YamlEvent, value: Any) -> Keys:
        if not self.stack:
            self.roots.append(value)
            self.lines[()] = event.at
            return ()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
            keys: Keys = (*frame.keys, len(frame.value) - 1)
            self.lines[keys] = event.at
            return keys
        key, frame.key = str(frame.key), None
        frame.value[key] = value
        return (*frame.keys, key)

    def _check_plain(self, event: YamlEvent) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            self._fail(_VALUES, event)
        if event.anchor:
            self._fail(_ALIAS, event, f"&{event.anchor}")
        if event.tag:
            self._fail(_TAG, event, event.tag)

    def _fail(self, fault: _YamlFault, event: YamlEvent, detail: str = "") -> None:
        raise BrokenBundle([fault.about(self.name, event.at, detail)])


_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,63})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,63})(\.[0-9]{1,64})?([eE][-+]?[0-9]{1,2})?")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text
