"""The one door to the formats: bounded, and named by the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.base import Tree
from adapters.formats import csv, embedded, form, json, rejections, soap, xlsx, xml
from adapters.formats.format import DEFAULT_LIMIT, Body, EncodedBody, Format, Order

_Reader = Callable[[Format, bytes, str | None], Body]
_Writer = Callable[[Format, Tree, Order | None], EncodedBody]
_READERS: Mapping[str, _Reader] = {
    "json": json.read,
    "xml": xml.read,
    "soap": soap.read,
    "form": form.read,
    "csv": csv.read,
    "xlsx": xlsx.read,
}
_WRITERS: Mapping[str, _Writer] = {
    "json": lambda declared, tree, order: json.write(declared, tree),
    "xml": xml.write,
    "soap": soap.write,
    "form": lambda declared, tree, order: form.write(declared, tree),
    "csv": csv.write,
    "xlsx": xlsx.write,
}

BODIES = tuple(_READERS)
"""The names a bundle may use for `format.body`."""


def read(declared: Format, body: bytes, content_type: str | None = None, *, limit: int = DEFAULT_LIMIT) -> Body:
    """Parse at most `limit` bytes; raises `Rejected` (400, 413, 415, or 422 for the wrong root)."""
    if len(body) > limit:
        raise rejections.too_large(len(body), limit)
    if not body or body.isspace():
        raise rejections.empty()
    parsed = _READERS[declared.body](declared, body, content_type)
    return embedded.unfolded(declared, parsed) if declared.embedded else parsed


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree; the same tree gives the same bytes. Raises `Rejected` for what cannot be written."""
    whole = embedded.folded(declared, tree) if declared.embedded else tree
    return _WRITERS[declared.body](declared, whole, order)


def write_text(declared: Format, tree: Tree, order: Order | None = None) -> str:
    """Write a tree as text to embed: XML under the declared root for xml and soap, else JSON."""
    if declared.body in ("xml", "soap"):
        return xml.write_text(declared, tree, order)
    return json.dump(tree).decode("utf-8")
