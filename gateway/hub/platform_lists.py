"""A platform's own list of a day: read line by line within bounds, and sorted on the disk while it is compared."""

from __future__ import annotations

import csv
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct

from gateway.errors import Invalid
from gateway.ledger.reconciled import Exchanged
from schemas.findings import Text

LINES = 1_000_000
"""Lines that a list may have."""

LONGEST = 1000
"""Bytes that a line may have."""

UNKNOWN = "-"
"""What stands in a line for a digest that is not known."""

_ID = re.compile(r"[!-~]{1,255}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_MARK = "\ufeff"

Line = tuple[str, str | None]
"""What a line of a list says: an id and, where it tells one, the SHA-256 of the document, hexadecimal."""


class ListReader:
    """Reads a list piece by piece: NDJSON, or CSV with a heading. Invalid for the first line that cannot be read.

    The last line must be ended as all are: one that was cut off may look like another id.
    """

    def __init__(self, *, is_csv: bool, most: int = LINES) -> None:
        self._most = most
        self._parse: Callable[[str], Line | None] = self._heading if is_csv else _json_line
        self._rest = b""
        self._number = 0

    def read(self, piece: bytes) -> Iterator[Line]:
        """Give the lines that a piece of the body ends."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            if (said := self._line(line)) is not None:
                yield said
        if len(self._rest) > LONGEST:
            raise _bad(self._number + 1, _TOO_LONG, "list.line-too-long")

    def end(self) -> None:
        """Say that nothing more comes; Invalid when the last line was cut off."""
        if self._rest.strip():
            raise _bad(self._number + 1, _CUT, "list.cut")

    def _line(self, line: bytes) -> Line | None:
        self._number += 1
        if self._number > self._most:
            raise _bad(self._number, _TOO_MANY, "list.too-many")
        if len(line) > LONGEST:
            raise _bad(self._number, _TOO_LONG, "list.line-too-long")
        try:
            text = line.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError:
            raise _bad(self._number, _CHARSET, "list.charset") from None
        text = text.removeprefix(_MARK) if self._number == 1 else text
        if not text.strip():
            return None
        try:
            said = self._parse(text)
        except (ValueError, csv.Error, IndexError, KeyError, TypeError):
            raise _bad(self._number, _UNREADABLE, "list.unreadable") from None
        return None if said is None else self._checked(*said)

    def _heading(self, text: str) -> None:
        names = [name.strip().lower() for name in next(csv.reader([text], strict=True))]
        at, digest = names.index("id"), names.index("digest") if "digest" in names else None

        def line(text: str) -> Line:
            cells = next(csv.reader([text], strict=True))
            if len(cells) != len(names):
                raise ValueError(text)
            return cells[at].strip(), None if digest is None else cells[digest].strip() or None

        self._parse = line

    def _checked(self, id: str, digest: str | None) -> Line:
        if not _ID.fullmatch(id):
            raise _bad(self._number, _NO_ID, "list.id")
        fits = None if digest in (None, UNKNOWN) else _DIGEST.fullmatch(digest or "")
        if digest not in (None, UNKNOWN) and fits is None:
            raise _bad(self._number, _NO_DIGEST, "list.digest")
        return id.lower() if _UUID.fullmatch(id) else id, fits[1].lower() if fits else None


def _json_line(text: str) -> Line:
    said = orjson.loads(text)
    id, digest = said["id"], said.get("digest")
    if not isinstance(id, str) or not isinstance(digest, str | None):
        raise TypeError(text)
    return id, digest


class ExchangeCount(Struct, frozen=True):
    """How many documents there are, and the digest of them: see `Sorted.counted`."""

    count: int
    digest: str


class Sorted:
    """Ids with digests, in a file without a name that is gone when it is closed: memory is bounded however many.

    Its methods block, and one thread at a time may call them.
    """

    def __init__(self) -> None:
        # Without a name the database is the connection's own, on the disk as soon as it outgrows its cache.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA cache_size = -4096")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE lines (id TEXT PRIMARY KEY, type TEXT NOT NULL, digest TEXT, times INTEGER NOT NULL)"
            " WITHOUT ROWID"
        )
        self._database.execute("CREATE TABLE known (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()

    def add(self, lines: Iterable[Line], type: str = "") -> None:
        """Add lines; of an id that was there its first digest stays, and that it came again is counted."""
        self._add((id, type, digest) for id, digest in lines)

    def add_exchanged(self, found: Sequence[Exchanged]) -> None:
        """Add what the ledger has."""
        self._add((one.id, one.type, one.digest.hex() if one.digest is not None else None) for one in found)

    def _add(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        self._many("INSERT INTO lines VALUES (?, ?, ?, 1) ON CONFLICT (id) DO UPDATE SET times = times + 1", rows)

    def know(self, ids: Iterable[str]) -> None:
        """Remember ids of ours that the list names, under whatever name."""
        self._many("INSERT OR IGNORE INTO known VALUES (?)", ((each,) for each in ids))

    def unknown(self, ids: Sequence[str]) -> set[str]:
        """Give those ids that were not remembered."""
        marks = ", ".join("?" * len(ids))
        found = self._database.execute(f"SELECT id FROM known WHERE id IN ({marks})", ids)
        return set(ids) - {row[0] for row in found}

    def after(self, id: str, limit: int) -> Sequence[tuple[str, str | None, int]]:
        """Give the next lines in order of their ids, each with how often it came; `id` empty: from the start."""
        asked = "SELECT id, digest, times FROM lines WHERE id > ? ORDER BY id LIMIT ?"
        return self._database.execute(asked, (id, limit)).fetchall()

    def counted(self) -> Mapping[str, ExchangeCount]:
        """Count what there is, by type and (under the empty name) in all.

        The digest is SHA-256 over the lines `id digest`, each ended by a line feed, in the order of their bytes.
        """
        hashes: dict[str, Any] = {"": hashlib.sha256()}
        counts: dict[str, int] = {"": 0}
        for id, type, digest in self._database.execute("SELECT id, type, digest FROM lines ORDER BY id"):
            line = f"{id} {digest or UNKNOWN}\n".encode()
            for name in {"", type}:
                hashes.setdefault(name, hashlib.sha256()).update(line)
                counts[name] = counts.get(name, 0) + 1
        return {name: ExchangeCount(counts[name], hashes[name].hexdigest()) for name in sorted(hashes)}

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._database.execute("BEGIN")
        try:
            self._database.executemany(statement, rows)
        finally:
            # Without a journal nothing is rolled back: whoever adds lines of which one is bad lets go of it all.
            self._database.execute("COMMIT")


_TOO_LONG = Text(f"超过 {LONGEST} 字节", f"has more than {LONGEST} bytes")
_TOO_MANY = Text(f"清单超过 {LINES} 行；请分日核对", f"the list has more than {LINES} lines; compare a day at a time")
_CUT = Text(
    "没有以换行结束，清单可能不完整；请重新导出，每行（含最后一行）以换行结束",
    "is not ended by a line feed: the list may have been cut off; export it again, the last line ended as all are",
)
_CHARSET = Text("不是 UTF-8；请以 UTF-8 导出清单", "is not UTF-8; export the list as UTF-8")
_UNREADABLE = Text(
    '无法读取；每行应为 {"id": …, "digest": …}（NDJSON），或 CSV（首行为列名，须有 id 列）',
    'cannot be read; a line is {"id": …, "digest": …} (NDJSON), or CSV with a heading that has the column id',
)
_NO_ID = Text("的 id 应为 1 至 255 个可见 ASCII 字符", "has no id of 1 to 255 visible ASCII characters")
_NO_DIGEST = Text("的 digest 应为 SHA-256（64 位十六进制）", "has a digest that is no SHA-256 of 64 hexadecimal digits")


def _bad(number: int, what: Text, code: str) -> Invalid:
    return Invalid(Text(f"清单第 {number} 行：{what.zh}", f"Line {number} of the list: it {what.en}"), code=code)
