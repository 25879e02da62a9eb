"""How a value may be shown in a finding: short, and hidden when it is personal."""

from __future__ import annotations

from typing import Any

_SHOWN = 100


def shown(value: Any, *, personal: bool) -> Any:
    """Return `value` as a finding may carry it: personal ones masked, long ones cut, trees left out."""
    if isinstance(value, dict | list | tuple):
        return None
    if value is None:
        return None
    if personal:
        return mask(str(value))
    if isinstance(value, bool | int):
        return value
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def mask(text: str) -> str:
    """Hide a personal text: an id keeps its region's six digits, anything else its first character."""
    kept = 6 if len(text) >= 15 and text[:6].isdecimal() else min(1, len(text))
    return text[:kept] + "*" * min(len(text) - kept, 12)
