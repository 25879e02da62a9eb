"""What a schema from a stranger may cost: a small file must not unfold into an endless amount of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

from adapters.native.findings import broken
from schemas.findings import Text

MAX_COST = 20_000
"""Places a schema may describe in one instance when every reference is written out."""

MAX_DEFINITIONS = 50_000

_XS = "{http://www.w3.org/2001/XMLSchema}"
_SAME_PLACE = ("allOf", "anyOf", "oneOf")
_ONE_OF_ITS_OWN = ("not", "if", "then", "else")
_TOO_MUCH = Text(
    "引用层层展开，验证的工作量没有止境；请减少重复引用",
    "its references unfold without bound; refer to fewer things, fewer times",
)


def refuse_costly_json(schema: Any, file: str) -> None:
    """Refuse a JSON Schema whose references multiply; raises `BrokenBundle`."""
    whole = schema if isinstance(schema, Mapping) else {}
    _Unfolding(lambda node: _below(node, whole), file).measure(_definitions(schema, file))


def refuse_costly_xsd(root: Any, file: str) -> None:
    """Refuse an XML Schema whose groups and types multiply; raises `BrokenBundle`."""
    named = {(etree.QName(node).localname, node.get("name")): node for node in root.iterchildren(f"{_XS}*")}
    every = list(root.iter(f"{_XS}*"))
    if len(every) > MAX_DEFINITIONS:
        raise broken(file, _TOO_MUCH)
    starts = [node for node in every if etree.QName(node).localname in ("group", "complexType", "attributeGroup")]
    _Unfolding(lambda node: _particles(node, named), file).measure(starts)


def _definitions(schema: Any, file: str) -> list[Any]:
    """Every object of a schema: any of them may be what a reference names."""
    found: list[Any] = []
    left = [schema]
    while left:
        node = left.pop()
        if isinstance(node, Mapping):
            found.append(node)
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
        if len(found) > MAX_DEFINITIONS:
            raise broken(file, _TOO_MUCH)
    return found


class _Unfolding:
    """Count what a node becomes when all it refers to is written out, each node once."""

    def __init__(self, below: Callable[[Any], Iterator[Any]], file: str) -> None:
        self._below = below
        self._file = file
        self._costs: dict[int, int] = {}

    def measure(self, nodes: list[Any]) -> None:
        """Count from each of the nodes, which the caller keeps alive; raises `BrokenBundle` beyond 20,000."""
        for node in nodes:
            self._measure(node)

    def _measure(self, start: Any) -> None:
        """Post-order, without recursion; a node met again on its own way down counts once."""
        stack = [(start, list(self._below(start)))] if id(start) not in self._costs else []
        open_ = {id(start)}
        while stack:
            node, children = stack[-1]
            if children:
                child = children[-1]
                if id(child) in self._costs or id(child) in open_:
                    children.pop()
                else:
                    open_.add(id(child))
                    stack.append((child, list(self._below(child))))
            else:
                self._settle(node)
                open_.discard(id(node))
                stack.pop()

    def _settle(self, node: Any) -> None:
        cost = 1 + sum(self._costs.get(id(child), 1) for child in self._below(node))
        if cost > MAX_COST:
            raise broken(self._file, _TOO_MUCH)
        self._costs[id(node)] = cost


def _below(node: Any, whole: Mapping[str, Any]) -> Iterator[Any]:
    """Give the schemas that a validator tries on the same value."""
    if not isinstance(node, Mapping):
        return
    for word in ("$ref", "$dynamicRef", "$recursiveRef"):
        if isinstance(node.get(word), str):
            found = resolved(node[word], whole)
            yield from (found,) if isinstance(found, Mapping) else ()
    for word in _SAME_PLACE:
        parts = node.get(word)
        yield from (part for part in (parts if isinstance(parts, list) else ()) if isinstance(part, Mapping))
    yield from (node[word] for word in _ONE_OF_ITS_OWN if isinstance(node.get(word), Mapping))
    dependent = node.get("dependentSchemas")
    yield from dependent.values() if isinstance(dependent, Mapping) else ()


def resolved(reference: str, whole: Mapping[str, Any]) -> Any:
    """Follow a reference inside the file; None when it leads nowhere."""
    found: Any = whole
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _particles(node: Any, named: Mapping[tuple[str, str], Any]) -> Iterator[Any]:
    """Give what a content model writes out: its parts, the groups it names, the type it extends."""
    for part in node.iterchildren(f"{_XS}*"):
        kind = etree.QName(part).localname
        reference = (part.get("ref") or "").rpartition(":")[2]
        if kind in ("group", "attributeGroup") and (kind, reference) in named:
            yield named[kind, reference]
        elif kind in ("extension", "restriction"):
            base = named.get(("complexType", (part.get("base") or "").rpartition(":")[2]))
            yield from () if base is None else (base,)
            yield part
        elif kind not in ("element", "attribute", "annotation", "simpleType"):
            yield part
        elif kind == "element":
            yield _LEAF


_LEAF = etree.Element("leaf")
