"""What a format is, and what reading and writing one gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from adapters.base import Tree

MAX_DEPTH = 64

Steps = tuple[str | None, ...]
"""A place in a tree: names from the outside in, None for each item of a list."""

DEFAULT_LIMIT = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """How bodies are written: `body` is json, xml, soap, form, csv or xlsx; `charset` a Python codec name.

    `root` is the name of the XML root element; `namespaces` maps the prefixes used in paths to URIs
    (the empty prefix is the namespace of names without one). `delimiter` is that of csv, `sheet` the
    one of xlsx (the first). `embedded` tells the places (steps, None for each item of a list) that
    hold a whole document as text, and its kind: json or xml.
    """

    body: str = "json"
    charset: str = "utf-8"
    root: str | None = None
    namespaces: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    sheet: str | None = None
    embedded: tuple[tuple[Steps, str], ...] = ()

    @property
    def answered(self) -> Format:
        """The format a platform usually answers in: a form or a table is answered in JSON."""
        body = "json" if self.body in ("form", "csv", "xlsx") else self.body
        return Format(body, self.charset, None, self.namespaces)


@dataclass(frozen=True, slots=True)
class Body:
    """A parsed body. `element` is the XML element that stands for the tree (inside Body for SOAP)."""

    tree: Tree
    element: Any = None


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A written body and the Content-Type that tells how."""

    content_type: str
    body: bytes


class Order(Protocol):
    """The order in which a schema wants the children of an element."""

    @property
    def names(self) -> tuple[str, ...]:
        """The children's names in order, attributes under `@name`."""
        ...

    def child(self, name: str) -> Order | None:
        """The order below a child, None when the schema does not know it."""
        ...


def as_text(value: Any) -> str:
    """Write a leaf as text, as the grammar compares it: `0` is `"0"`, true is `true`, nothing is empty."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
