"""Read one sheet of a workbook as a stream of cells: every part bounded before it is unpacked, nothing evaluated."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS

from adapters.formats import rejections

MAX_UNPACKED = 64 * 1024 * 1024
MAX_PARTS = 1000
MAX_HEAD = 8 * 1024 * 1024
"""The most that anything but cells and texts may take unpacked."""

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
_WHERE = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is stored: `kind` is number, text, bool, error, date or formula; `form` its number format."""

    column: int
    kind: str
    text: str
    form: str


class Workbook:
    """An XLSX file. Raises `Rejected` for one too large unpacked, anything else for one that is broken."""

    def __init__(self, body: bytes) -> None:
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
    def since_1904(self) -> bool:
        """Whether days count from 1904, as on old Macintoshes."""
        properties = self._book.find("{*}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    def rows(self, path: str) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Give the rows that a sheet stores, each with its number from 1, and the cells that hold something."""
        number = 0
        for row in self._elements(path, "row"):
            number = int(row.get("r") or number + 1)
            yield number, list(self._cells(row))

    def _cells(self, row: Any) -> Iterator[Cell]:
        column = 0
        for one in row.iterfind("{*}c"):
            column = _column(one.get("r")) or column + 1
            kind, text = self._content(one)
            if text or kind == "formula":
                yield Cell(column, kind, text, self._form(one.get("s")))

    def _content(self, cell: Any) -> tuple[str, str]:
        kind = cell.get("t", "n")
        if cell.find("{*}f") is not None:
            return "formula", ""
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
        return [] if path is None else [_text(one) for one in self._elements(path, "si")]

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
        known.update({int(one.get("numFmtId")): one.get("formatCode") for one in own})
        return [known.get(int(one.get("numFmtId", 0)), "") for one in styles.iterfind("{*}cellXfs/{*}xf")]

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
        content = self._part(path)
        if len(content) > MAX_HEAD:
            raise rejections.reject(
                "xlsx.size",
                f"{path} 过大；请另存为新的文件",
                f"{path} is too large; save it as a new file",
                status=413,
            )
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))

    def _elements(self, path: str, name: str) -> Iterator[Any]:
        content = io.BytesIO(self._part(path))
        walk = etree.iterparse(content, tag=f"{{*}}{name}", resolve_entities=False, no_network=True, load_dtd=False)
        for _, element in walk:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]

    def _part(self, path: str) -> bytes:
        """Unpack a part, never further than the archive says it goes."""
        entry = self._archive.getinfo(path)
        with self._archive.open(entry) as member:
            content = member.read(entry.file_size + 1)
        if content.startswith(_UTF16) or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise rejections.reject("xlsx.dtd", "不接受带 DTD 的 XLSX", "an XLSX with a DTD is not accepted")
        return content


def _text(holder: Any) -> str:
    """Give the text of a string item: all its runs, without the readings beside them."""
    return "".join(one.text or "" for one in holder.iter("{*}t") if etree.QName(one.getparent()).localname != "rPh")


def _column(where: str | None) -> int:
    match = _WHERE.fullmatch(where or "")
    number = 0
    for letter in match[1] if match else "":
        number = number * 26 + ord(letter) - 64
    return number
