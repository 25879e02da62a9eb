"""How a value may be shown in a finding: short, and hidden when it is personal."""

from __future__ import annotations

from typing import Any

from schemas.identifiers.person import is_citizen_id, mask_in_text

_SHOWN = 100


def shown(value: Any, *, personal: bool, identity: bool = False) -> Any:
    """Return `value` as a finding may carry it: personal ones masked, long ones cut, trees left out.

    `identity`: the field tells who somebody is by a number, so a citizen id in it is personal too. In any
    other text it is masked only beside a word for it: eighteen digits may be a case number.
    """
    if isinstance(value, dict | list | tuple):
        return None
    if value is None:
        return None
    if personal or (identity and is_citizen_id(str(value))):
        return mask(str(value))
    if isinstance(value, bool | int):
        return value
    text = mask_in_text(str(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def mask(text: str) -> str:
    """Hide a personal text: an id keeps its region's six digits, anything else its first character."""
    kept = 6 if len(text) >= 15 and text[:6].isdecimal() else min(1, len(text))
    return text[:kept] + "*" * min(len(text) - kept, 12)
