"""Can each native path be there: in a body of the format, and in the native schema? Is every field filled?

Also whether the codes that the schema allows are those of the code tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adapters import formats, paths
from adapters.bundle.grammar import Receive
from adapters.check.subject import Subject
from adapters.exchange.request import record_path
from adapters.formats.format import Format, as_text
from adapters.mapping import Program
from adapters.mapping.plan import TEXT, Column, Node, canonical, native_names, paths_of, written
from adapters.mapping.plan import NativeNames as Known
from adapters.native import Shape
from adapters.native import shape as shapes
from adapters.paths import EACH, Path, Step, render
from adapters.source import BundleFinding, Key
from schemas import documents
from schemas.findings import Text

Steps = tuple[Step, ...]
MAX_UNMAPPED = 20
_PREFIXES = Text("请在 format.namespaces 中声明前缀", "declare the prefix in format.namespaces")
_ATTRIBUTES = Text("@ 只用于 XML 的属性；请核对路径", "@ is for attributes of XML; correct the path")


def received(subject: Subject, name: str, declared: Receive, program: Program) -> Iterator[BundleFinding]:
    """Check one operation: its paths are in its schema, the schema is mapped, and required fields are made."""
    schema = subject.compiled.schemas.get(("receives", name))
    if schema is not None:
        yield from _manifest_paths(subject, name, declared, schema.shape)
        base = paths.in_body(declared.split) if declared.split else Path(())
        record = shapes.at(schema.shape, base)
        if record is not None:
            yield from _reads(subject, declared.mapping, program, record)
            yield from _unmapped(subject, declared.mapping, program, record)
            yield from _unread(declared.mapping, program, record)
            yield from _never(declared.mapping, program, record)
    elif program.plan.unknown != "refuse":
        yield _unproven(subject, "receives", name)
    yield from whole(subject, declared.mapping, program)


def sent(subject: Subject, name: str, program: Program) -> Iterator[BundleFinding]:
    """Check one message type: what is written is in the schema, and what the schema requires is written."""
    declared = subject.bundle.manifest.sends[name]
    schema = subject.compiled.schemas.get(("sends", name))
    base = record_path(declared.envelope)
    if schema is None:
        yield _unproven(subject, "sends", name)
    if schema is None or base is None:
        return
    record = shapes.at(schema.shape, base)
    if record is None:
        yield _unknown(subject, f"envelope {render(base.steps)}", "adapter.yaml", ("sends", name, "envelope"))
        return
    yield from _writes(subject, declared.mapping, program, record)
    yield from _never(declared.mapping, program, record)
    made = {path.steps for _, path in _written_paths(program)}
    lacking = list(_lacking(record, (), made))
    yield from _unmapped(subject, declared.mapping, program, record, lacking)
    for steps in lacking:
        yield subject.bundle.source.finding(
            "native.required",
            Text(
                f"平台模式要求的 {render(steps)} 没有写出",
                f"{render(steps)} is required by the schema and never written",
            ),
            Text("请在映射的 fields 或 constants 中写出它", "write it in the mapping's fields or constants"),
            "sends",
            name,
            "mapping",
        )


def whole(subject: Subject, mapping: str, program: Program) -> Iterator[BundleFinding]:
    """Check that a mapping makes every required field of its document."""
    made = {target.path for node in _nodes(program) if node.rules.reads for target in canonical(node)}
    for field in documents.fields(program.document).values():
        parent = field.path.rpartition(".")[0]
        started = not parent or any(path == parent or path.startswith(f"{parent}.") for path in made)
        if field.required and (started or field.mandatory) and field.path not in made:
            yield subject.bundle.mappings[mapping].finding(
                "canonical.required",
                Text(f"必填项“{field.title}”（{field.path}）没有映射", f"{field.path} is required and not mapped"),
                Text(f"请在 fields 中映射 {field.path}", f"map {field.path} in fields"),
                "fields",
            )


def possible(subject: Subject) -> Iterator[BundleFinding]:
    """Report the paths of `receives` that no body of the format can have."""
    for name, receive in subject.bundle.manifest.receives.items():
        named = [(text, ("receives", name, *keys)) for text, keys in _named(receive)]
        yield from impossible(subject, subject.compiled.formats["receives", name], named)


def impossible(
    subject: Subject, declared: Format, named: Sequence[tuple[str, tuple[Key, ...]]]
) -> Iterator[BundleFinding]:
    """Report the named paths that no body of a format can have; each comes with its keys in adapter.yaml."""
    for text, keys in named:
        remedy = _why_impossible(text, declared)
        if remedy is not None:
            said = Text(f"{declared.body} 报文中不可能有 {text}", f"no {declared.body} body can have {text}")
            yield subject.bundle.source.finding("path.impossible", said, remedy, *keys)


def _unproven(subject: Subject, section: str, name: str) -> BundleFinding:
    return subject.bundle.source.finding(
        "schema.none",
        Text(f"{name} 没有平台模式，路径与必填项无从核对", f"{name} has no native schema: its paths cannot be checked"),
        Text("请在 native/ 放置平台模式，并以 schema 引用", "put the schema into native/ and name it with `schema`"),
        section,
        name,
        warning=True,
    )


def _named(declared: Receive) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """Give every path that an operation names in adapter.yaml, with the keys that lead to it."""
    yield from ((text, ("require", text)) for text in declared.require)
    if declared.split:
        yield declared.split, ("split",)
    for index, item in enumerate(declared.identity):
        yield from ((text, ("identity", index)) for text in ([item] if isinstance(item, str) else item))


def _manifest_paths(subject: Subject, name: str, declared: Receive, shape: Shape) -> Iterator[BundleFinding]:
    base = paths.in_body(declared.split) if declared.split else Path(())
    split_known = shapes.at(shape, base) is not None
    for text, keys in _named(declared):
        # Identities start at a record: where the list of records is unknown, each would repeat that finding.
        inside = keys[0] == "identity"
        path = paths.in_body(text).under(base) if inside else paths.in_body(text)
        if (split_known or not inside) and shapes.at(shape, path) is None:
            yield _unknown(subject, text, "adapter.yaml", ("receives", name, *keys))


def _why_impossible(text: str, declared: Format) -> Text | None:
    elements = formats.of(declared).elements
    for step in paths.in_body(text).steps:
        name = step or ""
        if not elements and name.startswith("@"):
            return _ATTRIBUTES
        prefix, colon, _ = name.removeprefix("@").partition(":")
        if elements and colon and prefix not in {**declared.namespaces, "xml": ""}:
            return _PREFIXES
    return None


def _reads(subject: Subject, mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    for node in _nodes(program):
        condition = (node.rules.when.path,) if node.rules.when else ()
        if node.rules.reads:
            yield from _absent(mapping, node, (*paths_of(node), *condition), shape)
    for index, path in enumerate(program.plan.ignored):
        if shapes.at(shape, path) is None:
            yield _unknown(subject, str(path), f"mappings/{mapping}.yaml", ("ignored", index))


def _writes(subject: Subject, mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    for node in _nodes(program):
        condition = (node.rules.when.path,) if node.rules.when and node.rules.writes else ()
        yield from _absent(mapping, node, (*written(node), *condition), shape)
    for index, constant in enumerate(program.plan.constants):
        if shapes.at(shape, constant.path) is None:
            key = list(subject.bundle.mappings[mapping].value["constants"])[index]
            yield _unknown(subject, str(constant.path), f"mappings/{mapping}.yaml", ("constants", key))


def _absent(mapping: str, node: Node, named: Iterable[Path], shape: Shape) -> Iterator[BundleFinding]:
    for path in named:
        full = path.under(node.base)
        if shapes.at(shape, full) is None:
            text, remedy = _unknown_texts(str(full))
            yield BundleFinding("native.path", text, remedy, f"mappings/{mapping}.yaml", node.line, 1)


def _unmapped(
    subject: Subject, mapping: str, program: Program, shape: Shape, already: Sequence[Steps] = ()
) -> Iterator[BundleFinding]:
    """Warn of native fields that are neither mapped nor ignored: what is left out must be declared."""
    if program.plan.unknown == "ignore":
        return
    unmapped = [steps for steps in _unmapped_steps(shape, native_names(program.plan), ()) if steps not in already]
    if unmapped:
        shown = "、".join(render(steps) for steps in unmapped[:MAX_UNMAPPED])
        yield subject.bundle.mappings[mapping].finding(
            "native.unmapped",
            Text(
                f"平台模式中的 {shown} 既没有映射，也没有列入 ignored",
                f"the schema has {shown}, which is neither mapped nor ignored",
            ),
            Text(
                "请映射它们；确实不用的，请列入 ignored", "map them; what is really not needed is listed in `ignored`"
            ),
            "fields",
            warning=True,
        )


def _unmapped_steps(shape: Shape, known: Known, here: Steps) -> Iterator[Steps]:
    for name in shape.names:
        below, child = known.children.get(name), shape.child(name)
        if below is None:
            yield (*here, name)
        elif child is not None and not below.open and set(below.children) - {TEXT}:
            yield from _unmapped_steps(child, below, (*here, name))


def _unread(mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    """Find codes the platform's schema allows and the code table does not know."""
    for node in _nodes(program):
        table = node.chain[0].codes if isinstance(node, Column) and node.rules.reads and node.chain else None
        if table is None or not isinstance(node, Column):
            continue
        found = [shapes.at(shape, path.under(node.base)) for path in node.at]
        values = {as_text(value) for one in found if one is not None for value in one.values}
        strange = sorted(values - table.inward.keys() - {as_text(value) for value in node.rules.none} - {""})
        if strange:
            shown = "、".join(strange[:MAX_UNMAPPED])
            yield BundleFinding(
                "codes.unread",
                Text(
                    f"平台模式允许 {shown}，码表 {table.name} 没有",
                    f"the schema allows {shown}, table {table.name} does not",
                ),
                Text("请在码表中补上，或列入 none", "add them to the table, or list them in `none`"),
                f"mappings/{mapping}.yaml",
                node.line,
                1,
            )


def _never(mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    """Find conditions on values that the platform's schema does not allow."""
    for node in _nodes(program):
        when = node.rules.when
        found = shapes.at(shape, when.path.under(node.base)) if when is not None else None
        if when is None or found is None or not found.values:
            continue
        strange = sorted(set(when.values) - {as_text(value) for value in found.values})
        if strange:
            shown = "、".join(strange[:MAX_UNMAPPED])
            yield BundleFinding(
                "when.value",
                Text(f"平台模式不允许 {when.path} 为 {shown}", f"the schema does not allow {shown} for {when.path}"),
                Text("请改正 when 的值，或补全平台模式", "correct the values of `when`, or complete the native schema"),
                f"mappings/{mapping}.yaml",
                node.line,
                1,
            )


def _unknown(subject: Subject, path: str, file: str, keys: tuple[Key, ...]) -> BundleFinding:
    bundle = subject.bundle
    source = bundle.source if file == "adapter.yaml" else bundle.mappings[file.removeprefix("mappings/")[:-5]]
    return source.finding("native.path", *_unknown_texts(path), *keys)


def _unknown_texts(path: str) -> tuple[Text, Text]:
    return (
        Text(f"平台模式中没有 {path}", f"the native schema has no {path}"),
        Text("请核对路径，或补全平台模式", "correct the path, or complete the native schema"),
    )


def _nodes(program: Program) -> Iterator[Node]:
    return program.plan.root.walk()


def _written_paths(program: Program) -> Iterator[tuple[Node | None, Path]]:
    for node in _nodes(program):
        for path in written(node):
            yield node, path.under(node.base)
        if node.rules.when is not None and node.rules.writes:
            yield node, node.rules.when.path.under(node.base)
    for constant in program.plan.constants:
        yield None, constant.path


def _lacking(shape: Shape, here: Steps, made: set[Steps]) -> Iterator[Steps]:
    """Give the required places that nothing fills, below what is written."""
    plain = {tuple(step for step in path if step is not EACH) for path in made}
    for name in shape.required:
        steps = (*here, name)
        if not any(path[: len(steps)] == steps for path in plain):
            yield steps
    for name in shape.names:
        steps = (*here, name)
        below = shape.child(name)
        if below is not None and any(path[: len(steps)] == steps and len(path) > len(steps) for path in plain):
            yield from _lacking(below, steps, made)
