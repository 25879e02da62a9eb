"""The mapping file of a draft: sure entries written out, the others as comments that a human enables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from adapters.paths import EACH, render
from adapters.suggest import fitting, shapes
from adapters.suggest.columns import Steps
from adapters.suggest.entries import COMMAS, DraftEntry, entry
from adapters.suggest.fitting import Level
from adapters.suggest.judging import CONFIDENT, RIVALS, Candidate, Suggestion
from adapters.suggest.operation import DraftOperation
from adapters.suggest.terms import NO_FIELD
from adapters.suggest.yaml_text import comment, comments, flow, text
from schemas import documents
from schemas.documents import Field

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
