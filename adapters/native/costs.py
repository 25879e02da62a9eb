"""The bounds of an uploaded schema: no references that multiply, no pattern that backtracks without end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

from adapters.native.findings import broken
from adapters.native.patterns import ATOM, MOST_WAYS, looks_far, ways
from schemas.findings import Text
from schemas.scalars import count_of

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
            at = count_of(name)
            found = found[at] if at is not None and at < len(found) else None
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


LONGEST_LOOKED_THROUGH = 500
"""Characters of a text that a pattern may look around in; a longer one is a fault, and the pattern is not tried."""

_DATA = frozenset({"const", "enum", "default", "examples"})
"""Words under which stand values, in which `pattern` means nothing."""

_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
"""Words under which stand schemas by names, which may be any word."""

_WITHOUT_IF = ("draft-03", "draft-04", "draft-06")


def bounded_looks(schema: Any, file: str) -> Any:
    """Give a JSON Schema in which patterns that look far are tried on short texts only.

    A schema without any is given as it is. Raises `BrokenBundle` where the length cannot be asked first:
    for the names of fields, and in drafts that have no `if`.
    """
    every = _definitions(schema, file)
    looking = [one["pattern"] for one in every if _looks(one.get("pattern"))]
    names = [name for one in every for name in _by_pattern(one) if _looks(name)]
    draft = str(schema.get("$schema")) if isinstance(schema, Mapping) else ""
    if names or (looking and any(old in draft for old in _WITHOUT_IF)):
        raise broken(file, _looks_too_far((names or looking)[0]))
    return _asking_first(schema) if looking else schema


def _looks(said: Any) -> bool:
    return isinstance(said, str) and looks_far(said)


def _by_pattern(node: Mapping[str, Any]) -> Iterator[str]:
    below = node.get("patternProperties")
    yield from below if isinstance(below, Mapping) else ()


def _asking_first(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_asking_first(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    kept = {
        word: below if word in _DATA and not names else _asking_first(below, names=word in _NAMED and not names)
        for word, below in node.items()
    }
    pattern = kept.get("pattern")
    if names or not _looks(pattern):
        return kept
    del kept["pattern"]
    short = {"maxLength": LONGEST_LOOKED_THROUGH}
    asked = {"if": short, "then": {"pattern": pattern}, "else": short}
    return {**kept, "allOf": [*(kept.get("allOf") or ()), asked]}


def _looks_too_far(pattern: str) -> Text:
    return Text(
        f"正则 {pattern[:60]} 前后张望，耗时随文本长度的平方增长；请改写为不含 (?=、(?!、(?<、反向引用的写法，"
        "或在 $schema 声明 draft-07 及以后的版本",
        f"the pattern {pattern[:60]} looks around, and takes the square of a text's length; write it without (?=, (?!, "
        "(?< and back-references, or declare draft-07 or a later one in $schema",
    )


MAX_PATTERN = 500

_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_MOST = 1000
_SEPARATORS = frozenset(",;:、，；-/_ ")
_WIDE = (".", "\\S", "\\D", "\\W", "\\I", "\\C", "\\P", "[^")


def refuse_runaways(root: Any, file: str) -> None:
    """Refuse an XML Schema with a pattern that repeats what already repeats; raises `BrokenBundle`."""
    for node in root.iter("{http://www.w3.org/2001/XMLSchema}pattern"):
        pattern = node.get("value") or ""
        if len(pattern) > MAX_PATTERN or runs_away(pattern) or ways(pattern) > MOST_WAYS:
            text = Text(
                f"正则 {pattern[:60]} 在不匹配时可能耗时无限；请不要在重复的括号里再重复或分支，"
                "也不要让相邻的重复部分匹配同样的字符",
                f"the pattern {pattern[:60]} may take for ever on what does not match; repeat no group that repeats "
                "or branches itself, and let no two neighbouring repetitions take the same characters",
            )
            raise broken(file, text, node.sourceline or 0)


def runs_away(pattern: str) -> bool:
    """Whether a group that repeats or branches is itself repeated, or a count is beyond 1000.

    A list with separators, as `[0-9]+(,[0-9]+)*`, is none: each turn begins with a character that
    stands nowhere else in it.
    """
    atoms = ATOM.findall(pattern)
    opened: list[int] = []
    for at, atom in enumerate(atoms):
        following = atoms[at + 1] if at + 1 < len(atoms) else ""
        if atom == "(":
            opened.append(at)
        elif atom == ")" and opened:
            inside = atoms[opened.pop() + 1 : at]
            if _repeats(following) and _ambiguous(inside):
                return True
        elif atom.startswith("{") and len(atom) > 1 and _beyond(atom):
            return True
    return False


def _repeats(atom: str) -> bool:
    counted = _COUNT.fullmatch(atom)
    if counted:
        return (bool(counted[2]) and counted[3] != "1") or int(counted[1]) > 1
    return atom in ("*", "+")


def _ambiguous(inside: list[str]) -> bool:
    varies = any(atom in ("*", "+", "?", "|") or (_COUNT.fullmatch(atom) and "," in atom) for atom in inside)
    if not varies:
        return False
    first, rest = inside[0], inside[1:]
    quantified = bool(rest) and (rest[0] in ("*", "+", "?") or _COUNT.fullmatch(rest[0]) is not None)
    apart = first in _SEPARATORS and not quantified and "|" not in rest
    return not apart or any(first in atom or atom.startswith(_WIDE) for atom in rest)


def _beyond(atom: str) -> bool:
    return any(int(number) > _MOST for number in re.findall(r"\d{1,9}", atom))
