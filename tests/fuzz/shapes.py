"""Hostile bodies by format, each a function of its size: what is doubled must not cost four times as much."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters import formats
from adapters.formats import Format

Shape = Callable[[int], bytes]
"""Size (1, 2, 4 …) → bytes, about so many times as long."""


def json_shapes() -> Mapping[str, Shape]:
    """Give wide, deep, numerous and long JSON."""
    return {
        "items": lambda size: b"[" + b"1," * (40_000 * size) + b"1]",
        "empty lists": lambda size: b"[" + b"[]," * (30_000 * size) + b"1]",
        "empty objects": lambda size: b'{"a":[' + b"{}," * (20_000 * size) + b"{}]}",
        "objects": lambda size: b"[" + b'{"a":1},' * (20_000 * size) + b"1]",
        "decimals": lambda size: b"[" + b"0.1," * (20_000 * size) + b"1]",
        "exponents": lambda size: b"[" + b"1e399," * (10_000 * size) + b"1]",
        "huge exponent": lambda size: b"[" + b"1E-4000000000," * size + b"1]",
        "digits": lambda size: b"[" + b"9" * (100_000 * size) + b"]",
        "names": lambda size: json.dumps({f"u{n}": 1 for n in range(20_000 * size)}).encode(),
        "one name": lambda size: b"{" + b'"a":1,' * (20_000 * size) + b'"a":1}',
        "depth": lambda size: b'{"a":' * (5_000 * size) + b"1" + b"}" * (5_000 * size),
        "text": lambda size: b'{"a":"' + b"\\u4e00" * (50_000 * size) + b'"}',
        "quotes": lambda size: b'["' + b'\\\\",' * (50_000 * size),
        "blanks": lambda size: b"[" + b" " * (500_000 * size) + b"1]",
    }


def xml_shapes(root: str = "a") -> Mapping[str, Shape]:
    """Give XML with too much of each thing that a parser keeps."""
    return {
        "elements": lambda size: _element(root, "", b"<x/>" * (40_000 * size)),
        "texts": lambda size: _element(root, "", b"<x>y</x>" * (30_000 * size)),
        "attributes": lambda size: _element(root, "".join(f' a{n}=""' for n in range(20_000 * size)), b""),
        "attribute each": lambda size: _element(root, "", b'<x y=""/>' * (20_000 * size)),
        "namespaces": lambda size: _element(root, _spaces(2_000 * size), b"<x/>" * (5_000 * size)),
        "few namespaces": lambda size: _element(root, _spaces(60), b"<x/>" * (20_000 * size)),
        "namespace each": lambda size: _element(root, "", b'<x xmlns="u"/>' * (20_000 * size)),
        "names": lambda size: _element(root, "", b"".join(b"<x%d/>" % n for n in range(20_000 * size))),
        "depth": lambda size: _element(root, "", b"<x>" * (5_000 * size) + b"</x>" * (5_000 * size)),
        "comments": lambda size: _element(root, "", b"<!--x-->" * (50_000 * size)),
        "entities": lambda size: _element(root, "", b"&lt;" * (100_000 * size)),
        "mixed": lambda size: _element(root, "", b"t<x/>" * (20_000 * size)),
        "unclosed": lambda size: b"<" * (200_000 * size),
        "doctype": lambda size: b"<!-- " + b"-" * 10 + b" -->" * size + b"<!DOCTYPE a [" + b"]" * (1_000 * size),
    }


def _element(root: str, attributes: str, inside: bytes) -> bytes:
    return f"<{root}{attributes}>".encode() + inside + f"</{root}>".encode()


def _spaces(count: int) -> str:
    return "".join(f' xmlns:n{n}="u{n}"' for n in range(count))


def soap_shapes() -> Mapping[str, Shape]:
    """Give the same inside an envelope."""
    return {name: _enveloped(shape) for name, shape in xml_shapes().items()}


def _enveloped(shape: Shape) -> Shape:
    start = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    return lambda size: start + shape(size) + b"</s:Body></s:Envelope>"


def multipart_shapes() -> Mapping[str, Shape]:
    """Give replies of many parts, or of parts that only begin."""
    part = b"--b\r\nContent-Type: text/xml\r\n\r\n"
    return {
        "boundary": lambda size: b"--" + b" " * (400_000 * size),
        "boundaries": lambda size: b"--" + b"x " * (200_000 * size),
        "parts": lambda size: part * (10_000 * size),
        "part heads": lambda size: b"--b\r\n" + b"content-type: x\r\n \r\n" * (10_000 * size),
        "quoted": lambda size: (
            part + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * (100_000 * size)
        ),
    }


def form_shapes() -> Mapping[str, Shape]:
    """Give forms of many fields, of one field many times, and of many escapes."""
    return {
        "fields": lambda size: b"&".join(b"a%d=1" % n for n in range(20_000 * size)),
        "one field": lambda size: b"a=1&" * (450 * size),
        "escapes": lambda size: b"a=" + b"%41" * (100_000 * size),
        "separators": lambda size: b"&" * (200_000 * size),
    }


def csv_shapes() -> Mapping[str, Shape]:
    """Give tables that are long, wide or never end."""
    return {
        "rows": lambda size: b"a\n" + b"x\n" * (20_000 * size),
        "ragged": lambda size: b"a,b\n" + b"x\n" * (20_000 * size),
        "cells": lambda size: b"a,b\n" + b"," * (200_000 * size),
        "header": lambda size: b"a," * (100_000 * size),
        "blank lines": lambda size: b"a\n" + b"\n" * (400_000 * size),
        "totals": lambda size: b"a\n" + "合计\n".encode() * (100_000 * size),
        "titles": lambda size: b"t," * (140 * size) + b"\n" + b"a\n" * (10_000 * size),
        "same names": lambda size: b"a," * (140 * size) + b"a\n",
        "quotes": lambda size: b'a\n"' + b'""' * (50_000 * size) + b'"',
    }


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = b'<row r="1"><c t="str"><v>a</v></c></row>'


def xlsx_shapes() -> Mapping[str, Shape]:
    """Give workbooks that unpack to very much, or whose cells and styles take long to understand."""
    return {
        "rows": lambda size: book(HEAD + b'<row><c t="str"><v>x</v></c></row>' * (10_000 * size)),
        "empty rows": lambda size: book(b"<row/>" * (400_000 * size)),
        "cells": lambda size: book(b"<row>" + b"<c/>" * (400_000 * size) + b"</row>"),
        "texts": lambda size: book(HEAD + (b'<row><c t="str"><v>' + b"x" * 30_000 + b"</v></c></row>") * (100 * size)),
        "exponent": lambda size: book(HEAD + b'<row r="2"><c><v>1E-4000000000</v></c></row>' * size),
        "small numbers": lambda size: book(HEAD + b"<row><c><v>1E-399</v></c></row>" * (5_000 * size)),
        "format code": lambda size: book(HEAD, b'"' + b"[" * (60_000 * size) + b'"'),
        "styles": lambda size: book(HEAD, b'"0"', b"<xf/>" * (100_000 * size)),
        "spaces": lambda size: book(b" " * (4_000_000 * size)),
    }


def book(rows: bytes, code: bytes = b'"0"', styles: bytes = b"") -> bytes:
    """Give a workbook with these rows, one number format of its own and these styles."""
    plain = formats.write(Format("xlsx"), {"rows": [{"a": "1"}]}).body
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode() + rows + b"</sheetData></worksheet>"
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = sheet
            if name.endswith("styles.xml"):
                own = b'<numFmts><numFmt numFmtId="200" formatCode=' + code + b"/></numFmts><fonts"
                content = content.replace(b"<fonts", own, 1).replace(b"</cellXfs>", styles + b"</cellXfs>")
                content = content.replace(b'numFmtId="49"', b'numFmtId="200"')
            new.writestr(name, content)
    return out.getvalue()


SHAPES: Mapping[str, Callable[[], Mapping[str, Shape]]] = {
    "json": json_shapes,
    "xml": xml_shapes,
    "soap": soap_shapes,
    "form": form_shapes,
    "csv": csv_shapes,
    "xlsx": xlsx_shapes,
}
"""The shapes of each body format, by its name."""


def grown(tree: Any) -> Iterator[tuple[str, Callable[[int], Any]]]:
    """Give, for each list of a JSON sample, the sample with that list grown, and with one filled with wrong values."""
    for place in _lists(tree, ()):
        name = ".".join(place)
        yield f"longer {name}", lambda size, at=place: _with(tree, at, lambda old: old * (2_000 * size))
        yield f"wrong {name}", lambda size, at=place: _with(tree, at, lambda old: [1] * (10_000 * size))
        yield f"empty {name}", lambda size, at=place: _with(tree, at, lambda old: [{}] * (5_000 * size))
    if isinstance(tree, dict):
        yield "unknown list", lambda size: {**tree, "zz": [{}] * (10_000 * size)}
        yield "unknown names", lambda size: {**tree, **{f"zz{n}": 1 for n in range(400 * size)}}
        yield "long text", lambda size: dict.fromkeys(tree, "长" * (20000 * size))


def _lists(node: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, list):
        yield place
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _lists(child, (*place, name))


def _with(node: Any, place: tuple[str, ...], change: Callable[[list[Any]], list[Any]]) -> Any:
    if not place:
        return change(node)
    return {**node, place[0]: _with(node[place[0]], place[1:], change)}
