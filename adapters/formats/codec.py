"""The body formats by name, and the one way to read and write any of them: bounded, and named by the bundle."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from adapters.base import Cutter, Tree
from adapters.formats import (
    charsets,
    csv,
    csv_stream,
    embedded,
    form,
    json,
    json_stream,
    rejections,
    soap,
    xlsx,
    xml,
    xml_stream,
)
from adapters.formats.cutting import PackagePlan, StreamFormat, media_type
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from schemas.budget import STANDARD, Budget

BODY_FORMATS: Mapping[str, BodyFormat] = {
    module.BODY_FORMAT.name: module.BODY_FORMAT for module in (json, xml, soap, form, csv, xlsx)
}
"""Every format by the name a bundle may use for `format.body`."""

SUFFIXES: Mapping[str, BodyFormat] = {
    suffix: one for one in reversed(tuple(BODY_FORMATS.values())) for suffix in one.suffixes
}
"""The format of a file by how its name ends; where two share a suffix, the first of `BODY_FORMATS`."""

STREAMS: Mapping[str, StreamFormat] = {
    module.STREAM.body: module.STREAM for module in (json_stream, csv_stream, xml_stream)
}
"""How many records are sent in one stream, by the name of the body format that each is in; others come singly."""


def of(declared: Format) -> BodyFormat:
    """Give what is known about the format that a bundle declares."""
    return BODY_FORMATS[declared.body]


def answered(declared: Format) -> Format:
    """Give the format in which a platform usually answers: a form or a table is answered in JSON."""
    return Format(of(declared).answered_in or declared.body, declared.charset, None, declared.namespaces)


def recognise(name: str, content: bytes) -> Format:
    """Tell how a file is written; JSON when no format knows it, so that reading it says what is wrong."""
    found = (one.recognise(name, content) for one in BODY_FORMATS.values())
    return next((declared for declared in found if declared), Format(charset=charsets.guess(content)))


def read(
    declared: Format,
    body: bytes,
    content_type: str | None = None,
    *,
    limit: int | None = None,
    budget: Budget = STANDARD,
) -> Body:
    """Parse a body within its budget; raises `Rejected` (400, 413, 415, or 422 for the wrong root).

    `limit` is the number of bytes, where it is another than the budget's.
    """
    most = budget.body if limit is None else limit
    if len(body) > most:
        raise rejections.too_large(len(body), most)
    if not body or body.isspace():
        raise rejections.empty()
    parsed = of(declared).read(declared, body, content_type, budget)
    return embedded.unfolded(declared, parsed, budget) if declared.embedded else parsed


def cutter(declared: Format, content_type: str | None, budget: Budget, plan: PackagePlan) -> Cutter:
    """Give what cuts a stream of records in this format; Rejected (415) says what can be sent instead."""
    stream = STREAMS.get(declared.body)
    if stream is None or (stream.packages and plan.split is None):
        raise rejections.no_stream(declared.body)
    if media_type(content_type) not in stream.media_types:
        raise rejections.other_stream(media_type(content_type), stream.media_types)
    return stream.cut(declared, content_type, budget, plan)


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a tree; the same tree gives the same bytes. Raises `Rejected` for what cannot be written."""
    whole = embedded.folded(declared, tree, order) if declared.embedded else tree
    return of(declared).write(declared, whole, order)


def inner(declared: Format) -> Format:
    """Give the format of a record that is embedded as text in a body: UTF-8, XML in XML, else JSON."""
    return replace(declared, body="xml" if of(declared).elements else "json", charset="utf-8")


def write_text(declared: Format, tree: Tree, order: Order | None = None) -> str:
    """Write a tree as text to embed: XML under the declared root in XML, else JSON."""
    if of(declared).elements:
        return xml.write_text(declared, tree, order)
    return json.dump(tree).decode("utf-8")
