"""A compiled native schema, written in JSON Schema or XML Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from adapters.formats.format import Body, Format
from adapters.native.findings import Location
from adapters.native.json_schema import JsonSchema
from adapters.native.shape import Shape
from adapters.native.xsd import Xsd
from schemas.findings import Finding


class NativeSchema(Protocol):
    """A compiled native schema of a whole body."""

    @property
    def shape(self) -> Shape:
        """What a body may hold, seen from where native paths start."""
        ...

    def faults(self, body: Body) -> Iterator[tuple[Location, Finding]]:
        """Give what is wrong with a body, each with where (names and list indexes), at most 50."""
        ...

    def alone(self, body: Body, place: tuple[str, ...]) -> Iterator[bool]:
        """Tell of each record of the list at a place, in order, whether the body would be valid with no other in it.

        Nothing, where that cannot be told at a cost of the record's own size.
        """
        ...


def compile_schema(content: bytes, file: str, declared: Format) -> NativeSchema:
    """Compile a native schema (`.xsd` is XML Schema, else JSON Schema); raises `BrokenBundle`."""
    return Xsd(content, file, declared) if file.endswith(".xsd") else JsonSchema(content, file)
