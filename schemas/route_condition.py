"""What a document must say for a route to apply: a field is there, or has one of some values; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from schemas.catalog import at


class RouteCondition(Struct, frozen=True):
    """All that is said must hold; nothing said holds always.

    `named`: one of these fields is there. `at`: the field that `values` and `present` are about. `values`: it
    has one of them, compared as text; a field that is not there has none, so that nothing is taken for a yes.
    `present`: whether it is there.
    """

    named: tuple[str, ...] = ()
    at: str = ""
    values: tuple[str, ...] = ()
    present: bool | None = None

    def holds(self, document: Mapping[str, Any]) -> bool:
        """Tell whether a canonical document says so."""
        if self.named and all(at(document, field) is None for field in self.named):
            return False
        if not self.at:
            return True
        found = at(document, self.at)
        if self.present is not None:
            return (found is not None) is self.present
        return found is not None and written(found) in self.values


ALWAYS = RouteCondition()


def read(declared: Any) -> RouteCondition:
    """Read a checked `when` of the routes: a list of fields, or a table of `at` with `is`, `in` or `present`."""
    if isinstance(declared, Mapping):
        values = declared["in"] if "in" in declared else [declared["is"]] if "is" in declared else ()
        return RouteCondition(
            at=str(declared["at"]), values=tuple(map(written, values)), present=declared.get("present")
        )
    return RouteCondition(named=tuple(map(str, declared or ())))


def written(value: Any) -> str:
    """Write a value as conditions compare it: yes is `true`, whether a document or a routes file says it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
