"""Samples are read by many and published: none may hold a number that could be a living person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from adapters import formats
from adapters.formats import charsets
from adapters.source import BundleFinding
from schemas.findings import Rejected, Text
from schemas.real import RealNumber, real_numbers

MARKED = "samples/invented.txt"
"""The numbers of the samples that nobody has, one a line; what follows a # is a remark."""

SPECIMENS = frozenset({"11010519491231002X", "440524188001010014", "13800000000", "13800138000"})
"""The citizen ids that GB 11643 itself shows, and the numbers that telephone companies show: known to be nobody's."""

_REMEDY = Text(
    f"请换成虚构的号码；确属虚构的，请写入 {MARKED}，每行一个",
    f"write an invented number instead; if it is invented, list it in {MARKED}, one a line",
)


def personal(files: Mapping[str, bytes]) -> Iterator[BundleFinding]:
    """Refuse each number of a real shape that nothing says is invented, once a file."""
    invented = SPECIMENS | _marked(files.get(MARKED, b""))
    for file, content in files.items():
        if file.startswith("samples/") and file != MARKED:
            text = _text(file, content)
            seen: set[str] = set()
            for found in real_numbers(text):
                if found.number not in invented | seen:
                    seen.add(found.number)
                    yield _finding(file, text, found)


def _marked(content: bytes) -> frozenset[str]:
    lines = content.decode("utf-8", "replace").splitlines()
    return frozenset(line.partition("#")[0].strip().upper() for line in lines) - {""}


def _text(file: str, content: bytes) -> str:
    """Give what a sample says, that of a workbook as JSON."""
    if content.startswith(b"PK\x03\x04"):
        try:
            return orjson.dumps(formats.read(formats.recognise(file, content), content).tree).decode("utf-8")
        except Rejected:
            return ""
    return content.decode(charsets.FAMILY[charsets.guess(content)], "replace")


def _finding(file: str, text: str, found: RealNumber) -> BundleFinding:
    line = text.count("\n", 0, found.start) + 1
    column = found.start - text.rfind("\n", 0, found.start)
    shown = f"{found.number[:3]}…"
    message = Text(
        f"样例中有真实格式的{found.kind.zh}（{shown}）",
        f"the sample holds {found.kind.en} of a real shape ({shown})",
    )
    return BundleFinding("sample.personal", message, _REMEDY, file, line, column)
