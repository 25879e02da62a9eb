"""The XLSX archive: one sheet read in bounded work, and one written as text, the same bytes for the same cells."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import get_column_letter

from adapters.formats import rejections
from adapters.formats.survey import survey_pieces
from schemas.budget import STANDARD, Budget
from schemas.findings import Rejected

MAX_UNPACKED = 64 * 1024 * 1024
MAX_PARTS = 1000
MAX_HEAD = 4 * 1024 * 1024
"""The most that anything but cells and texts may take unpacked."""

HEAD_NODES = 60_000
"""As many elements and attributes as a part has that is kept as a whole: styles, and the list of sheets."""

ROW_NODES = 20_000
"""As many elements and attributes as a row, or a shared text, may have: it is built as a whole."""

MAX_FORM = 255
"""As long as a number format can be made in a spreadsheet."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The other methods take as much memory as the archive asks for."""

_PIECE = 64 * 1024
_TEXTS = 4 * 1024 * 1024
_TEXTS_A_BYTE = 8
_MARKS = (b"<!DOCTYPE", b"<!ENTITY")

CHINESE_FORMATS: Mapping[int, str] = {
    **dict.fromkeys((27, 36, 50, 57), 'yyyy"年"m"月"'),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"'),
    30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"',
    **dict.fromkeys((32, 34, 52, 55), 'h"时"mm"分"'),
    **dict.fromkeys((33, 35, 56), 'h"时"mm"分"ss"秒"'),
}
"""The number formats that a Chinese Excel has built in beside the common ones (ECMA-376, 18.8.30)."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_CONSTANT = re.compile(r'"((?:[^"]|"")*)"')
_WHERE = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}")


class Cell(Struct, frozen=True):
    """A cell as it is stored: `kind` is number, text, bool, error, date or formula; `form` its number format."""

    column: int
    kind: str
    text: str
    form: str


class Workbook:
    """An XLSX file. Raises `Rejected` for one too large unpacked, anything else for one that is broken."""

    def __init__(self, body: bytes, budget: Budget = STANDARD) -> None:
        self._budget = budget
        self._left = _TEXTS + _TEXTS_A_BYTE * len(body)
        self._archive = zipfile.ZipFile(io.BytesIO(body))
        entries = self._archive.infolist()
        if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise rejections.reject(
                "xlsx.size",
                f"解压后超过 {MAX_UNPACKED // 1024 // 1024} MiB 或 {MAX_PARTS} 个部件；请拆分后发送",
                f"more than {MAX_UNPACKED // 1024 // 1024} MiB or {MAX_PARTS} parts unpacked; send it in parts",
                status=413,
            )
        root = self._relations("_rels/.rels", "")
        self._path = next(target for kind, target in root.values() if kind == "officeDocument")
        self._book = self._tree(self._path)
        folder, name = posixpath.split(self._path)
        self._related = self._relations(f"{folder}/_rels/{name}.rels", folder)

    @cached_property
    def sheets(self) -> Mapping[str, str]:
        """The paths of the sheets by name, in their order."""
        found = {}
        for one in self._book.iterfind("{*}sheets/{*}sheet"):
            reference = next(value for key, value in one.attrib.items() if etree.QName(key).localname == "id")
            kind, path = self._related[reference]
            if kind == "worksheet":
                found[one.get("name")] = path
        return found

    @cached_property
    def visible(self) -> Sequence[str]:
        """The names of the sheets that a person sees, in their order."""
        return [
            one.get("name")
            for one in self._book.iterfind("{*}sheets/{*}sheet")
            if one.get("state", "visible") == "visible" and one.get("name") in self.sheets
        ]

    @cached_property
    def since_1904(self) -> bool:
        """Whether days count from 1904, as on old Macintoshes."""
        properties = self._book.find("{*}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    def rows(self, path: str) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Give the rows that a sheet stores, each with its number from 1, and the cells that hold something."""
        number = 0
        for row in self._elements(path, "row", "sheetData"):
            number = int(row.get("r") or number + 1)
            cells = list(self._cells(row))
            self.spend(sum(len(cell.text) for cell in cells))
            yield number, cells

    def _cells(self, row: Any) -> Iterator[Cell]:
        column = 0
        for one in row.iterfind("{*}c"):
            column = _column(one.get("r")) or column + 1
            kind, text = self._content(one)
            if text or kind == "formula":
                yield Cell(column, kind, text, self._form(one.get("s")))

    def _content(self, cell: Any) -> tuple[str, str]:
        kind = cell.get("t", "n")
        formula = cell.find("{*}f")
        if formula is not None:
            # The formula ="0012" is how a spreadsheet is made to keep a text: it computes nothing.
            constant = _CONSTANT.fullmatch((formula.text or "").strip())
            return ("text", constant[1].replace('""', '"')) if constant else ("formula", "")
        if kind == "inlineStr":
            holder = cell.find("{*}is")
            return "text", "" if holder is None else _text(holder)
        value = cell.findtext("{*}v") or ""
        if kind == "s":
            return "text", self._texts[int(value)] if value else ""
        return {"b": "bool", "e": "error", "d": "date", "str": "text"}.get(kind, "number"), value

    @cached_property
    def _texts(self) -> list[str]:
        path = self._target("sharedStrings")
        texts: list[str] = []
        for one in self._elements(path, "si", "sst") if path is not None else ():
            texts.append(_text(one))
            self.spend(len(texts[-1]))
        return texts

    def spend(self, characters: int) -> None:
        """Bound the characters of all texts by what was sent: a small archive may unpack to very much."""
        self._left -= characters
        if self._left < 0:
            raise self._too_large("xl")

    def _too_large(self, path: str) -> Rejected:
        return rejections.reject(
            "xlsx.size", f"{path} 过大；请另存为新的文件", f"{path} is too large; save it as a new file", status=413
        )

    def _form(self, style: str | None) -> str:
        return self._forms[int(style)] if style else ""

    @cached_property
    def _forms(self) -> list[str]:
        path = self._target("styles")
        if path is None:
            return []
        styles = self._tree(path)
        known = {**CHINESE_FORMATS, **BUILTIN_FORMATS}
        own = styles.iterfind("{*}numFmts/{*}numFmt")
        known.update({int(one.get("numFmtId")): self._form_code(one.get("formatCode")) for one in own})
        return [known.get(int(one.get("numFmtId", 0)), "") for one in styles.iterfind("{*}cellXfs/{*}xf")]

    def _form_code(self, code: str) -> str:
        # Telling dates from numbers takes the square of the length: no spreadsheet writes a longer one.
        if len(code) > MAX_FORM:
            raise self._too_large("xl/styles.xml formatCode")
        return code

    def _target(self, kind: str) -> str | None:
        return next((target for said, target in self._related.values() if said == kind), None)

    def _relations(self, path: str, folder: str) -> Mapping[str, tuple[str, str]]:
        """Give (kind, path) of each relation by its id."""
        found = {}
        for one in self._tree(path):
            kind = one.get("Type").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/" + folder, one.get("Target"))).lstrip("/")
            found[one.get("Id")] = kind, target
        return found

    def _tree(self, path: str) -> Any:
        content = b"".join(self._pieces(path, MAX_HEAD))
        survey_pieces((content,), replace(self._budget, nodes=min(HEAD_NODES, self._budget.nodes)))
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))

    def _elements(self, path: str, name: str, within: str) -> Iterator[Any]:
        """Give the elements of a part one after the other; the part is never in memory as a whole.

        What follows the element they lie in is not read: merged cells alone may be a million.
        """
        pieces = self._pieces(path, MAX_UNPACKED)
        survey_pieces(pieces, self._budget, unit=name, in_unit=ROW_NODES, until=within)
        content: Any = _Stream(self._pieces(path, MAX_UNPACKED))
        tags = (f"{{*}}{name}", f"{{*}}{within}")
        walk = etree.iterparse(content, tag=tags, resolve_entities=False, no_network=True, load_dtd=False)
        for _, element in walk:
            if etree.QName(element).localname == within:
                return
            yield element
            # Without this, iterparse keeps the whole sheet in memory.
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]

    def _pieces(self, path: str, most: int) -> Iterator[bytes]:
        """Unpack a part piece by piece, never more bytes than the archive's directory states."""
        entry = self._archive.getinfo(path)
        if entry.file_size > most:
            raise self._too_large(path)
        if entry.compress_type not in _METHODS:
            raise NotImplementedError("only stored and deflated parts are read")
        before = b""
        with self._archive.open(entry) as member:
            while piece := member.read(_PIECE):
                # A mark may begin in one piece and end in the next.
                seen = before + piece
                if any(mark in seen for mark in _MARKS) or (not before and piece.startswith(_UTF16)):
                    raise rejections.reject("xlsx.dtd", "不接受带 DTD 的 XLSX", "an XLSX with a DTD is not accepted")
                before = piece[-16:]
                yield piece


class _Stream(io.RawIOBase):
    """Pieces as a file to read from, one piece a read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        most = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:most], self._rest[most:]
        return given


def _text(holder: Any) -> str:
    """Give the text of a string item: all its runs, without the readings beside them."""
    return "".join(one.text or "" for one in holder.iter("{*}t") if etree.QName(one.getparent()).localname != "rPh")


def _column(where: str | None) -> int:
    match = _WHERE.fullmatch(where or "")
    number = 0
    for letter in match[1] if match else "":
        number = number * 26 + ord(letter) - 64
    return number


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


def write(name: str, lines: Iterable[Sequence[str]]) -> bytes:
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
