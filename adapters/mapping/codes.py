"""Native code tables: a platform's codes beside the canonical ones, unambiguous in both directions."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from adapters.source import BrokenBundle, BundleFinding
from schemas.findings import Text

MAX_BYTES = 1024 * 1024
MAX_ROWS = 20_000

_COLUMNS = ("native", "canonical", "title")
_YES = frozenset({"1", "y", "yes", "true", "是"})


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A code table as two dictionaries: `inward` native → canonical, `outward` canonical → native.

    Several natives may mean one canonical code; `outward` then holds the preferred one. `digest` is
    the SHA-256 of the file, hexadecimal; `lines` the line of each native code.
    """

    name: str
    inward: Mapping[str, str]
    outward: Mapping[str, str]
    titles: Mapping[str, str]
    digest: str
    lines: Mapping[str, int]

    def gaps(self, canonical: Iterable[str]) -> tuple[str, ...]:
        """The canonical codes that have no native one, so could not be written."""
        return tuple(sorted(set(canonical) - self.outward.keys()))

    def strangers(self, canonical: Iterable[str]) -> tuple[str, ...]:
        """The canonical codes of this table that are not among `canonical`."""
        return tuple(sorted(self.outward.keys() - set(canonical)))


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    native: str
    canonical: str
    title: str
    preferred: bool


def load(text: bytes, name: str, file: str = "") -> CodeTable:
    """Read a CSV with the columns native, canonical, title and, if wanted, preferred.

    UTF-8, at most 1 MiB and 20,000 rows. `name` is what mappings call it, `file` what findings do.
    Raises `adapters.source.BrokenBundle` with every faulty line: a native code twice, or several
    natives for one canonical code with no single preferred one.
    """
    file = file or f"codes/{name}.csv"
    rows, faults = _rows(_decoded(text, file), file)
    faults.extend(_repeated(rows, file))
    outward = _outward(rows, file, faults)
    if faults:
        raise BrokenBundle(faults)
    return CodeTable(
        name,
        inward={row.native: row.canonical for row in rows},
        outward=outward,
        titles={row.native: row.title for row in rows},
        digest=sha256(text).hexdigest(),
        lines={row.native: row.line for row in rows},
    )


def _decoded(text: bytes, file: str) -> str:
    if len(text) > MAX_BYTES:
        raise BrokenBundle([_fault(file, 0, "codes.size", "码表超过 1 MiB", "the code table is larger than 1 MiB")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise BrokenBundle([_fault(file, line, "codes.encoding", "不是 UTF-8 编码", "it is not UTF-8")]) from None


def _rows(text: str, file: str) -> tuple[list[_Row], list[BundleFinding]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if tuple(head) not in (_COLUMNS, (*_COLUMNS, "preferred")):
            raise BrokenBundle([_fault(file, 1, "codes.columns", f"表头是 {head}", f"the header is {head}")])
        rows = [_row(cells, reader.line_num, file) for cells in _bounded(reader, file)]
    except csv.Error as error:
        line = reader.line_num
        raise BrokenBundle([_fault(file, line, "codes.csv", f"CSV 有误：{error}", f"not CSV: {error}")]) from None
    faults = [row for row in rows if isinstance(row, BundleFinding)]
    return [row for row in rows if isinstance(row, _Row)], faults


def _bounded(reader: Iterator[list[str]], file: str) -> Iterator[list[str]]:
    for count, cells in enumerate(reader):
        if count >= MAX_ROWS:
            fault = _fault(file, 0, "codes.rows", f"超过 {MAX_ROWS} 行", f"it has more than {MAX_ROWS} rows")
            raise BrokenBundle([fault])
        if any(cell.strip() for cell in cells):
            yield cells


def _row(cells: list[str], line: int, file: str) -> _Row | BundleFinding:
    native, canonical, *rest = (cell.strip() for cell in [*cells, "", ""])
    if not native or not canonical or len(cells) > len(_COLUMNS) + 1:
        return _fault(
            file,
            line,
            "codes.row",
            "缺少 native 或 canonical，或列数不对",
            "native or canonical is missing, or there are too many cells",
        )
    return _Row(line, native, canonical, rest[0], rest[1].lower() in _YES)


def _repeated(rows: list[_Row], file: str) -> Iterator[BundleFinding]:
    seen: dict[str, int] = {}
    for row in rows:
        if (first := seen.setdefault(row.native, row.line)) != row.line:
            yield _fault(
                file,
                row.line,
                "codes.native",
                f"{row.native} 已在第 {first} 行出现",
                f"{row.native} is already on line {first}",
            )


def _outward(rows: list[_Row], file: str, faults: list[BundleFinding]) -> dict[str, str]:
    groups: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.canonical].append(row)
    outward = {}
    for canonical, group in groups.items():
        chosen = [row for row in group if row.preferred] or group
        outward[canonical] = chosen[0].native
        if len(chosen) > 1:
            natives = "、".join(row.native for row in chosen)
            faults.append(
                _fault(
                    file,
                    chosen[1].line,
                    "codes.ambiguous",
                    f"{canonical} 对应多个原码 {natives}，不知该写哪一个",
                    f"{canonical} could be written as any of {natives}",
                )
            )
    return outward


_REMEDY = {
    "codes.size": Text("请拆分码表", "split the table"),
    "codes.encoding": Text("请以 UTF-8 编码另存", "save it as UTF-8"),
    "codes.columns": Text(
        "表头应为 native,canonical,title，可再加 preferred",
        "the header is native,canonical,title and, if wanted, preferred",
    ),
    "codes.csv": Text("请检查引号和逗号", "check quotes and commas"),
    "codes.rows": Text("请删去用不到的行", "remove rows that are not needed"),
    "codes.row": Text("每行写 native,canonical,title[,preferred]", "write native,canonical,title[,preferred]"),
    "codes.native": Text("每个原码只写一行", "write each native code once"),
    "codes.ambiguous": Text("请在要写出的一行的 preferred 列填 1", "put 1 in the preferred column of the one to write"),
}


def _fault(file: str, line: int, code: str, zh: str, en: str) -> BundleFinding:
    return BundleFinding(code, Text(zh, en), _REMEDY[code], file, max(line, 1))
