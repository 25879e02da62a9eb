"""What a format is, and what reading and writing one gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from adapters.base import Tree
from schemas.budget import Budget
from schemas.reprs import Discreet

Steps = tuple[str | None, ...]
"""A place in a tree: names from the outside in, None for each item of a list."""


class Format(Struct, frozen=True):
    """How bodies are written: `body` names a `BodyFormat`; `charset` is a Python codec name.

    `root` is the name of the XML root element; `namespaces` maps the prefixes used in paths to URIs
    (the empty prefix is the namespace of names without one). `delimiter` is that of csv, `sheet` the
    one of xlsx (the first that is visible), `header` the row of a table that names its columns.
    `embedded` tells the places (steps, None for each item of a list) that hold a whole document as
    text, and its kind: json or xml.
    """

    body: str = "json"
    charset: str = "utf-8"
    root: str | None = None
    namespaces: Mapping[str, str] = {}
    delimiter: str = ","
    sheet: str | None = None
    header: int = 1
    embedded: tuple[tuple[Steps, str], ...] = ()


class Body(Discreet, frozen=True):
    """A parsed body. `element` is the XML element that stands for the tree (inside Body for SOAP)."""

    tree: Tree
    element: Any = None


class EncodedBody(Discreet, frozen=True):
    """A written body and the Content-Type that tells how."""

    content_type: str
    body: bytes


class ReplyFault(Struct, frozen=True):
    """A failure that a body format itself can tell: `code` (`Client`, `Server`, `Client.Authentication` …)."""

    code: str
    reason: str


class Order(Protocol):
    """The order in which a schema wants the children of an element."""

    @property
    def names(self) -> tuple[str, ...]:
        """The children's names in order, attributes under `@name`."""
        ...

    def child(self, name: str) -> Order | None:
        """The order below a child, None when the schema does not know it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFormat:
    """One body format: how it is read and written, and all that anybody else must know about it.

    A format is one module that declares its `BODY_FORMAT`, and one entry of `codec.BODY_FORMATS`.
    Nothing else in the product may ask for a format by its name.

    - `name`: what a bundle writes as `format.body`.
    - `read`: declared format, bytes, Content-Type and budget → body; raises `Rejected`.
    - `write`: declared format, tree and the order of its children → bytes; raises `Rejected`.
    - `suffixes`: how the names of its files end, the usual one first.
    - `recognise`: a file's name and bytes → how it is written, None when this is not the format.
    - `answered_in`: the format in which its platforms usually answer; empty: its own.
    - `answer_type`: the media type of an answer that a bundle writes as text; empty: `media_type`.
    - `read_answers_as`: the format in which such an answer must be well-formed; empty: any text will do.
    - `escape`: makes a value safe inside the text of an answer.
    - `elements`: bodies are XML elements, with attributes and prefixes; a record embedded in them is XML too.
    - `keeps_root`: trees begin with the name of the root element, so that any element may be the root.
    - `binary`: bodies are no text, and have no charset.
    - `action_header`: the header that names a request's action; empty: there is none.
    - `read_reply`: declared format, a reply's text and budget → body, more leniently than `read`; None: as `read`.
    - `fault`: finds the failure that a reply tells by its form; None: replies tell none.
    """

    name: str
    read: Callable[[Format, bytes, str | None, Budget], Body]
    write: Callable[[Format, Tree, Order | None], EncodedBody]
    media_type: str
    suffixes: tuple[str, ...]
    recognise: Callable[[str, bytes], Format | None] = lambda name, content: None
    answered_in: str = ""
    answer_type: str = ""
    read_answers_as: str = ""
    escape: Callable[[str], str] = str
    elements: bool = False
    keeps_root: bool = False
    binary: bool = False
    action_header: str = ""
    read_reply: Callable[[Format, str, Budget], Body] | None = None
    fault: Callable[[Body], ReplyFault | None] | None = None


def as_text(value: Any) -> str:
    """Write a leaf as text, as the grammar compares it: `0` is `"0"`, true is `true`, nothing is empty.

    An element with attributes is its text.
    """
    if isinstance(value, dict):
        value = value.get("#text", "")
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
