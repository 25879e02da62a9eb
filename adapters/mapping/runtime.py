"""What generated functions call: the less frequent cases of reading and writing, and their findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.mapping.converters import Converter, OutsideDomain
from adapters.mapping.converters.lists import Splitter
from adapters.mapping.converters.texts import text_of
from adapters.mapping.plan import TEXT
from adapters.mapping.syntax import Condition
from adapters.paths import Path
from schemas.budget import FINDINGS, more
from schemas.documents.characters import REWRITTEN, is_rewritten, rewritten_text
from schemas.documents.masking import shown
from schemas.findings import Finding, Text
from schemas.identifiers import Identifier

Index = tuple[int, ...]
EMPTY: dict[str, Any] = {}
"""What an absent object reads as. Never written to."""

_SINGLE = Text("单个值", "a single value")
_OBJECT = Text("对象", "an object")


class EnoughFound(Exception):
    """There are as many findings as anybody is told: the translation ends here."""

    def __init__(self, found: list[Finding]) -> None:
        super().__init__(len(found))
        self.found = found


def note(found: list[Finding], finding: Finding) -> None:
    """Add a finding; raises `EnoughFound` with the first that is one too many, which says so."""
    if len(found) >= FINDINGS:
        found.append(more())
        raise EnoughFound(found)
    found.append(finding)


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """Where a field stands on both sides; `[]` in the paths is filled in with the indexes of the moment."""

    path: str
    field: str
    title: str
    personal: bool = False
    identity: bool = False

    def finding(self, code: str, zh: str, en: str, index: Index, value: Any = None) -> Finding:
        """Make a finding about this field."""
        return Finding(
            code,
            Text(zh, en),
            path=_indexed(self.path, index),
            field=_indexed(self.field, index),
            title=self.title,
            value=shown(value, personal=self.personal, identity=self.identity),
        )


def _indexed(path: str, index: Index) -> str:
    for position in index:
        path = path.replace("[]", f"[{position}]", 1)
    return path


def refused(found: list[Finding], label: FieldLabel, value: Any, error: OutsideDomain, index: Index) -> None:
    """Note that a converter did not take a value."""
    value = getattr(error, "value", value)
    title = label.title or label.field
    if is_rewritten(value) or error.code == REWRITTEN:
        said = rewritten_text(title)
        note(found, label.finding(REWRITTEN, said.zh, said.en, index, value))
        return
    zh = f"“{title}”的值不符，应为{error.expected.zh}。"
    en = f"{_indexed(label.field or label.path, index)}: expected {error.expected.en}."
    note(found, label.finding(error.code, zh, en, index, value))


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition (`when`) under which a field is read, as it is told: where, and what must be there."""

    path: str
    wanted: Text

    @classmethod
    def of(cls, when: Condition, base: Path) -> Gate:
        """Describe a condition of a scope that starts at `base`."""
        path = str(when.path.under(base))
        if when.present is not None:
            return cls(path, Text("有值时", "is there") if when.present else Text("无值时", "is not there"))
        zh = "、".join(value or "空" for value in when.values)
        en = " or ".join(value or "empty" for value in when.values)
        return cls(path, Text(f"为 {zh} 时", f"is {en}"))


def lacking(
    made: Mapping[str, Any],
    labels: Mapping[str, FieldLabel],
    found: list[Finding],
    index: Index,
    shut: Mapping[str, Gate],
) -> None:
    """Note each required field that was not made, unless its value has been refused already.

    `shut` are the conditions that do not hold, by the field that each leaves out.
    """
    # A refused value was reported already: to call it missing too would be a second finding for one fault.
    known = [one.field for one in found]
    for name, label in labels.items():
        field = _indexed(label.field, index)
        if name not in made and not any(one == field or one.startswith(f"{field}.") for one in known):
            note(found, _left_out(label, shut[name], index) if name in shut else _lack(label, index))


def _left_out(label: FieldLabel, gate: Gate, index: Index) -> Finding:
    """Tell a field that a condition left out by the condition's place: to fill in the field would not help."""
    path, own = _indexed(gate.path, index), _indexed(label.path, index)
    return Finding(
        "mapping.incomplete",
        Text(
            f"缺少必填项“{label.title}”：{own} 仅在 {path} {gate.wanted.zh}读入；请核对 {path}。",
            f"{label.field} is required, and {own} is read only where {path} {gate.wanted.en}: correct {path}.",
        ),
        path=path,
        field=_indexed(label.field, index),
        title=label.title,
    )


def _lack(label: FieldLabel, index: Index) -> Finding:
    if not label.path:
        zh, en = (
            f"映射没有给出必填项“{label.title}”。",
            f"the mapping does not produce {label.field}, which is required.",
        )
    else:
        path = _indexed(label.path, index)
        zh, en = f"缺少必填项“{label.title}”，请填写 {path}。", f"{label.field} is required: fill in {path}."
    return label.finding("mapping.incomplete", zh, en, index)


def bare(value: Any, none: Collection[str]) -> Any:
    """Give a leaf that is not a plain text as a scalar: `""` when it means nothing. Raises `OutsideDomain`."""
    if value.__class__ is dict and TEXT in value:
        value = value[TEXT]
    if value.__class__ is str:
        value = value.strip()
    if value.__class__ is dict or value.__class__ is list:
        # An empty element with attributes, as `<DATE type="date"/>`, is as empty as one without.
        if not value or (value.__class__ is dict and all(name.startswith("@") for name in value)):
            return ""
        raise OutsideDomain("native.shape", _SINGLE)
    return "" if none and word(value) in none else value


def bare_text(value: Any, none: Collection[str]) -> str:
    """`bare`, as text."""
    found = bare(value, none)
    return "" if found is None else text_of(found)


def word(value: Any) -> str:
    """Give a scalar as rules compare it: `0` is `"0"`, true is `"true"`, nothing is empty."""
    if value.__class__ is dict:
        value = value.get(TEXT)
    if value.__class__ is str:
        return value.strip()
    if value is None or value.__class__ is list or value.__class__ is dict:
        return ""
    if value.__class__ is bool:
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def there(value: Any) -> bool:
    """Whether a native value is there and not blank."""
    return bool(value) if isinstance(value, dict | list) else word(value) != ""


def rightful(value: Any, holds: Sequence[bool], identifiers: Sequence[type[Identifier]]) -> int:
    """Tell which of the fields that share a place its value belongs to, by position; -1 when no condition holds.

    It is the first whose condition holds and whose form the value has, else the first whose condition
    holds, so that a value of no form is told where it stands.
    """
    possible = [position for position, one in enumerate(holds) if one]
    text = word(value)
    fitting = (position for position in possible if identifiers[position].takes(text))
    return next(fitting, possible[0] if possible else -1)


def inside(value: Any, label: FieldLabel, known: Collection[str], found: list[Finding], index: Index) -> dict[str, Any]:
    """Return a value as an object: EMPTY for nothing, an element's text under `#text`, else EMPTY and a finding."""
    if value is None or value == [] or (word(value) == "" and not isinstance(value, dict | list)):
        return EMPTY
    if value.__class__ is dict:
        return value
    if TEXT in known and not isinstance(value, list):
        return {TEXT: value}
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return value[0]
    refused(found, label, value, OutsideDomain("native.shape", _OBJECT), index)
    return EMPTY


def elements(value: Any, after: tuple[str, ...], none: Collection[str]) -> list[Any]:
    """Give the scalars of a list, those that mean nothing left out; a single one counts as a list."""
    found = []
    for item in value if value.__class__ is list else (value,):
        for step in after:
            item = item.get(step) if isinstance(item, dict) else None
        if item is not None and (item := bare(item, none)) not in (None, ""):
            found.append(item)
    return found


def nested(values: Sequence[Any], after: tuple[str, ...]) -> list[Any]:
    """Put each value under the names that follow the list in its path."""
    made = list(values)
    for step in reversed(after):
        made = [{step: value} for value in made]
    return made


def gathered(values: Sequence[Any], names: tuple[str, ...], none: Collection[str]) -> dict[str, Any] | None:
    """Give several columns by name, None when not one is there."""
    found = [_or_none(bare(value, none)) for value in values]
    return dict(zip(names, found, strict=True)) if any(value is not None for value in found) else None


def _or_none(value: Any) -> Any:
    return None if value == "" else value


def reorder(made: dict[str, Any], names: Sequence[str]) -> None:
    """Put the entries of an object in the order of `names`; any others stay before them."""
    for name in names:
        if name in made:
            made[name] = made.pop(name)


def spread(made: Any, names: tuple[str, ...]) -> Sequence[Any]:
    """Give a written value's columns in the order of their names. Raises `OutsideDomain` for too many or too few."""
    if isinstance(made, Mapping):
        return [made.get(name) for name in names]
    if len(made) != len(names):
        raise OutsideDomain("value.parts", Text(f"{len(names)} 个部分", f"{len(names)} parts"))
    return list(made)


def strange(tree: Mapping[str, Any], known: Collection[str], path: str, drift: dict[str, None]) -> None:
    """Note the names nobody mapped, as many as are told."""
    for name in tree:
        if len(drift) > FINDINGS:
            return
        if name not in known:
            drift[f"{path}.{name}" if path else name] = None


def strange_rows(values: Any, known: Collection[str], path: str, drift: dict[str, None]) -> None:
    """Note the names nobody mapped in the elements of a list."""
    for item in values if values.__class__ is list else (values,):
        if item.__class__ is dict and len(drift) <= FINDINGS:
            strange(item, known, path, drift)


def elementwise(convert: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """Apply a conversion to each element; a refusal carries the value of its element, not the whole list."""

    def run(values: Any) -> list[Any]:
        made = []
        for value in values:
            try:
                made.append(None if value is None else convert(value))
            except OutsideDomain as error:
                error.value = value  # type: ignore[attr-defined]
                raise
        return made

    return run


def reader(chain: Sequence[Converter], listed: bool, count: int) -> Callable[[Any], Any]:
    """One function for a chain, native → canonical; `count` targets share its values."""
    return _composed([(step.forward, many) for step, many in _levels(chain, listed)], count)


def writer(chain: Sequence[Converter], listed: bool, *, loose: bool) -> Callable[[Any], Any]:
    """One function for a chain, canonical → native."""
    steps = [(step.writer(loose=loose), many) for step, many in _levels(chain, listed)]
    return _composed(steps[::-1], 1)


def _levels(chain: Sequence[Converter], listed: bool) -> list[tuple[Converter, bool]]:
    # From the first step that gives a list, every later step runs once for each element.
    levels, many = [], listed
    for step in chain:
        levels.append((step, many))
        many = many or step.gives == "list"
    return levels


def _composed(steps: list[tuple[Callable[[Any], Any], bool]], count: int) -> Callable[[Any], Any]:
    functions = [elementwise(function) if many else function for function, many in steps]
    if count > 1:
        functions.append(_exactly(count))
    if len(functions) == 1:
        return functions[0]

    def run(value: Any) -> Any:
        for function in functions:
            value = function(value)
        return value

    return run


def _exactly(count: int) -> Callable[[Any], Any]:
    def run(values: Any) -> Any:
        if len(values) != count:
            raise OutsideDomain("value.count", Text(f"{count} 个值", f"{count} values"))
        return values

    return run


@dataclass(frozen=True, slots=True)
class ParallelColumns:
    """Strings of equally many values ↔ objects."""

    names: tuple[str, ...]
    converters: tuple[Converter, ...]
    split: Splitter
    none: tuple[str, ...]
    loose: bool

    def read(self, values: Sequence[Any]) -> list[dict[str, Any]]:
        """Make one object of the first values, one of the second, and so on. Raises `OutsideDomain` when uneven."""
        lists = [self._pieces(value) for value in values]
        longest = max(map(len, lists))
        if any(found and len(found) != longest for found in lists):
            counts = " / ".join(str(len(found)) for found in lists)
            raise _uneven(
                values, Text(f"各列个数相同（现为 {counts}）", f"as many values in each column (now {counts})")
            )
        rows: list[dict[str, Any]] = [{} for _ in range(longest)]
        for name, converter, found in zip(self.names, self.converters, lists, strict=True):
            for row, value in zip(rows, found, strict=False):
                if value not in self.none:
                    row[name] = converter.forward(value)
        return rows

    def _pieces(self, value: Any) -> list[str]:
        text = value if value.__class__ is str else "" if value is None else bare_text(value, self.none)
        return [] if text.strip() in self.none else self.split.pieces(text)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Write each column, None for one that no object has.

        One that only some objects have holds the first of `none` for the others; without `none` it
        raises `OutsideDomain`.
        """
        return [
            self._column([row.get(name) for row in rows], converter)
            for name, converter in zip(self.names, self.converters, strict=True)
        ]

    def _column(self, values: Sequence[Any], converter: Converter) -> str | None:
        if all(value is None for value in values):
            return None
        if self.loose:
            return self.split.characters[0].join(
                "" if value is None else text_of(converter.backward(value)) for value in values
            )
        if not self.none and any(value is None for value in values):
            raise _uneven(values, Text("每项都有值，或都没有", "a value in every element or in none"))
        return self.split.joined([self.none[0] if value is None else converter.backward(value) for value in values])


def _uneven(values: Sequence[Any], expected: Text) -> OutsideDomain:
    return OutsideDomain("value.uneven", expected)
