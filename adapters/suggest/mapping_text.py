"""The mapping file of a draft: sure entries written out, the others as comments that a human enables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.paths import EACH, render
from adapters.suggest import fitting, shapes, units
from adapters.suggest.coding import DraftTable
from adapters.suggest.columns import SampleColumn, Steps, Table
from adapters.suggest.fitting import Level
from adapters.suggest.judging import CONFIDENT, RIVALS, Candidate, Suggestion
from adapters.suggest.operation import DraftOperation
from adapters.suggest.terms import NO_FIELD
from adapters.suggest.yaml_text import comment, comments, flow, text
from schemas import documents
from schemas.documents import Field
from schemas.identifiers import DocumentNumber, IndustryCode

_HEAD = (
    "由样例起草。每行末尾是置信度与理由；达到 {confident} 的已写成条目，其余为注释，由人决定：",
    "确认的，去掉行首的“# ”；不需要的列，移入 ignored。改完运行 hutong adapter check。",
)


def mapping(operation: DraftOperation) -> str:
    """Write the mapping of an operation; it always has at least one field."""
    return _Writing(operation).whole()


class _Writing:
    """One mapping file."""

    def __init__(self, operation: DraftOperation) -> None:
        self.operation = operation
        self.fields = documents.fields(operation.document)
        self.sure, self.needless = operation.sure, operation.needless
        self.asked, self.unknown = operation.asked, operation.unknown
        self.written: set[str] = set()

    def whole(self) -> str:
        head = comments(line.format(confident=f"{CONFIDENT:.2f}") for line in _HEAD)
        body = [*head, f"document: {self.operation.document}", "fields:", *self._entries()]
        return "\n".join([*body, *self._asked(), *self._missing(), *self._ignored(), *self._unknown(), ""])

    def _entries(self) -> list[str]:
        lines = [*self._plain(self._ordered(None)), *self._lists()]
        return lines or self._likeliest()

    def _ordered(self, items: Steps | None) -> list[Suggestion]:
        order = {path: at for at, path in enumerate(self.fields)}
        mine = [one for one in self.sure if one.column.items == items]
        return sorted(mine, key=lambda one: order.get(one.target.split(", ")[0], 0))

    def _plain(self, suggestions: Sequence[Suggestion]) -> Iterator[str]:
        parallel: dict[str, list[Suggestion]] = defaultdict(list)
        for one in suggestions:
            container, listed, _ = one.target.partition("[].")
            if listed:
                parallel[container].append(one)
            else:
                yield self._line(one, one.candidates[0], "  ")
        for container, columns in parallel.items():
            yield from self._parallel(container, columns)
            self.written.add(container)

    def _line(self, one: Suggestion, candidate: Candidate, indent: str, *, inside: str = "") -> str:
        written = self._entry(one, candidate, one.column.steps if not inside else _below(one.column.steps))
        name = ", ".join(part.removeprefix(inside).removesuffix("[]") for part in candidate.target.split(", "))
        said = "；".join((f"{candidate.confidence:.2f} {candidate.reason}", *written.notes))
        return f"{indent}{text(name) if ',' not in name else flow(name)}: {_flow(written.value)}  {comment(said)}"

    def _entry(self, one: Suggestion, candidate: Candidate, steps: Steps) -> DraftEntry:
        known = tuple(self.fields[part] for part in candidate.target.split(", "))
        return entry(known, one.column, render(steps), self.operation.table, self.operation.tables)

    def _parallel(self, container: str, columns: Sequence[Suggestion]) -> Iterator[str]:
        """Several values in one text each: the names, and the numbers beside them."""
        yield from (
            f"  {comment(f'{one.column.path}：{one.confidence:.2f} {one.candidates[0].reason}')}" for one in columns
        )
        on = next((found for one in columns if (found := shapes.separator(one.column.values))), COMMAS)
        split = {one.target.rpartition(".")[2]: one.column.path for one in columns}
        none = list(dict.fromkeys(word for one in columns for word in one.column.none))
        value: dict[str, Any] = {"split": split, "on": on, **({"none": none} if none else {})}
        yield f"  {container}: {flow(value)}"

    def _lists(self) -> Iterator[str]:
        """Lists of objects; two native lists taken for one canonical list would be one key too many."""
        places = dict.fromkeys(one.column.items for one in self.sure if one.column.items)
        for items in places:
            mine = self._ordered(items)
            container = mine[0].target.partition("[].")[0]
            lines = [
                f"  {container}:",
                f"    each: {text(render(items or ()), inside=False)}",
                "    fields:",
                *(self._line(one, one.candidates[0], "      ", inside=f"{container}[].") for one in mine),
                *self._asked_inside(items, container),
            ]
            yield from lines if container not in self.written else comments(lines, "  ")
            self.written.add(container)

    def _asked_inside(self, items: Steps | None, container: str) -> Iterator[str]:
        """The columns of a list that a human must decide about, where they would stand."""
        inside = f"{container}[]."
        mine = [one for one in self.asked if one.column.items == items and one.target.startswith(inside)]
        if container in self.written:
            return
        for one in mine:
            yield f"      # {self._line(one, one.candidates[0], '', inside=inside)}"
        self.asked = tuple(one for one in self.asked if one not in mine)

    def _likeliest(self) -> list[str]:
        """Nothing is sure: the likeliest one alone is written, since a mapping without fields cannot be read."""
        best = self.operation.likeliest
        if best is None:
            return []
        self.asked = tuple(one for one in self.asked if one is not best)
        return [
            f"  {comment('没有一列有把握；下一行仅为最可能的，请核对')}",
            self._line(best, best.candidates[0], "  "),
        ]

    def _asked(self) -> Iterator[str]:
        if self.asked:
            yield f"  {comment('—— 待人工决定 ——')}"
        for one in self.asked:
            rest = [_told(candidate) for candidate in one.candidates[1:4]]
            note = f"{one.note}，" if one.note else ""
            best = one.candidates[0]
            if best.target == NO_FIELD or one.column.items or "[]." in best.target:
                yield f"  {comment(f'{one.column.path}：{note}可能是 ' + '；'.join([_told(best), *rest]))}"
            else:
                yield f"  # {self._line(one, best, '')}"
                if rest:
                    yield f"  {comment(f'  {one.column.path}：{note}也可能是 ' + '；'.join(rest))}"
        yield from self._together()

    def _together(self) -> Iterator[str]:
        """Several columns as likely for one field may all be read, the first that holds something."""
        groups: dict[str, list[Suggestion]] = defaultdict(list)
        for one in self.asked:
            if one.note.startswith(RIVALS) and not one.column.lists and "[" not in one.target:
                groups[one.target].append(one)
        for target, some in groups.items():
            if len(some) > 1:
                merged = {"at": [one.column.path for one in some]}
                yield f"  # {target}: {flow(merged)}  {comment('几列都用：读第一个有值的，写第一个')}"

    def _missing(self) -> Iterator[str]:
        for path in self.operation.missing:
            field = self.fields[path]
            yield f"  {comment(f'必填而未映射：{path} {field.title}；{_offered(field, self.asked, self.unknown)}')}"

    def _ignored(self) -> Iterator[str]:
        if self.needless:
            yield "ignored:"
        for one in self.needless:
            best = one.candidates[0]
            said = comment(f"{best.confidence:.2f} {best.reason}；文书没有对应字段")
            yield f"  - {text(one.column.path, inside=True)}  {said}"

    def _unknown(self) -> Iterator[str]:
        yield "unknown: warn"
        if self.unknown:
            yield comment("不认识的列；确认不需要的，移入 ignored：")
        for one in self.unknown:
            yield comment(f"  - {text(one.column.path, inside=True)}  {_shown(one)}")
        for name in self.operation.table.left_out:
            yield comment(f"  无法映射的列（名称过长、含控制字符，或列数过多）：{name}")


def _flow(value: Any) -> str:
    return text(value) if isinstance(value, str) else flow(value)


def _below(steps: Steps) -> Steps:
    """The steps inside the innermost list."""
    ends = [index for index, step in enumerate(steps[:-1]) if step is EACH]
    return steps[ends[-1] + 1 :] if ends else steps


def _told(candidate: Candidate) -> str:
    what = "无对应字段" if candidate.target == NO_FIELD else f"{candidate.target} {candidate.title}"
    return f"{what}（{candidate.confidence:.2f} {candidate.reason}）"


def _offered(field: Field, asked: Sequence[Suggestion], unknown: Sequence[Suggestion]) -> str:
    """The columns that may hold a field: by name, else the unknown ones whose values would suit."""
    named = [one.column.path for one in asked if any(field.path in c.target.split(", ") for c in one.candidates)]
    if named:
        return f"候选列：{'、'.join(named[:5])}"
    enough = (Level.TYPED, Level.STRONG)
    suited = [one.column.path for one in (*unknown, *asked) if fitting.fit(field, one.column).level in enough]
    return f"值的类型相符的列：{'、'.join(suited[:8])}" if suited else "样例中没有像它的列"


def _shown(one: Suggestion) -> str:
    """What kind of values an unknown column holds; never the values, which may be personal."""
    column = one.column
    if not column.values:
        return "样例中没有值"
    if shapes.dates(column.values):
        return "值为日期或时间"
    if all(shapes.number(value) is not None for value in column.values):
        return "值为数"
    return f"值为文本，{len(column.values)} 种"


# ── one column: its path, the converters its values need, what means nothing ─────────────────────
COMMAS = ",，、;"


@dataclass(frozen=True, slots=True)
class DraftEntry:
    """An entry of `fields`: a plain path, or a map; `notes` are for the comment beside it."""

    value: Any
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def entry(
    known: tuple[Field, ...], column: SampleColumn, path: str, table: Table, codes: Mapping[str, DraftTable]
) -> DraftEntry:
    """Write the entry of a column for one canonical field (two for a range). `codes`: code tables by canonical name."""
    first = known[0]
    parts = _Parts()
    listed = column.steps[-1] is EACH
    if first.repeated and not listed:
        on = shapes.separator(column.values) or ("；;" if first.type == "text" and "basis" in first.path else COMMAS)
        parts.keys = {"split": path, "on": on}
    else:
        parts.keys = {"at": path}
    _convert(parts, known, column, table, codes)
    if column.none:
        parts.keys["none"] = list(column.none)
    if set(parts.keys) == {"at"}:
        return DraftEntry(path, tuple(parts.notes))
    lossy = parts.keys.pop("lossy", None)
    return DraftEntry({**parts.keys, **({"lossy": lossy} if lossy else {})}, tuple(parts.notes))


def _convert(
    parts: _Parts, known: tuple[Field, ...], column: SampleColumn, table: Table, codes: Mapping[str, DraftTable]
) -> None:
    first = known[0]
    if len(known) > 1:
        _range(parts, column)
    elif first.type in ("date", "datetime"):
        _moment(parts, first, column)
    elif first.type == "money":
        _money(parts, first, column, table)
    elif first.type == "region":
        _region(parts, column)
    elif first.type == "bool":
        _bool(parts, column)
    elif first.type == "code":
        _code(parts, first, codes)
    elif first.type == "decimal":
        parts.keys["as"] = "dms" if shapes.is_dms(column.values) else "decimal"
    elif first.identifier in (DocumentNumber, IndustryCode):
        parts.keys["as"] = first.identifier.name if first.identifier else "text"


def _range(parts: _Parts, column: SampleColumn) -> None:
    mark = shapes.is_range(column.values) or "至"
    days = tuple(day.strip() for text in column.values for day in text.split(mark))
    patterns = shapes.dates(days)
    date = {"date": patterns[0] if len(patterns) == 1 else list(patterns)}
    parts.keys["as"] = {"range": mark} if patterns in ((), ("%Y-%m-%d",)) else [{"range": mark}, date]


def _moment(parts: _Parts, known: Field, column: SampleColumn) -> None:
    unit = shapes.epoch(column.values)
    patterns = shapes.dates(column.values)
    if unit and not patterns and known.type == "datetime":
        parts.keys["as"] = {"epoch": unit}
        return
    if not patterns:
        patterns = ("%Y-%m-%d",) if known.type == "date" else ("%Y-%m-%d %H:%M:%S",)
        parts.notes.append("样例中没有能读的日期，格式待核对")
    parts.keys["as"] = {known.type: patterns[0] if len(patterns) == 1 else list(patterns)}
    if known.type == "datetime" and patterns[0] in shapes.DATES:
        parts.keys["lossy"] = "原值只有日期，没有时刻"
    elif known.type == "datetime" and "%S" not in patterns[0]:
        parts.keys["lossy"] = "原值只到分，没有秒"


def _money(parts: _Parts, known: Field, column: SampleColumn, table: Table) -> None:
    found = units.unit(column, table, fine="investment" not in known.path)
    if found is None:
        parts.notes.append("单位待核对：decimal 为元，{scale: 10000} 为万元")
    else:
        parts.notes.append(found.reason)
    read = units.amounts(column.values)
    scale: list[Any] = [{"scale": found.factor}] if found is not None and found.factor != 1 else []
    chain = [*(read.chain if read else ()), *scale] or ["decimal"]
    parts.keys["as"] = chain[0] if len(chain) == 1 else chain


def _bool(parts: _Parts, column: SampleColumn) -> None:
    found = shapes.yes_no(column.values)
    if found is not None and found != (("true",), ("false",)):
        parts.keys["as"] = {"bool": [list(words) if len(words) > 1 else words[0] for words in found]}


def _region(parts: _Parts, column: SampleColumn) -> None:
    if column.values and not column.values[0].isdigit():
        above = shapes.region_above(column.values)
        on = "/" if any("/" in text for text in column.values) else ""
        said = {**({"within": above} if above else {}), **({"on": on} if on != "/" else {})}
        parts.keys["as"] = {"region-name": said} if said else "region-name"
        return
    widths = {len(text) for text in column.values}
    parts.keys["as"] = "region-code" if widths <= {6} or len(widths) != 1 else {"region-code": widths.pop()}


def _code(parts: _Parts, known: Field, codes: Mapping[str, DraftTable]) -> None:
    drafted = codes.get(known.path)
    if drafted is None:
        return
    parts.keys["as"] = {"code": drafted.name}
    if drafted.unknown:
        parts.notes.append(f"码表 codes/{drafted.name}.csv 待补：{'、'.join(drafted.unknown)}")
    if drafted.offered:
        parts.notes.append("公开码表为 " + "、".join(f"{native} {title}" for native, _, title in drafted.offered))
