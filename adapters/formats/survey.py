"""The survey of an XML text before a parser builds anything of it: elements, depth, attributes and namespaces.

The parser's own time grows with the square of an element's attributes, and with namespaces times elements,
so what has many is counted first, by a reader that keeps nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pyexpat import ExpatError, ParserCreate, XMLParserType

from adapters.formats import rejections
from schemas.budget import Budget, BudgetExceeded

_LOOSE = 1024 * 1024
_OPENED = re.compile(rb"<([^/?\s>][^/\s>]*)")


def survey(text: bytes, budget: Budget) -> None:
    """Refuse UTF-8 XML that breaks a bound; raises `BudgetExceeded`, or `Rejected` for broken XML.

    A text with too few brackets and equals signs to break any bound is not read.
    """
    opened, equals = text.count(b"<") - text.count(b"</"), text.count(b"=")
    if opened + equals < budget.nodes and equals <= min(budget.names, budget.namespaces):
        return
    if opened - text.count(b"<?") > budget.nodes and b"<!" not in text:
        raise _too_many(text, budget)
    try:
        survey_pieces((text,), budget, charset="utf-8")
    except ExpatError as error:
        raise rejections.syntax("xml", str(error)) from None


def _too_many(text: bytes, budget: Budget) -> BudgetExceeded:
    """Name the first element too many, by its bracket alone: a tenth of the time that reading up to it takes.

    Not where there are comments or CDATA, in which a bracket may be text.
    """
    first = next(islice(_OPENED.finditer(text), budget.nodes, None), None)
    if first is None:
        return budget.exceeded("nodes")
    name, line = first[1][:60].decode("utf-8", "replace"), text.count(b"\n", 0, first.start()) + 1
    return budget.exceeded("nodes", f"<{name}> line {line}")


def survey_pieces(
    pieces: Iterable[bytes],
    budget: Budget,
    *,
    charset: str | None = None,
    unit: str = "",
    in_unit: int = 0,
    until: str = "",
) -> None:
    """Read a text that comes in pieces; raises `BudgetExceeded`, or `ExpatError` for broken XML.

    `unit` is the local name of an element that may hold at most `in_unit` nodes, and a million
    characters may stand outside all of them; `until` names the element at whose end the reading ends.
    """
    parser = ParserCreate(charset)
    counting = _Counting(budget, parser, unit, in_unit or budget.nodes, until)
    parser.ordered_attributes = True
    parser.StartElementHandler = counting.start
    parser.EndElementHandler = counting.end
    parser.StartDoctypeDeclHandler = counting.doctype
    if unit:
        parser.CharacterDataHandler = counting.characters
    for piece in pieces:
        parser.Parse(piece, False)
        if counting.ended:
            return
    parser.Parse(b"", True)


class _Counting:
    """What was met so far; the first bound that is broken ends the reading."""

    def __init__(self, budget: Budget, parser: XMLParserType, unit: str, in_unit: int, until: str) -> None:
        self.budget = budget
        self.parser = parser
        self.unit = unit
        self.in_unit = in_unit
        self.unit_began = 0
        self.units_open = 0
        self.loose = 0
        self.until = until
        self.ended = False
        self.nodes = 0
        self.attributes = 0
        self.declared = 0
        self.scopes: list[int] = [0]

    def start(self, name: str, attributes: list[str]) -> None:
        if self.ended:
            return
        count = len(attributes) // 2
        spaces = sum(one == "xmlns" or one.startswith("xmlns:") for one in attributes[::2]) if count else 0
        if self.unit and name.rpartition(":")[2] == self.unit:
            self.unit_began = self.nodes
            self.units_open += 1
        self.nodes += 1 + count
        self.attributes += count
        self.declared += spaces
        self.scopes.append(self.scopes[-1] + spaces)
        if self.scopes[-1] > self.budget.namespaces:
            self.exceed("namespaces", name)
        if count > self.budget.names:
            self.exceed("names", name)
        if self.declared > self.budget.declarations:
            self.exceed("declarations", name)
        if self.attributes > self.budget.attributes:
            self.exceed("attributes", name)
        if self.nodes > self.budget.nodes or self.nodes - self.unit_began > self.in_unit:
            self.exceed("nodes", name)
        if len(self.scopes) - 1 > self.budget.depth:
            self.exceed("depth", name)

    def end(self, name: str) -> None:
        if self.ended:
            return
        self.scopes.pop()
        if self.unit and name.rpartition(":")[2] == self.unit:
            self.units_open -= 1
        self.ended = self.ended or (bool(self.until) and name.rpartition(":")[2] == self.until)

    def characters(self, text: str) -> None:
        """Count what stands between units, where it would be kept to the end: blanks, as a rule."""
        if not self.units_open and not self.ended:
            self.loose += len(text)
            if self.loose > _LOOSE:
                self.exceed("text", self.until)

    def doctype(self, *_: object) -> None:
        raise rejections.doctype()

    def exceed(self, bound: str, name: str) -> None:
        parser = self.parser
        place = f"<{name[:60]}> line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber + 1}"
        raise self.budget.exceeded(bound, place)
