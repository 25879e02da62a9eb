"""Check a mapping against the canonical document and the code tables; what is sound becomes a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from adapters.mapping import constants, syntax
from adapters.mapping.codes import CodeTable
from adapters.mapping.converters import BadArgument, Converter, Refused, build
from adapters.mapping.defaults import default_converter, is_text
from adapters.mapping.faults import Faults
from adapters.mapping.paths import EACH, Path, Step
from adapters.mapping.plan import Column, Node, Parallel, Parts, Plan, Rows, Scope, Target
from adapters.placeholders import BadTemplate
from adapters.source import BundleFinding, Keys
from schemas import documents
from schemas.codes import table
from schemas.documents import Field
from schemas.findings import Rejected, Text

ROOT = Path(())


def check(
    found: syntax.Syntax, name: str, codes: Mapping[str, CodeTable], settings: Collection[str] | None, faults: Faults
) -> Plan:
    """Resolve a mapping. Raises `BrokenBundle` with every fault, those gathered before included."""
    try:
        fields = documents.fields(found.document)
    except Rejected as error:
        if found.document:
            faults.add(("document",), "mapping.document", error.detail, _DOCUMENT)
        faults.stop()
        raise
    checking = _Checking(found.document, fields, codes, settings, faults)
    plan = checking.plan(found, name)
    faults.stop()
    return plan


class _Checking:
    """One pass over a mapping's syntax."""

    def __init__(
        self,
        document: str,
        fields: Mapping[str, Field],
        codes: Mapping[str, CodeTable],
        settings: Collection[str] | None,
        faults: Faults,
    ) -> None:
        self.fields = fields
        self.objects = documents.objects(document)
        self.codes = codes
        self.settings = settings
        self.faults = faults

    def plan(self, found: syntax.Syntax, name: str) -> Plan:
        root = self._scope(found.fields, "", ROOT)
        fixed = tuple(constant for one in found.constants if (constant := self._constant(one)))
        self._collisions(found)
        return Plan(name, found.document, root, fixed, found.ignored, found.unknown)

    def _scope(self, nodes: Sequence[syntax.Node], prefix: str, place: Path) -> Scope:
        checked = (self._node(node, prefix, place) for node in nodes)
        return Scope(prefix, place, tuple(node for node in checked if node), self._required(prefix))

    def _node(self, node: syntax.Node, prefix: str, place: Path) -> Node | None:
        if isinstance(node, syntax.Rows):
            return self._rows(node, prefix, place)
        if isinstance(node, syntax.Parallel):
            return self._parallel(node, prefix, place)
        if isinstance(node, syntax.Parts):
            return self._parts(node, prefix, place)
        return self._column(node, prefix, place)

    def _column(self, node: syntax.Column, prefix: str, place: Path) -> Column | None:
        targets = [self._target(name, prefix, node.keys) for name in node.names]
        chain = self._chain(node.conversions, node.keys)
        if chain is None or not all(targets):
            return None
        known = tuple(target for target in targets if target)
        if not self._fits(node, known, chain):
            return None
        listed = known[0].field.repeated and not any(step.gives in ("list", "tree") for step in chain)
        complete = self._complete(known, chain, node.keys)
        return Column(
            known,
            node.at,
            complete,
            self._with_default(node, known, complete),
            place,
            self._line(node.keys),
            listed,
            flat=not node.conversions and len(known) == 1 and not known[0].field.repeated and is_text(known[0].field),
        )

    def _fits(self, node: syntax.Column, targets: tuple[Target, ...], chain: Sequence[Converter]) -> bool:
        """Whether a list meets a list: told by the path, or by a converter that gives several values."""
        gives = {step.gives for step in chain}
        lists = [path.lists for path in node.at]
        several = targets[0].field.repeated
        if any(step.needs_parts for step in chain):
            return self._refuse(node.keys, "parts 的写法", "`parts`, as this converter reads several columns")
        if len(targets) > 1:
            if several or "list" not in gives or any(lists):
                return self._refuse(
                    node.keys, "一个值对应几个字段时用 {range: …}", "a converter such as {range: …} for several fields"
                )
            return True
        if "tree" in gives:
            return True
        if any(target.field.type == "object" for target in targets):
            return self._refuse(node.keys, "该对象的各个字段（或 each）", "the fields of this object (or `each`)")
        if not node.at:
            return True
        if several and ("list" in gives) == any(lists):
            return self._refuse(node.keys, "以 [] 表示的列表，或 split", "a list path with [], or `split`")
        if any(count > 1 or count != lists[0] for count in lists):
            return self._refuse(node.keys, "各含一个 [] 的路径", "paths with one [] each")
        if not several and ("list" in gives or any(lists)):
            return self._refuse(node.keys, "单个值（该字段不是列表）", "a single value: the field is not a list")
        return True

    def _refuse(self, keys: Keys, zh: str, en: str) -> bool:
        self.faults.shape(keys, zh, en)
        return False

    def _complete(self, targets: tuple[Target, ...], chain: tuple[Converter, ...], keys: Keys) -> tuple[Converter, ...]:
        field = targets[0].field
        self._coded(field, chain, keys)
        if not chain:
            return (default_converter(field),)
        if chain[-1].gives == "integer" and field.type != "integer":
            return (*chain, default_converter(field))
        return chain

    def _with_default(
        self, node: syntax.Column, targets: tuple[Target, ...], chain: tuple[Converter, ...]
    ) -> syntax.Rules:
        rules = node.rules
        if rules.default is syntax.NOTHING or len(targets) > 1:
            return rules
        field, value = targets[0].field, rules.default
        try:
            convert = default_converter(field).forward
            value = [convert(item) for item in value] if field.repeated else convert(value)
            self._known_code(field, value, (*node.keys, "default"))
        except (Refused, TypeError):
            self.faults.shape((*node.keys, "default"), "标准值", f"a canonical value ({field.type})")
        return replace(rules, default=value)

    def _known_code(self, field: Field, value: object, keys: Keys) -> None:
        if not field.codes:
            return
        for code in value if isinstance(value, list) else [value]:
            if code not in table(field.codes):
                known = "、".join(table(field.codes).codes)
                self.faults.shape(keys, f"标准代码：{known}", f"one of the canonical codes {known}")

    def _coded(self, field: Field, chain: Sequence[Converter], keys: Keys) -> None:
        for step in chain:
            if step.codes is not None and field.codes:
                self._code_table(step.codes, field, keys)

    def _code_table(self, native: CodeTable, field: Field, keys: Keys) -> None:
        canonical = table(field.codes or "").codes
        for code in native.strangers(canonical):
            self.faults.found.append(_stranger(native, code, field))
        if gaps := native.gaps(canonical):
            missing = "、".join(gaps)
            self.faults.warn(
                keys,
                "codes.gaps",
                Text(
                    f"码表 {native.name} 没有 {missing} 的原码", f"table {native.name} has no native code for {missing}"
                ),
                Text(
                    "请补上这些行，否则含有它们的文档无法写出",
                    "add rows for them: documents that hold them cannot be written",
                ),
            )

    def _rows(self, node: syntax.Rows, prefix: str, place: Path) -> Rows | None:
        target = self._object(node.name, prefix, node.keys)
        inner = node.path.under(place)
        scope = self._scope(node.fields, f"{prefix}{node.name}[].", inner)
        return Rows(target, node.path, scope, node.rules, place, self._line(node.keys)) if target else None

    def _parallel(self, node: syntax.Parallel, prefix: str, place: Path) -> Parallel | None:
        target = self._object(node.name, prefix, node.keys)
        below = f"{prefix}{node.name}[]."
        columns = [(self._target(name, below, (*node.keys, "split", name)), path) for name, path in node.columns]
        for name, path in node.columns:
            if path.lists:
                self.faults.shape((*node.keys, "split", name), "不含 [] 的路径", "a path without []")
        known = tuple((column, path) for column, path in columns if column)
        if target is None or len(known) != len(columns):
            return None
        required = self._required(below).get((), ())
        return Parallel(target, known, required, node.on, node.rules, place, self._line(node.keys))

    def _parts(self, node: syntax.Parts, prefix: str, place: Path) -> Parts | None:
        target = self._target(node.name, prefix, node.keys)
        chain = self._chain(node.conversions, node.keys)
        for name, path in node.columns:
            if path.lists:
                self.faults.shape((*node.keys, "parts", name), "不含 [] 的路径", "a path without []")
        if target is None or chain is None:
            return None
        if not chain[0].needs_parts or any(step.needs_parts for step in chain[1:]):
            self.faults.shape((*node.keys, "as"), "以 join 或 coordinates 开头", "join or coordinates first")
            return None
        return Parts(target, node.columns, chain, node.rules, place, self._line(node.keys))

    def _chain(self, conversions: Sequence[syntax.Conversion], keys: Keys) -> tuple[Converter, ...] | None:
        made = [self._converter(conversion) for conversion in conversions]
        if sum(step is not None and step.gives == "list" for step in made) > 1:
            self.faults.shape(
                (*keys, "as"), "最多一个给出多个值的转换器", "at most one converter that gives several values"
            )
            return None
        return None if None in made else tuple(step for step in made if step)

    def _converter(self, conversion: syntax.Conversion) -> Converter | None:
        try:
            return build(conversion.name, conversion.argument, self.codes)
        except BadArgument as error:
            self.faults.argument(conversion.keys, error)
            return None

    def _target(self, name: str, prefix: str, keys: Keys) -> Target | None:
        path = prefix + name
        for known in (self.fields, self.objects):
            field = known.get(path) or known.get(f"{path}[]")
            if field is not None:
                return Target(tuple(name.split(".")), field)
        self._unknown(path, keys)
        return None

    def _object(self, name: str, prefix: str, keys: Keys) -> Target | None:
        field = self.objects.get(f"{prefix}{name}[]")
        if field is not None:
            return Target(tuple(name.split(".")), field)
        self._unknown(prefix + name, keys)
        return None

    def _unknown(self, path: str, keys: Keys) -> None:
        names = [*self.fields, *self.objects]
        close = get_close_matches(path, names, 3) or names[:5]
        self.faults.add(
            keys,
            "mapping.field",
            Text(f"标准文档中没有字段 {path}", f"the document has no such field: {path}"),
            Text(f"相近的字段：{'、'.join(close)}", f"the nearest are: {', '.join(close)}"),
        )

    def _required(self, prefix: str) -> Mapping[tuple[str, ...], tuple[Target, ...]]:
        """The required fields of each container in a scope, by the container's steps."""
        found: dict[tuple[str, ...], list[Target]] = defaultdict(list)
        for path, field in [*self.fields.items(), *self.objects.items()]:
            rest = path.removeprefix(prefix).removesuffix("[]")
            if field.required and path.startswith(prefix) and "[]" not in rest and rest:
                *container, _ = steps = tuple(rest.split("."))
                found[tuple(container)].append(Target(steps, field))
        return {container: tuple(targets) for container, targets in found.items()}

    def _constant(self, one: syntax.Constant) -> constants.Constant | None:
        try:
            unknown = constants.strangers(one.value, self.fields, self.settings)
            write = constants.writer(one.value, self.fields)
        except BadTemplate as error:
            self.faults.add(one.keys, "mapping.placeholder", Text(f"占位符有误：{error}", str(error)), _PLACEHOLDER)
            return None
        for name in sorted(unknown):
            self.faults.add(
                one.keys, "mapping.placeholder", Text(f"没有 {{{name}}}", f"there is no {{{name}}}"), _PLACEHOLDER
            )
        return constants.Constant(one.path, one.value, write, self._line(one.keys))

    def _collisions(self, found: syntax.Syntax) -> None:
        """Two fields may share a native place only where `when` tells which of them it holds."""
        places = [*_places(found.fields, ROOT), *(_Place(one.path.steps, one.keys) for one in found.constants)]
        seen: dict[tuple[Step, ...], _Place] = {}
        for place in places:
            first = seen.setdefault(place.own, place)
            if first.keys != place.keys and not (place.conditional and first.conditional):
                self._collision(place, self._line(first.keys))
        lists = {place.steps[:depth] for place in places for depth in place.lists}
        leaves = {place.steps for place in places if place.steps[-1] is not EACH}
        for place in places:
            if wrong := place.crossing(lists, leaves):
                head = Path(wrong)
                self.faults.shape(
                    place.keys,
                    f"与 {head} 的其他写法一致的路径",
                    f"a path that agrees with the others on what {head} is",
                )

    def _collision(self, place: _Place, line: int) -> None:
        path = Path(place.steps)
        self.faults.add(
            place.keys,
            "mapping.collision",
            Text(f"原字段 {path} 已由第 {line} 行写出", f"{path} is already written by line {line}"),
            Text(
                "请用 when 区分，或用 only: in 只读入", "tell them apart with `when`, or only read it with `only: in`"
            ),
        )

    def _line(self, keys: Keys) -> int:
        return self.faults.source.line(*keys)


@dataclass(frozen=True, slots=True)
class _Place:
    """A native place that something writes; `conditional`: under a `when`; `rows`: it is a list of objects."""

    steps: tuple[Step, ...]
    keys: Keys
    conditional: bool = False
    scope: int = 0

    @property
    def lists(self) -> tuple[int, ...]:
        """Where the names of lists end."""
        return tuple(depth for depth, step in enumerate(self.steps) if step is EACH)

    @property
    def own(self) -> tuple[Step, ...]:
        """What nothing else may write: a list that the field makes itself is its own as a whole."""
        return next((self.steps[: depth + 1] for depth in self.lists if depth >= self.scope), self.steps)

    def crossing(self, lists: Collection[tuple[Step, ...]], leaves: Collection[tuple[Step, ...]]) -> tuple[Step, ...]:
        """The part of the path that others take for a list or a single value; empty when all agree."""
        for depth in range(1, len(self.steps) + 1):
            head, then = self.steps[:depth], self.steps[depth : depth + 1]
            inside = bool(then) and not str(then[0]).startswith("@") and head in leaves
            if (head in lists and then != (EACH,)) or inside:
                return head
        return ()


def _places(nodes: Sequence[syntax.Node], place: Path) -> list[_Place]:
    found: list[_Place] = []
    scope = len(place.steps)
    for node in nodes:
        if not node.rules.writes:
            continue
        if isinstance(node, syntax.Rows):
            rows = node.path.under(place)
            found += [_Place(rows.steps, node.keys, scope=scope), *_places(node.fields, rows)]
            continue
        first = node.at[:1] if isinstance(node, syntax.Column) else tuple(path for _, path in node.columns)
        conditional = node.rules.when is not None
        paths = (*first, *node.rules.also)
        found += [_Place(path.under(place).steps, node.keys, conditional, scope) for path in paths]
    return found


def _stranger(native: CodeTable, code: str, field: Field) -> BundleFinding:
    line = next(native.lines[one] for one, canonical in native.inward.items() if canonical == code)
    known = "、".join(table(field.codes or "").codes)
    return BundleFinding(
        "codes.stranger",
        Text(f"{code} 不是“{field.title}”的标准代码", f"{code} is not a canonical code of {field.path}"),
        Text(f"标准代码：{known}", f"the canonical codes are: {known}"),
        f"codes/{native.name}.csv",
        line,
    )


_DOCUMENT = Text("请写文档名和版本，如 penalty-decision/1", "write a document and its version, as penalty-decision/1")
_PLACEHOLDER = Text(
    "可用 delivery_id、message_id、accepted_at、count、标准字段和设置；花括号写作 {{ 与 }}",
    "use delivery_id, message_id, accepted_at, count, a canonical field or a setting; write {{ and }} for braces",
)
