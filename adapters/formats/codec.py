"""The one door to the formats: bounded, and named by the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.base import Tree
from adapters.formats import faults, form, json, soap, xml
from adapters.formats.values import DEFAULT_LIMIT, Body, Format, Order, Wire

_Reader = Callable[[Format, bytes, str | None], Body]
_READERS: Mapping[str, _Reader] = {"json": json.read, "xml": xml.read, "soap": soap.read, "form": form.read}

BODIES = tuple(_READERS)
"""The names a bundle may use for `format.body`."""


def read(declared: Format, body: bytes, content_type: str | None = None, *, limit: int = DEFAULT_LIMIT) -> Body:
    """Parse at most `limit` bytes; raises `Rejected` (400, 413, 415, or 422 for the wrong root)."""
    if len(body) > limit:
        raise faults.too_large(len(body), limit)
    if not body or body.isspace():
        raise faults.empty()
    return _READERS[declared.body](declared, body, content_type)


def write(declared: Format, tree: Tree, order: Order | None = None) -> Wire:
    """Write a tree; the same tree gives the same bytes. Raises `Rejected` for what cannot be written."""
    if declared.body == "json":
        return json.write(declared, tree)
    if declared.body == "form":
        return form.write(declared, tree)
    if declared.body == "soap":
        return soap.write(declared, tree, order)
    return xml.write(declared, tree, order)


def write_text(declared: Format, tree: Tree, order: Order | None = None) -> str:
    """Write a tree as text to embed: XML under the declared root for xml and soap, else JSON."""
    if declared.body in ("json", "form"):
        return json.dump(tree).decode("utf-8")
    return xml.write_text(declared, tree, order)
