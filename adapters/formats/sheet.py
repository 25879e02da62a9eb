"""Write a workbook of one sheet of text: no formulas, no clock, the same bytes for the same cells."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from lxml import etree
from openpyxl.utils import get_column_letter

from adapters.formats import rejections

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_SPACE: Any = {None: _MAIN}
_BOOK: Any = {None: _MAIN, "r": _OFFICE}
_TYPES: Any = {None: f"{_PACKAGE}/content-types"}
_RELATIONS: Any = {None: f"{_PACKAGE}/relationships"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_AS_TEXT = "49"
"""The built-in number format `@`."""


def workbook(name: str, lines: Iterable[Sequence[str]]) -> bytes:
    """Give the file of a sheet `name` with these lines; raises `Rejected` for what XML cannot hold."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, root in _parts(name, lines):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))
    return out.getvalue()


def _parts(name: str, lines: Iterable[Sequence[str]]) -> Iterable[tuple[str, Any]]:
    yield "[Content_Types].xml", _content_types()
    yield "_rels/.rels", _relations({"officeDocument": "xl/workbook.xml"})
    yield "xl/workbook.xml", _book(name)
    yield "xl/_rels/workbook.xml.rels", _relations({"worksheet": "worksheets/sheet1.xml", "styles": "styles.xml"})
    yield "xl/styles.xml", _styles()
    yield "xl/worksheets/sheet1.xml", _sheet(lines)


def _content_types() -> Any:
    root = etree.Element("Types", nsmap=_TYPES)
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    etree.SubElement(root, "Default", Extension="rels", ContentType=rels)
    for path, kind in (
        ("/xl/workbook.xml", "sheet.main"),
        ("/xl/worksheets/sheet1.xml", "worksheet"),
        ("/xl/styles.xml", "styles"),
    ):
        etree.SubElement(root, "Override", PartName=path, ContentType=f"{_SPREADSHEET}.{kind}+xml")
    return root


def _relations(targets: dict[str, str]) -> Any:
    root = etree.Element("Relationships", nsmap=_RELATIONS)
    for number, (kind, target) in enumerate(targets.items(), 1):
        etree.SubElement(root, "Relationship", Id=f"rId{number}", Type=f"{_OFFICE}/{kind}", Target=target)
    return root


def _book(name: str) -> Any:
    root = etree.Element("workbook", nsmap=_BOOK)
    one = etree.SubElement(etree.SubElement(root, "sheets"), "sheet", name=name, sheetId="1")
    one.set(f"{{{_OFFICE}}}id", "rId1")
    return root


def _styles() -> Any:
    root = etree.Element("styleSheet", nsmap=_SPACE)
    etree.SubElement(etree.SubElement(root, "fonts", count="1"), "font")
    fill = etree.SubElement(etree.SubElement(root, "fills", count="1"), "fill")
    etree.SubElement(fill, "patternFill", patternType="none")
    etree.SubElement(etree.SubElement(root, "borders", count="1"), "border")
    etree.SubElement(etree.SubElement(root, "cellStyleXfs", count="1"), "xf")
    formats = etree.SubElement(root, "cellXfs", count="2")
    etree.SubElement(formats, "xf", xfId="0")
    etree.SubElement(formats, "xf", xfId="0", numFmtId=_AS_TEXT, applyNumberFormat="1")
    named = etree.SubElement(root, "cellStyles", count="1")
    etree.SubElement(named, "cellStyle", name="Normal", xfId="0", builtinId="0")
    return root


def _sheet(lines: Iterable[Sequence[str]]) -> Any:
    root = etree.Element("worksheet", nsmap=_SPACE)
    rows = etree.SubElement(root, "sheetData")
    for number, cells in enumerate(lines, 1):
        row = etree.SubElement(rows, "row", r=str(number))
        for place, text in enumerate(cells, 1):
            if text:
                _cell(row, f"{get_column_letter(place)}{number}", text)
    return root


def _cell(row: Any, where: str, text: str) -> None:
    cell = etree.SubElement(row, "c", r=where, s="1", t="inlineStr")
    holder = etree.SubElement(etree.SubElement(cell, "is"), "t")
    holder.set(_XML_SPACE, "preserve")
    try:
        holder.text = text
    except ValueError:
        raise rejections.reject(
            "xlsx.character",
            f"单元格 {where} 含有不允许的控制字符；请更正该文档",
            f"cell {where} holds a control character that is not allowed; correct the document",
            status=422,
            path=where,
        ) from None
