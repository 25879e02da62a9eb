"""What stands in the wrong place is moved: a citizen id to its own field, a value to its field's present name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.components import FORMER_NAMES
from schemas.documents.masking import mask
from schemas.findings import Finding, Text
from schemas.identifiers.folding import fold, same_number
from schemas.identifiers.person import is_citizen_id

_ATTACHMENTS = "attachments"
_FROM, _TO = "credit_code", "citizen_id"

Steps = tuple[str, ...]


def parties_of(leaves: Iterable[str]) -> tuple[Steps, ...]:
    """Return the steps of every object, outside lists, that has both a credit code and a citizen id."""
    paths = frozenset(leaves)
    above = (path.removesuffix(f".{_TO}") for path in paths if path.endswith(f".{_TO}"))
    return tuple(tuple(one.split(".")) for one in sorted(above) if f"{one}.{_FROM}" in paths and "[]" not in one)


def with_citizen_ids_moved(tree: Any, parties: Iterable[Steps]) -> tuple[Any, tuple[Finding, ...]]:
    """Return the document with each misplaced citizen id in its own field, and one warning for each.

    The given tree is not changed. An id that contradicts another one already in `citizen_id` stays where
    it is, and the check refuses it there: which of the two is meant is for its sender to say.
    """
    findings = []
    for steps in parties:
        party = _at(tree, steps)
        code = party.get(_FROM) if isinstance(party, Mapping) else None
        if not isinstance(code, str) or not is_citizen_id(code):
            continue
        other = party.get(_TO)
        if other and not (isinstance(other, str) and same_number(other, code)):
            continue
        mended = {name: value for name, value in party.items() if name != _FROM} | {_TO: other or code}
        tree = _with(tree, steps, mended)
        findings.append(_moved(".".join(steps), code))
    return tree, tuple(findings)


def present_name(path: str) -> str:
    """Return the path of a field as it is named now, `attachments[].captured_at` as `attachments[].at`."""
    above, dot, name = path.rpartition(".")
    return f"{above}.{FORMER_NAMES[name]}" if dot and name in FORMER_NAMES and above.endswith("[]") else path


def with_present_names(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document with the fields of its attachments named as they are now; the given one is not changed."""
    attachments = document.get(_ATTACHMENTS)
    if not attachments or not any(name in one for one in attachments for name in FORMER_NAMES):
        return document
    renamed = [{FORMER_NAMES.get(name, name): value for name, value in one.items()} for one in attachments]
    return {**document, _ATTACHMENTS: renamed}


def _at(tree: Any, steps: Steps) -> Any:
    for step in steps:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return tree


def _with(tree: Any, steps: Steps, value: Any) -> Any:
    if not steps:
        return value
    return {**tree, steps[0]: _with(tree[steps[0]], steps[1:], value)}


def _moved(party: str, code: str) -> Finding:
    message = Text(
        "统一社会信用代码一栏填的是公民身份号码，已移入公民身份号码；请在来源系统中更正。",
        "A citizen id stood where the credit code belongs: it was moved to citizen_id. Correct it at its source.",
    )
    return Finding("citizen-id.moved", message, field=f"{party}.{_FROM}", value=mask(fold(code)))
