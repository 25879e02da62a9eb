"""The grammar of a mapping file: which key may stand where, and the frozen nodes it is read into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from adapters.paths import Path
from adapters.source import Keys
from schemas.findings import Text

NOTHING: Final = object()
"""No default was written; None is a value of its own."""


class Conversion(Struct, frozen=True):
    """A converter as written: its name, its argument (None without one) and its place."""

    name: str
    argument: Any
    keys: Keys


class Condition(Struct, frozen=True):
    """`when`: the native field at `path` has one of `values` (as text), or is there or not (`present`).

    `written` is what is written there when nothing else says it: the first value.
    """

    path: Path
    values: tuple[str, ...] = ()
    written: Any = None
    present: bool | None = None


class Rules(Struct, frozen=True):
    """What may be said about any field. `none`: native values that mean nothing; `only`: in, out or empty.

    `otherwise`: the canonical values that other values of the condition's place (as text) stand for.
    """

    none: tuple[Any, ...] = ()
    default: Any = NOTHING
    also: tuple[Path, ...] = ()
    only: str = ""
    when: Condition | None = None
    otherwise: tuple[tuple[str, Any], ...] = ()
    lossy: str = ""

    @property
    def reads(self) -> bool:
        """Whether the field takes part on the way in."""
        return self.only != "out"

    @property
    def writes(self) -> bool:
        """Whether the field takes part on the way out."""
        return self.only != "in"

    @property
    def lawful(self) -> bool:
        """Whether what is written must read back the same."""
        return not self.only and not self.lossy


class ColumnEntry(Struct, frozen=True):
    """One native value ↔ one canonical field (several for a range)."""

    names: tuple[str, ...]
    at: tuple[Path, ...]
    conversions: tuple[Conversion, ...]
    rules: Rules
    keys: Keys


class RowsEntry(Struct, frozen=True):
    """A native list ↔ a canonical list of objects."""

    name: str
    path: Path
    fields: tuple[FieldEntry, ...]
    rules: Rules
    keys: Keys


class ParallelEntry(Struct, frozen=True):
    """Several strings of equally many values ↔ a canonical list of objects."""

    name: str
    columns: tuple[tuple[str, Path], ...]
    on: str
    rules: Rules
    keys: Keys


class PartsEntry(Struct, frozen=True):
    """Several native columns ↔ one canonical value."""

    name: str
    columns: tuple[tuple[str, Path], ...]
    conversions: tuple[Conversion, ...]
    rules: Rules
    keys: Keys


FieldEntry = ColumnEntry | RowsEntry | ParallelEntry | PartsEntry


class ConstantEntry(Struct, frozen=True):
    """A value written whatever the document says; texts may hold placeholders."""

    path: Path
    value: Any
    keys: Keys


class Syntax(Struct, frozen=True):
    """A whole mapping file."""

    document: str
    fields: tuple[FieldEntry, ...]
    constants: tuple[ConstantEntry, ...]
    ignored: tuple[Path, ...]
    unknown: str


TOP = ("document", "fields", "constants", "ignored", "unknown")
RULES = ("none", "default", "also", "only", "when", "lossy")
CONDITION = ("at", "is", "in", "present")
UNKNOWN = ("warn", "refuse", "ignore")
ONLY = ("in", "out")

SHAPES: Mapping[str, tuple[str, ...]] = {
    "each": ("each", "fields", "only", "lossy"),
    "parts": ("parts", "as", "none", "only", "when", "lossy"),
    "columns": ("split", "on", "none", "only", "lossy"),
    "split": ("split", "on", "as", *RULES),
    "at": ("at", "as", *RULES, "else"),
}
"""What an entry of `fields` may hold, by its shape."""

PURPOSES: Mapping[str, Text] = {
    "at": Text("一个原值对应一个标准字段", "one native value for one canonical field"),
    "split": Text("一个文本中的多个值", "several values in one text"),
    "columns": Text("几个个数相同的文本对应一个对象列表", "texts of equally many values for a list of objects"),
    "parts": Text("几列对应一个标准值", "several columns for one canonical value"),
    "each": Text("原列表对应标准对象列表", "a native list for a canonical list of objects"),
}
"""What each shape is for."""

MEANINGS: Mapping[str, Text] = {
    "document": Text("标准文档及其版本", "the canonical document and its version"),
    "fields": Text(
        "标准字段 → 原字段；在 each 中从该项写起", "canonical field → native; inside `each`, seen from the item"
    ),
    "constants": Text(
        "总是写出的值，可用占位符", "what is written whatever the document says; placeholders may stand in it"
    ),
    "ignored": Text("声明不读入的原字段", "native fields that are declared as not read"),
    "unknown": Text(
        "没有映射的原字段：提示、拒收或忽略", "a native field nobody mapped: a warning, a refusal, or nothing"
    ),
    "at": Text(
        "原字段的路径；列表中取第一个有值的，写出第一个",
        "a native path; of several the first that is there is read, and the first is written",
    ),
    "as": Text("转换器，或自原值到标准值依次的转换器", "a converter, or several from native to canonical"),
    "none": Text(
        "表示“没有”的原值；缺值时写出第一个", "native values that mean nothing; the first is written for nothing"
    ),
    "default": Text("缺值时读入的标准值", "the canonical value that is read for nothing"),
    "also": Text("同值写出的其他路径", "more paths the value is written to"),
    "only": Text("只读入（in）或只写出（out）", "only read (in) or only written (out)"),
    "when": Text(
        "成立时才读入，写出时一并写出该条件", "the field is read only if this holds; writing it makes it hold"
    ),
    "else": Text(
        '`when` 不成立时，按该处的值读入的标准值，如 {"0": deleted}',
        'what is read where `when` does not hold, by the value there, as `{"0": deleted}`',
    ),
    "lossy": Text("声明损失及其原因", "why what is written may not read back the same"),
    "each": Text("原列表，以 [] 结尾", "the native list, ending in []"),
    "split": Text("文本的路径，或 {标准字段: 路径}", "the path of the text, or {canonical field: path}"),
    "on": Text("分隔字符，写出第一个", "the characters that separate; the first is written"),
    "parts": Text("{名称: 路径}，按转换器需要的名称", "{name: path}, the names as the converter needs them"),
    "is": Text("该处的值，按文本比较", "the value there, compared as text"),
    "in": Text("该处为其中之一；写出第一个", "one of these is there; the first is written"),
    "present": Text("该处是否有值", "whether anything is there"),
}
"""What each key means, in both languages."""
