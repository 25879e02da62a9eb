"""Tell a canonical finding in the words of who sent the document: its native path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from adapters.base import Lineage
from schemas.documents import generic
from schemas.findings import Finding, Rejected

_INDEX = re.compile(r"\[(\d+)\]")


def native_paths(lineage: Iterable[Lineage]) -> Mapping[str, Lineage]:
    """Index a mapping's lineage by canonical path; the first that writes a field is kept."""
    found: dict[str, Lineage] = {}
    for one in lineage:
        found.setdefault(one.field, one)
    return found


def canonical_fields(lineage: Iterable[Lineage]) -> Mapping[str, Lineage]:
    """Index a mapping's lineage by native path; of several that read one place the first is kept."""
    found: dict[str, Lineage] = {}
    for one in lineage:
        for path in one.path.split(", "):
            found.setdefault(path, one)
    return found


def entitled(finding: Finding, known: Mapping[str, Lineage], above: str = "") -> Finding:
    """Give a finding about the native body with the canonical field and title that a mapping reads there.

    `above` is the path of the records in the body, where the mapping starts inside a record.
    """
    path = generic(finding.path)
    inside = (path.removeprefix(f"{start}.") for start in (above, above.removesuffix("[]")))
    origin = next((known[one] for one in (path, *inside) if one in known), None)
    return finding if origin is None else finding.at(field=origin.field, title=origin.title)


def retold(finding: Finding, known: Mapping[str, Lineage]) -> Finding:
    """Give the finding with the native path and the title of its field, where the mapping knows it."""
    if finding.path or not finding.field:
        return finding
    plain = generic(finding.field)
    origin = known.get(plain) or known.get(f"{plain}[]") or _below(plain, known)
    if origin is None:
        return finding
    return finding.at(path=_indexed(origin.path, finding.field), title=finding.title or origin.title)


def rejected(error: Rejected, known: Mapping[str, Lineage]) -> Rejected:
    """Give the rejection with every finding retold."""
    findings = [retold(finding, known) for finding in error.findings]
    return Rejected(error.code, error.detail, findings, status=error.status)


def _below(plain: str, known: Mapping[str, Lineage]) -> Lineage | None:
    """A whole object that is missing is told by the first field that would have made it."""
    return next((one for field, one in known.items() if field.startswith((f"{plain}.", f"{plain}[]"))), None)


def _indexed(path: str, field: str) -> str:
    """Fill the lists of a native path with the indexes of the canonical one, when they are as many."""
    indexes = _INDEX.findall(field)
    if path.count("[]") == len(indexes):
        for index in indexes:
            path = path.replace("[]", f"[{index}]", 1)
    return path
