"""Do mappings and native schemas know each other: every path there, every required field filled?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapters import trees
from adapters.bundle.manifest import Receive
from adapters.check.subject import Subject
from adapters.envelope import record_path
from adapters.mapping import Program
from adapters.mapping.paths import EACH, Path, Step, render
from adapters.mapping.plan import Node, canonical, paths_of, written
from adapters.native import Shape
from adapters.native import shape as shapes
from adapters.source import BundleFinding, Key
from schemas import documents
from schemas.findings import Text

Steps = tuple[Step, ...]


def received(subject: Subject, name: str, declared: Receive, program: Program) -> Iterator[BundleFinding]:
    """Check one operation: its paths are in its schema, and its document will be whole."""
    schema = subject.compiled.schemas.get(("receives", name))
    if schema is not None:
        yield from _manifest_paths(subject, name, declared, schema.shape)
        base = trees.path(declared.split) if declared.split else Path(())
        record = shapes.at(schema.shape, base)
        if record is not None:
            yield from _reads(subject, declared.mapping, program, record)
    yield from whole(subject, declared.mapping, program)


def sent(subject: Subject, name: str, program: Program) -> Iterator[BundleFinding]:
    """Check one message type: what is written is in the schema, and what the schema requires is written."""
    declared = subject.bundle.manifest.sends[name]
    schema = subject.compiled.schemas.get(("sends", name))
    base = record_path(declared.envelope)
    record = shapes.at(schema.shape, base) if schema is not None and base is not None else None
    if schema is None or base is None:
        return
    if record is None:
        yield _unknown(subject, f"envelope {render(base.steps)}", "adapter.yaml", ("sends", name, "envelope"))
        return
    yield from _writes(subject, declared.mapping, program, record)
    made = {path.steps for _, path in _written_paths(program)}
    for steps in _lacking(record, (), made):
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


def _manifest_paths(subject: Subject, name: str, declared: Receive, shape: Shape) -> Iterator[BundleFinding]:
    base = trees.path(declared.split) if declared.split else Path(())
    named: list[tuple[str, Path, tuple[Key, ...]]] = [
        (text, trees.path(text), ("require", text)) for text in declared.require
    ]
    if declared.split:
        named.append((declared.split, base, ("split",)))
    for index, item in enumerate(declared.identity):
        for text in [item] if isinstance(item, str) else item:
            named.append((text, trees.path(text).under(base), ("identity", index)))
    for text, path, keys in named:
        if shapes.at(shape, path) is None:
            yield _unknown(subject, text, "adapter.yaml", ("receives", name, *keys))


def _reads(subject: Subject, mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    for node in _nodes(program):
        condition = (node.rules.when.path,) if node.rules.when else ()
        if node.rules.reads:
            yield from _absent(subject, mapping, node, (*paths_of(node), *condition), shape)


def _writes(subject: Subject, mapping: str, program: Program, shape: Shape) -> Iterator[BundleFinding]:
    for node in _nodes(program):
        yield from _absent(subject, mapping, node, written(node), shape)
    for index, constant in enumerate(program.plan.constants):
        if shapes.at(shape, constant.path) is None:
            key = list(subject.bundle.mappings[mapping].value["constants"])[index]
            yield _unknown(subject, str(constant.path), f"mappings/{mapping}.yaml", ("constants", key))


def _absent(subject: Subject, mapping: str, node: Node, paths: Iterable[Path], shape: Shape) -> Iterator[BundleFinding]:
    for path in paths:
        full = path.under(node.place)
        if shapes.at(shape, full) is None:
            text, remedy = _unknown_texts(str(full))
            yield BundleFinding("native.path", text, remedy, f"mappings/{mapping}.yaml", node.line, 1)


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
            yield node, path.under(node.place)
        if node.rules.when is not None and node.rules.writes:
            yield node, node.rules.when.path.under(node.place)
    for constant in program.plan.constants:
        yield None, constant.path


def _lacking(shape: Shape, here: Steps, made: set[Steps]) -> Iterator[Steps]:
    """Give the required places that nothing fills, below what is written."""
    for name in shape.required:
        steps = (*here, name)
        if not any(_plain(path)[: len(steps)] == steps for path in made):
            yield steps
    for name in shape.names:
        steps = (*here, name)
        below = shape.child(name)
        if below is not None and any(
            _plain(path)[: len(steps)] == steps and len(_plain(path)) > len(steps) for path in made
        ):
            yield from _lacking(below, steps, made)


def _plain(steps: Steps) -> Steps:
    return tuple(step for step in steps if step is not EACH)
