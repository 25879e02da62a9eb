"""A second look at identifiers after validation: which were written differently, and which are doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from schemas.documents.field import Field
from schemas.findings import Finding, Text
from schemas.identifiers import Identifier, Misshapen
from schemas.identifiers.identifier import NoNumber

Place = tuple[str, Any, Any]
"""A concrete path, the canonical value there, and what was written there."""

_IGNORED = Text("该值已忽略。", "The value was left out.")
_NO_NUMBER = Text(
    "这不是编号，只表示“没有”：该值已忽略。", 'This is no number, it only says "none": the value was left out.'
)


def look(watched: Iterable[Field], document: Any, tree: Any) -> tuple[list[Finding], dict[str, str]]:
    """Return the doubts about the identifiers of a document, and the written text of those that changed."""
    findings: list[Finding] = []
    raw: dict[str, str] = {}
    for field in watched:
        for path, value, written in _places(document, tree, field.path.split("."), ""):
            if value != written and isinstance(written, str) and written.strip() and not field.personal:
                raw[path] = written
            findings += (doubt.at(field=path, title=field.title) for doubt in _doubts(field, value, written))
    return findings, raw


def _doubts(field: Field, value: str | None, written: Any) -> Iterator[Finding]:
    kind = field.identifier
    if kind is None:
        return
    if value is not None:
        yield from kind.doubts(value)
    elif field.lenient and isinstance(written, str) and written.strip():
        yield _left_out(kind, written)


def _left_out(kind: type[Identifier], written: str) -> Finding:
    try:
        kind.normalise(written)
    except NoNumber as error:
        return replace(error.finding, message=_NO_NUMBER)
    except Misshapen:
        pass
    return kind.refuse(written, _IGNORED).finding


def _places(node: Any, written: Any, steps: list[str], path: str) -> Iterator[Place]:
    if node is None:
        return
    if not steps:
        yield path, node, written
        return
    name = steps[0].removesuffix("[]")
    here = f"{path}.{name}" if path else name
    inner, inner_written = node.get(name), written.get(name)
    if name != steps[0]:
        for index, (one, other) in enumerate(zip(inner or (), inner_written or (), strict=False)):
            yield from _places(one, other, steps[1:], f"{here}[{index}]")
    elif inner is None and len(steps) == 1:
        yield here, None, inner_written
    else:
        # An object whose every value was left out is not there, but what stood in it is told.
        emptied = {} if inner is None and isinstance(inner_written, dict) else inner
        yield from _places(emptied, inner_written, steps[1:], here)
