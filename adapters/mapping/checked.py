"""Check a mapping against the canonical document and the code tables; what is sound becomes a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from msgspec.structs import replace

from adapters.mapping import constants, syntax
from adapters.mapping.canonical_fields import check_codes, check_tables, default_converter, is_text
from adapters.mapping.codes import CodeTable
from adapters.mapping.collisions import look_for_collisions
from adapters.mapping.converters import BadArgument, Converter, OutsideDomain, build
from adapters.mapping.fault_list import FaultList
from adapters.mapping.plan import Column, Node, Parallel, Parts, Plan, Rows, Scope, Target
from adapters.paths import Path
from adapters.placeholders import BadTemplate
from adapters.source import Keys
from schemas import documents
from schemas.documents import Field
from schemas.findings import Rejected, Text

ROOT = Path(())


def check(
    found: syntax.Syntax, name: str, codes: Mapping[str, CodeTable], settings: Collection[str] | None, faults: FaultList
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
        faults: FaultList,
    ) -> None:
        self.fields = fields
        self.objects = documents.objects(document)
        self.codes = codes
        self.settings = settings
        self.faults = faults

    def plan(self, found: syntax.Syntax, name: str) -> Plan:
        root = self._scope(found.fields, "", ROOT)
        fixed = tuple(constant for one in found.constants if (constant := self._constant(one)))
        look_for_collisions(found, self.faults)
        return Plan(name, found.document, root, fixed, found.ignored, found.unknown)

    def _scope(self, nodes: Sequence[syntax.FieldEntry], prefix: str, place: Path) -> Scope:
        checked = (self._node(node, prefix, place) for node in nodes)
        return Scope(prefix, place, tuple(node for node in checked if node), self._required(prefix))

    def _node(self, node: syntax.FieldEntry, prefix: str, place: Path) -> Node | None:
        if isinstance(node, syntax.RowsEntry):
            return self._rows(node, prefix, place)
        if isinstance(node, syntax.ParallelEntry):
            return self._parallel(node, prefix, place)
        if isinstance(node, syntax.PartsEntry):
            return self._parts(node, prefix, place)
        return self._column(node, prefix, place)

    def _column(self, node: syntax.ColumnEntry, prefix: str, place: Path) -> Column | None:
        targets = [self._target(name, prefix, node.keys) for name in node.names]
        chain = self._chain(node.conversions, node.keys)
        if chain is None or not all(targets):
            return None
        known = tuple(target for target in targets if target)
        if not self._fits(node, known, chain):
            return None
        listed = known[0].field.repeated and not any(step.gives in ("list", "tree") for step in chain)
        complete = self._complete(known, chain, node.keys, writes=node.rules.writes)
        return Column(
            known,
            node.at,
            complete,
            self._with_values(node, known),
            place,
            self._line(node.keys),
            listed,
            flat=not node.conversions and len(known) == 1 and not known[0].field.repeated and is_text(known[0].field),
        )

    def _fits(self, node: syntax.ColumnEntry, targets: tuple[Target, ...], chain: Sequence[Converter]) -> bool:
        """Whether both sides are lists or neither; a path with [] or a converter of several values makes a list."""
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

    def _complete(
        self, targets: tuple[Target, ...], chain: tuple[Converter, ...], keys: Keys, *, writes: bool
    ) -> tuple[Converter, ...]:
        field = targets[0].field
        check_tables(field, chain, keys, self.faults, writes=writes)
        if not chain:
            return (default_converter(field),)
        if chain[-1].gives == "integer" and field.type != "integer":
            return (*chain, default_converter(field))
        return chain

    def _with_values(self, node: syntax.ColumnEntry, targets: tuple[Target, ...]) -> syntax.Rules:
        """Give a node's rules with the canonical values in them checked and in canonical form."""
        rules = node.rules
        if len(targets) > 1:
            return rules
        if rules.default is not syntax.NOTHING:
            rules = replace(rules, default=self._value(targets[0], rules.default, (*node.keys, "default")))
        keys = (*node.keys, "else")
        return replace(
            rules, otherwise=tuple((native, self._value(targets[0], one, keys)) for native, one in rules.otherwise)
        )

    def _value(self, target: Target, value: Any, keys: Keys) -> Any:
        field = target.field
        try:
            convert = default_converter(field).forward
            value = [convert(item) for item in value] if field.repeated else convert(value)
            check_codes(field, value, keys, self.faults)
        except (OutsideDomain, TypeError):
            self.faults.shape(keys, "标准值", f"a canonical value ({field.type})")
        return value

    def _rows(self, node: syntax.RowsEntry, prefix: str, place: Path) -> Rows | None:
        target = self._object(node.name, prefix, node.keys)
        if target is None:
            return None
        inner = node.path.under(place)
        scope = self._scope(node.fields, f"{prefix}{node.name}[].", inner)
        return Rows(target, node.path, scope, node.rules, place, self._line(node.keys))

    def _parallel(self, node: syntax.ParallelEntry, prefix: str, place: Path) -> Parallel | None:
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

    def _parts(self, node: syntax.PartsEntry, prefix: str, place: Path) -> Parts | None:
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
        name = documents.present_name(prefix + name).removeprefix(prefix)
        path = prefix + name
        for known in (self.fields, self.objects):
            field = known.get(path) or known.get(f"{path}[]")
            if field is not None:
                return Target(tuple(name.split(".")), field)
        self._unknown(path, keys)
        return None

    def _object(self, name: str, prefix: str, keys: Keys) -> Target | None:
        """A canonical list of objects."""
        target = self._target(name, prefix, keys)
        if target is None or (target.field.repeated and target.field.type == "object"):
            return target
        self.faults.shape(
            keys, "单个值的写法（该字段不是对象的列表）", "a single value: the field is not a list of objects"
        )
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

    def _constant(self, one: syntax.ConstantEntry) -> constants.Constant | None:
        try:
            unknown = constants.strangers(one.value, self.fields, self.settings)
            write = constants.writer(one.value, self.fields)
        except BadTemplate as error:
            self.faults.add(
                one.keys, "mapping.placeholder", Text(f"占位符有误：{error.message.zh}", str(error)), _PLACEHOLDER
            )
            return None
        for name in sorted(unknown):
            self.faults.add(
                one.keys, "mapping.placeholder", Text(f"没有 {{{name}}}", f"there is no {{{name}}}"), _PLACEHOLDER
            )
        return constants.Constant(one.path, constants.scalar(one.value), write, self._line(one.keys))

    def _line(self, keys: Keys) -> int:
        return self.faults.source.line(*keys)


_DOCUMENT = Text("请写文档名和版本，如 penalty-decision/1", "write a document and its version, as penalty-decision/1")
_PLACEHOLDER = Text(
    "可用 delivery_id、message_id、accepted_at、count、标准字段和设置；花括号写作 {{ 与 }}",
    "use delivery_id, message_id, accepted_at, count, a canonical field or a setting; write {{ and }} for braces",
)
