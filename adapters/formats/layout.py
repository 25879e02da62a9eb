"""Where a table stands on a sheet that a person made: under a title, with a total and notes below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

Line = tuple[int, Sequence[str]]
"""A line's number as the sender counts (from 1), and its cells."""

BLANK = " \t\r\n\u3000"
MAX_HEADER_ROW = 100
_LOOKED_AT = 20
_MOST_COLUMNS = 300
MOST_AT_THE_END = 1000
"""As many totals and notes are held back; where there are more, they are records."""

_COUNT = r"[:：(（]?[0-9.,]*(?:家|条|件|个|次|元|万元|户|人|份|起|行)?[)）]?"
_TOTAL = re.compile(
    rf"(?:本页)?(?:合计|总计|共计|小计|累计|总和){_COUNT}|共[0-9]+(?:家|条|件|个|次|户|人|份|起|行)(?:记录)?"
    r"|(?:grand|sub)?total[s]?:?|sum:?",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:注|备注|说明|填表人|填报人|制表人|审核人|复核人|负责人|单位负责人|填表日期|填报日期|制表日期|填表单位|填报单位)[:：].*",
    re.DOTALL,
)


def table_lines(rows: Iterable[Line], header: int) -> Iterator[Line]:
    """Give the lines of the table itself: the header, which is the row `header` from 1, then the records.

    What stands above the header is a title, and so are a total and notes at the end; blank lines, and
    cells without anything in them beyond the last column, do not count.
    """
    given = iter(rows)
    above = list(islice(given, header - 1))
    line, cells = next(given, (header, ()))
    names = _names(cells, [cells for _, cells in above])
    yield line, names
    # A total or a note may be a record after all: it is held back until it is known that only such lines follow.
    held: list[Line] = []
    for line, cells in given:
        if not any(cell.strip(BLANK) for cell in cells):
            continue
        held.append((line, _fitted(cells, len(names))))
        if not ends_a_table(cells) or len(held) > MOST_AT_THE_END:
            yield from held
            held.clear()


def header_row(rows: Iterable[Sequence[str]]) -> int:
    """Guess which row is the header: the first near the top that names as many columns as any, merged ones included."""
    top = list(islice(rows, _LOOKED_AT))
    counts = [sum(1 for name in _names(cells, top[:place]) if name) for place, cells in enumerate(top)]
    return counts.index(max(counts)) + 1 if counts else 1


def _names(cells: Sequence[str], above: Sequence[Sequence[str]]) -> list[str]:
    """Give the names of the columns. One that was merged over several rows stands in the uppermost of them."""
    if not any(cell.strip(BLANK) for cell in cells):
        return []
    names = list(cells)
    for row in reversed(above):
        # No more columns than a table may have: a title of a million cells is not looked through for each of them.
        names.extend([""] * (min(len(row), _MOST_COLUMNS) - len(names)))
        for place, text in enumerate(row[:_MOST_COLUMNS]):
            if text.strip(BLANK) and not names[place].strip(BLANK):
                names[place] = text
    return _without_end(names)


def _without_end(cells: Sequence[str]) -> list[str]:
    kept = len(cells)
    while kept and not cells[kept - 1].strip(BLANK):
        kept -= 1
    return list(cells[:kept])


def _fitted(cells: Sequence[str], width: int) -> Sequence[str]:
    """Drop empty cells beyond the last column; filled ones stay, and are a fault."""
    return cells if len(cells) <= width else [*cells[:width], *_without_end(cells[width:])]


def ends_a_table(cells: Sequence[str]) -> bool:
    """Whether a line that is not blank is a total or a note."""
    filled = [cell for cell in cells if cell.strip(BLANK)]
    first = re.sub(r"\s+", "", filled[0])
    return _TOTAL.fullmatch(first) is not None or (len(filled) <= 3 and _NOTE.fullmatch(first) is not None)
