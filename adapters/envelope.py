"""Put a record into the constant tree that a platform wants around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters import placeholders
from adapters.base import Tree
from adapters.bundle.references import RECORD, RECORD_TEXT
from adapters.mapping.paths import EACH, Path, Step
from adapters.placeholders import Values

Write = Callable[[Values, Tree], Tree]


def compile_envelope(envelope: Tree, as_record_text: Callable[[Tree], str]) -> Write:
    """Compile an envelope to a function of the values and the record; None wraps nothing."""
    if envelope is None:
        return lambda values, record: record
    build = _node(envelope)

    def wrap(values: Values, record: Tree) -> Tree:
        text = as_record_text(record) if _uses(envelope, RECORD_TEXT) else ""
        return build({**values, RECORD: record, RECORD_TEXT: text})

    return wrap


def compile_tree(tree: Tree) -> Callable[[Values], Tree]:
    """Compile a constant tree whose texts may hold placeholders."""
    return _node(tree)


def record_path(envelope: Tree) -> Path | None:
    """Tell where the record stands as a tree; None when it is embedded as text."""
    if envelope is None:
        return Path(())
    return next((Path(steps) for steps, value in _walk(envelope, ()) if value == f"{{{RECORD}}}"), None)


def _walk(node: Tree, steps: tuple[Step, ...]) -> Any:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _walk(value, (*steps, name))
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, (*steps, EACH))
    else:
        yield steps, node


def _uses(envelope: Tree, name: str) -> bool:
    return any(isinstance(value, str) and f"{{{name}}}" in value for _, value in _walk(envelope, ()))


def _node(node: Tree) -> Callable[[Values], Tree]:
    if isinstance(node, dict):
        members = [(name, _node(value)) for name, value in node.items()]
        return lambda values: {name: write(values) for name, write in members}
    if isinstance(node, list):
        items = [_node(value) for value in node]
        return lambda values: [write(values) for write in items]
    if isinstance(node, str):
        return _text(node)
    return lambda values: node


def _text(text: str) -> Callable[[Values], Tree]:
    template = placeholders.parse(text)
    if template.alone in (RECORD, "count"):
        return lambda values: values[template.alone or ""]
    if not template.names:
        literal = template.render({})
        return lambda values: literal
    return template.render
