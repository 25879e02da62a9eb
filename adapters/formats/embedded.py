"""Documents embedded as text in a body: read as part of its tree, and written as text again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.base import Tree
from adapters.formats import json, rejections, xml
from adapters.formats.format import Body, Format, Steps
from adapters.formats.names import Names
from schemas.findings import Rejected

KINDS = ("json", "xml")

_Change = Callable[[Any], Any]


def unfolded(declared: Format, body: Body) -> Body:
    """Give a body whose embedded documents are trees; raises `Rejected` for one that cannot be read."""
    tree, names = body.tree, _names(declared)
    for steps, kind in declared.embedded:
        tree = _changed(tree, steps, _Reading(kind, steps, names))
    return replace(body, tree=tree)


def folded(declared: Format, tree: Tree) -> Tree:
    """Give a tree whose embedded documents are text, the innermost first; raises `Rejected`."""
    names = _names(declared)
    for steps, kind in reversed(declared.embedded):
        tree = _changed(tree, steps, _Writing(kind, names))
    return tree


def _names(declared: Format) -> Names:
    """The namespaces of an embedded document: the outer body's default namespace does not apply to it."""
    return Names({prefix: uri for prefix, uri in declared.namespaces.items() if prefix})


def read(kind: str, text: str, names: Names) -> Tree:
    """Parse an embedded document; XML becomes its root's name over what is inside. Raises `Rejected`."""
    if kind == "json":
        return json.parse(text.encode("utf-8", "surrogatepass"))
    root = xml.parse_text(text.lstrip("\ufeff \t\r\n"))
    return {names.short(root.tag): xml.inside(root, names)}


def write(kind: str, tree: Tree, names: Names) -> str:
    """Write a document to embed; an XML one has exactly one root. Raises `Rejected`."""
    if kind == "json":
        return json.dump(tree).decode("utf-8")
    if not isinstance(tree, dict) or len(tree) != 1:
        raise rejections.reject(
            "body.embedded",
            "嵌入的 XML 须有且只有一个根元素",
            "an embedded XML document has exactly one root element",
            status=422,
        )
    [(root, inside)] = tree.items()
    return xml.embed(root, inside, names)


def _changed(tree: Tree, steps: Steps, change: _Change) -> Tree:
    """Give a tree with what stands at `steps` changed; what is not there is left alone."""
    if not steps:
        return change(tree)
    step, below = steps[0], steps[1:]
    if step is None:
        items = tree if isinstance(tree, list) else [tree]
        made = [_changed(item, below, change) for item in items]
        return made if isinstance(tree, list) else made[0]
    if not isinstance(tree, dict) or tree.get(step) is None:
        return tree
    return {**tree, step: _changed(tree[step], below, change)}


class _Reading:
    """Read text at one place. A blank one holds nothing; what is already a tree is left alone."""

    def __init__(self, kind: str, steps: Steps, names: Names) -> None:
        self._kind = kind
        self._path = ".".join("[]" if step is None else step for step in steps).replace(".[]", "[]")
        self._names = names

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return read(self._kind, value, self._names)
        except Rejected as error:
            raise rejections.reject(
                "body.embedded",
                f"{self._path} 中的文本：{error.detail.zh}",
                f"the text at {self._path}: {error.detail.en}",
                path=self._path,
            ) from None


class _Writing:
    """Write a tree at one place as text; what is text already is left alone."""

    def __init__(self, kind: str, names: Names) -> None:
        self._kind = kind
        self._names = names

    def __call__(self, value: Any) -> Any:
        return write(self._kind, value, self._names) if isinstance(value, dict | list) else value
