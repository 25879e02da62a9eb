"""Streams of records: cut the same whatever the pieces are, each record a body that its operation takes by itself."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.adapter import DeclarativeAdapter, load
from adapters.base import Cut
from adapters.formats.cutting import MOST_AROUND, StreamDecoder
from adapters.formats.markup import LONGEST_TAG, Markup, MarkupReader
from schemas.findings import Rejected

BUNDLES = Path(__file__).parents[1] / "bundles"
ROLLS, TOWN = load(BUNDLES / "rolls"), load(BUNDLES / "town")
LIMIT = 64 * 1024
"""What both bundles allow a body to have."""

ROW = '"AH{0}",浙环罚〔2026〕{0}号,1,2026-05-06 09:30:00,{0}.5'
TABLE = "AH,WSH,LX,ZXSJ,JE\n"
LINE = '{{"AH": "AH{0}", "WSH": "浙环罚〔2026〕{0}号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "JE": {0}.5}}'
RECORD = "<Record>\n<AH>浙环案{0}</AH><JD>01</JD><SJ>20260401083000</SJ><YJ>同意</YJ></Record>"


def package(records: Iterable[str], count: int, head: str = "<LX>AJJD</LX><JLS>{0}</JLS>") -> bytes:
    """A package of the town's."""
    inside = "\n".join(records)
    text = f"<Package><Head>{head.format(count)}</Head>\n<Data>{inside}</Data>\n</Package>"
    return f'<?xml version="1.0" encoding="GBK"?>\n{text}'.encode("gbk")


def pieces(data: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    """A stream in pieces of these sizes."""
    at = 0
    while at < len(data):
        size = next(sizes)
        yield data[at : at + size]
        at += size


def cut(adapter: DeclarativeAdapter, operation: str, kind: str, stream: Iterable[bytes]) -> list[Cut | str]:
    """What a stream is cut into; a fault of the whole by its code, last."""
    found: list[Cut | str] = []
    try:
        cutter = adapter.cutter(operation, kind)
        for piece in stream:
            found.extend(cutter.feed(piece))
        found.extend(cutter.end())
    except Rejected as fault:
        found.append(fault.code)
    return found


def read(adapter: DeclarativeAdapter, operation: str, kind: str, data: bytes) -> list[Any]:
    """The case number of each record as its operation reads it, or the code of what is wrong with it or the whole."""
    told: list[Any] = []
    for one in cut(adapter, operation, kind, [data]):
        if isinstance(one, str):
            told.append(f"whole: {one}")
        elif one.fault is not None:
            told.append(one.fault.code)
        else:
            told.append(_read(adapter, operation, one.body, kind))
    return told


def _read(adapter: DeclarativeAdapter, operation: str, body: bytes, kind: str) -> Any:
    try:
        [record] = adapter.read(operation, body, kind).records
        return adapter.translate_in(operation, record).document["case_number"]
    except Rejected as fault:
        return fault.code


# ── what is taken as which stream ────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("operation", "taken"),
    [
        ("table", "text/csv"),
        ("parcel", "application/x-ndjson"),
        ("named", "application/xml"),
        ("letter", None),
        ("slip", None),
    ],
)
def test_an_operation_has_one_kind_of_stream_or_none(operation: str, taken: str | None) -> None:
    """Everything else is a 415 that names it."""
    for kind in ("text/csv", "application/x-ndjson", "application/xml", "application/json", "", None):
        if kind is not None and kind == taken:
            assert ROLLS.cutter(operation, f"{kind}; charset=utf-8" if operation != "table" else kind)
            continue
        with pytest.raises(Rejected) as refused:
            ROLLS.cutter(operation, kind)
        assert (refused.value.status, refused.value.code) == (415, "batch.format")
        assert (taken or "one by one") in refused.value.detail.en


def test_a_charset_that_is_not_the_agreed_one_is_refused_at_once() -> None:
    """415, before a byte is read; a part of the same family will do."""
    for operation, kind in (("table", "text/csv; charset=utf-8"), ("parcel", "application/x-ndjson; charset=gbk")):
        with pytest.raises(Rejected) as refused:
            ROLLS.cutter(operation, kind)
        assert (refused.value.status, refused.value.code) == (415, "body.charset")
    assert ROLLS.cutter("table", "text/csv; charset=GB18030")


# ── whatever the pieces are ──────────────────────────────────────────────────────────────────────
STREAMS = {
    "lines": (TOWN, "execution", "application/x-ndjson", (LINE.format(1) + "\r\n\n" + LINE.format(2)).encode()),
    "rows": (
        ROLLS,
        "table",
        "text/csv",
        (
            TABLE + ROW.format(1) + '\r\n"a\r\nb",,,,\r' + ROW.format(2) + "\n,,,,\n" + '"x""y",浙,"，",,\n合计,,,,3\n'
        ).encode("gbk"),
    ),
    "package": (
        TOWN,
        "progress",
        "application/xml",
        package(
            [
                RECORD.format(1),
                "<!-- <Record> --><?x <Record>?>",
                RECORD.format(2).replace("<YJ>", "<!-- </Record> --><YJ><![CDATA[</Record>]]>"),
                "<Record/>",
                RECORD.format(3)
                .replace("<Record>", "<Record a='>' b=\"'>\"><Record>")
                .replace("</AH>", "</AH></Record>"),
            ],
            4,
        ),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_it_does_not_matter_where_pieces_end(name: str, data: st.DataObject) -> None:
    """The same records come of a stream however it arrives."""
    adapter, operation, kind, stream = STREAMS[name]
    whole = cut(adapter, operation, kind, [stream])
    assert all(isinstance(one, Cut) for one in whole)
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=8))
    again = cut(adapter, operation, kind, pieces(stream, (size for _ in range(len(stream)) for size in sizes)))
    assert again == whole


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_broken_streams_are_told_and_never_crash(name: str, data: st.DataObject) -> None:
    """Bytes put in, left out or cut off: what comes of it are records, and at most one fault of the whole, last."""
    adapter, operation, kind, stream = STREAMS[name]
    at = data.draw(st.integers(0, len(stream)))
    hostile = st.sampled_from(
        [b'"', b"\n", b"<", b">", b"</Record>", b"<Record>", b"<!--", b"\xff", b"<![CDATA[", b"\x00"]
    )
    broken = (
        stream[:at]
        + data.draw(st.one_of(hostile, st.binary(max_size=4)))
        + stream[data.draw(st.integers(at, at + 3)) :]
    )
    found = cut(adapter, operation, kind, pieces(broken, (size for _ in range(len(broken)) for size in (7, 50))))
    assert all(isinstance(one, Cut) for one in found[:-1])
    for one in found:
        if isinstance(one, Cut) and one.fault is None:
            _read(adapter, operation, one.body, kind)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────
def test_lines_are_read_one_by_one() -> None:
    """A line that is broken, in another charset or too long spoils no other; blank ones are none."""
    lines = [LINE.format(1), "", "  \r", "{", LINE.format(2), '{"AH": "\udcff"}', "x" * (LIMIT + 1), LINE.format(3)]
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    assert read(TOWN, "execution", "application/x-ndjson", data) == [
        "AH1",
        "json.syntax",
        "AH2",
        "body.charset",
        "body.too-large",
        "AH3",
    ]


def test_the_last_line_needs_no_end() -> None:
    """With a line feed behind it or without, with a byte-order mark before the first or without."""
    for data in (LINE.format(1), LINE.format(1) + "\n", "\ufeff" + LINE.format(1)):
        assert read(TOWN, "execution", "application/x-ndjson", data.encode()) == ["AH1"]


def test_a_line_of_an_operation_with_packages_is_a_record_or_a_package() -> None:
    """A record gets the envelope that the operation requires; a number in it stays exact."""
    packed = f'{{"head": {{"kind": "ZX", "count": 1}}, "body": {{"rows": [{LINE.format(2)}]}}}}'
    exact = LINE.format(3).replace("3.5", "123456789012.30")
    data = "\n".join([LINE.format(1), packed, exact, "{]"]).encode()
    found = cut(ROLLS, "parcel", "application/x-ndjson", [data])
    assert read(ROLLS, "parcel", "application/x-ndjson", data) == ["AH1", "AH2", "AH3", "json.syntax"]
    assert isinstance(found[2], Cut)
    assert b"123456789012.30" in found[2].body


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────
def test_rows_are_read_one_by_one() -> None:
    """Each under the header; blank rows, and a total with notes at the end, are no records."""
    rows = [ROW.format(1), "", ",,,,", ROW.format(2), "合计,,,,3.0", "注：元,,,,"]
    assert read(ROLLS, "table", "text/csv", (TABLE + "\n".join(rows)).encode("gbk")) == ["AH1", "AH2"]
    between = [ROW.format(1), "合计,,,,3.0", ROW.format(2)]
    told = read(ROLLS, "table", "text/csv", (TABLE + "\n".join(between)).encode("gbk"))
    assert told == ["AH1", "envelope.empty", "AH2"]


def test_a_quote_that_nobody_closes_spoils_one_row() -> None:
    """The rows behind it are read anew, in the middle of a file and at its end."""
    many = [ROW.format(number).replace('"', "") for number in range(2, 2000)]
    for rows in ([ROW.format(1), '"AH0,W,1,,', *many], [*many, '"AH0,W,1,,', *many[:3]]):
        told = read(ROLLS, "table", "text/csv", (TABLE + "\n".join(rows)).encode("gbk"))
        assert len(told) == len(rows)
        assert [one for one in told if not one.startswith("AH")] == ["csv.syntax"]


def test_a_cell_may_have_lines() -> None:
    """Line ends, delimiters and doubled quotes inside of quotes belong to the cell; a quote inside a cell is one."""
    rows = [ROW.format(1).replace("浙", '"W\r\n,""S\n",'), ROW.format(2).replace("浙", 'W"S'), ROW.format(3)]
    [one, two, three] = cut(ROLLS, "table", "text/csv", [(TABLE + "\r\n".join(rows)).encode("gbk")])
    assert isinstance(one, Cut)
    assert b'"W\r\n,""S\n"' in one.body
    assert isinstance(two, Cut)
    assert b'W"S' in two.body
    assert isinstance(three, Cut)


def test_a_broken_byte_spoils_one_row() -> None:
    """And a row too long drops its own bytes."""
    rows = [ROW.format(1), ROW.format(2).replace("浙", "\udcff"), "x" * (LIMIT + 1), ROW.format(3)]
    data = (TABLE + "\n".join(rows)).encode("gb18030", "surrogateescape")
    assert read(ROLLS, "table", "text/csv", data) == ["AH1", "body.charset", "body.too-large", "AH3"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "body.empty"),
        (b"\n\n", "body.empty"),
        (b"AH,AH\n1,2", "table.header"),
        (b"\xff,AH\n1,2", "body.charset"),
        (b'"AH\n1,2', "csv.syntax"),
        (b"A" * (MOST_AROUND + 1), "envelope.too-large"),
        (b"A" * (LIMIT + 1), "envelope.too-large"),
    ],
)
def test_a_broken_header_refuses_the_whole(data: bytes, code: str) -> None:
    """Before any record is read under it."""
    assert cut(ROLLS, "table", "text/csv", [data]) == [code]


def test_a_header_may_stand_under_a_title() -> None:
    """In the row that the bundle says, with its delimiter."""
    data = "执行表;;;;\n" + TABLE.replace(",", ";") + ROW.format(1).replace(",", ";")
    assert read(ROLLS, "sheet", "text/csv; charset=utf-8", data.encode()) == ["AH1"]


# ── packages ─────────────────────────────────────────────────────────────────────────────────────
def test_records_of_a_package_are_read_one_by_one() -> None:
    """In GBK; one that is not well-formed, breaks the schema, nests too deeply or is too large spoils no other."""
    records = [
        RECORD.format(1),
        RECORD.format(2).replace("</YJ>", ""),
        RECORD.format(3).replace("<JD>01<", "<JD>012<"),
        RECORD.format(4).replace("<YJ>", "<YJ>" + "<a>" * 5000).replace("</YJ>", "</a>" * 5000 + "</YJ>"),
        RECORD.format(5).replace("同意", "x" * LIMIT),
        RECORD.format(6).replace("<YJ>", "<YJ " + " ".join(f'a{n}="1"' for n in range(2000)) + ">"),
        RECORD.format(7).replace("同意", "&bomb;"),
        RECORD.format(8),
    ]
    assert read(TOWN, "progress", "application/xml", package(records, 8)) == [
        "浙环案1",
        "xml.syntax",
        "native.invalid",
        "body.depth",
        "body.too-large",
        "bound.names",
        "xml.syntax",
        "浙环案8",
    ]


def test_a_broken_byte_spoils_one_record() -> None:
    """And its bytes are kept as they came."""
    data = package([RECORD.format(1), RECORD.format(2), RECORD.format(3)], 3)
    data = data.replace("浙环案2".encode("gbk"), b"\xff\xfe2")
    assert read(TOWN, "progress", "application/xml", data) == ["浙环案1", "body.charset", "浙环案3"]
    second = cut(TOWN, "progress", "application/xml", [data])[1]
    assert isinstance(second, Cut)
    assert b"\xff\xfe2" in second.body


def test_each_record_becomes_a_package_of_one() -> None:
    """With its head, in which the number of records is one."""
    first = cut(TOWN, "progress", "application/xml", [package([RECORD.format(1), RECORD.format(2)], 2)])[0]
    assert isinstance(first, Cut)
    text = first.body.decode("gbk")
    assert "<LX>AJJD</LX><JLS>1</JLS>" in text
    assert "浙环案2" not in text
    assert TOWN.read("progress", first.body, "application/xml").split


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", ["body.empty"]),
        (b"   ", ["body.empty"]),
        (b"<Package>", ["xml.cut"]),
        (b"<Package></Pack>", ["xml.syntax"]),
        (b"x<Package/>", ["xml.syntax"]),
        (b"<Package/><Package/>", ["xml.syntax"]),
        (b"<Wrong><Data><Record/></Data></Wrong>", ["xml.root"]),
        (b"<Package><Head><LX>AJJD</LX><JLS>0</JLS></Head><Data/></Package>", ["envelope.empty"]),
        (b"<Package><Head><LX>OTHER</LX></Head><Data><Record/></Data></Package>", ["envelope.require"]),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Package/>', ["xml.dtd"]),
        (b"<Package><![CDATA[<!DOCTYPE a>]]><!ENTITY x></Package>", ["xml.dtd"]),
        (b"<Package " + b"a" * LONGEST_TAG + b">", ["xml.tag-too-large"]),
        (b"<Package>" + b"<Head>x</Head>" * 2000, ["envelope.too-large"]),
        (b'<?xml version="1.0" encoding="UTF-16"?><Package/>', ["body.charset"]),
    ],
)
def test_what_is_wrong_around_the_records_refuses_the_whole(data: bytes, told: list[str]) -> None:
    """Before any record where it stands before them: also a document type, the door of every XML bomb."""
    assert cut(TOWN, "progress", "application/xml", [data]) == told


def test_a_package_that_was_cut_off_gives_what_is_whole() -> None:
    """Wherever it ends: no half record, and the fault last."""
    data = package([RECORD.format(number) for number in range(5)], 5)
    for end in range(data.index(b"<Data>"), len(data) - len("</Package>"), 7):
        found = cut(TOWN, "progress", "application/xml", [data[:end]])
        assert found[-1] == "xml.cut"
        assert len(found) - 1 == data[:end].count(b"</Record>")


def test_the_number_of_records_is_judged_at_the_end() -> None:
    """Wherever it stands; the records before the end were given."""
    found = cut(TOWN, "progress", "application/xml", [package([RECORD.format(1), RECORD.format(2)], 3)])
    assert [one if isinstance(one, str) else "cut" for one in found] == ["cut", "cut", "envelope.count"]
    behind = b"<Package><Data><Record/></Data><Head><LX>AJJD</LX><JLS>1</JLS></Head></Package>"
    assert len(cut(TOWN, "progress", "application/xml", [behind])) == 1


def test_names_are_told_apart_by_their_namespaces() -> None:
    """Whatever prefix the sender writes; a number may stand in an attribute."""
    row = "<n:Row><n:AH>AH{0}</n:AH><n:WSH>浙环罚〔2026〕1号</n:WSH><n:LX>1</n:LX>"
    row += "<n:ZXSJ>2026-05-06 09:30:00</n:ZXSJ></n:Row>"
    data = f'<n:Parcel xmlns:n="urn:z" count="2"><n:Rows>{row.format(1)}<Row xmlns="urn:q"/>'
    data += f"{row.format(2).replace('n:', '')}</n:Rows></n:Parcel>"
    data = data.replace("<Row><AH>", '<Row xmlns="urn:z"><AH>')
    assert read(ROLLS, "named", "application/xml; charset=utf-8", data.encode()) == ["AH1", "AH2"]


# ── text ─────────────────────────────────────────────────────────────────────────────────────────
@given(data=st.binary(max_size=60), at=st.integers(0, 60), charset=st.sampled_from(["utf-8", "gbk", "gb18030"]))
def test_decoding_loses_no_byte(data: bytes, at: int, charset: str) -> None:
    """What was no text comes back as it was."""
    decoder = StreamDecoder(charset)
    text = decoder.decoded(b"x" + data[:at]) + decoder.decoded(data[at:], last=True)
    assert decoder.encoded(text) == b"x" + data


def test_markup_is_told_apart() -> None:
    """Tags whole, the rest as it comes; the tags of one element alone when no others matter."""
    reader = MarkupReader()
    told = list(reader.read("<a x='>'>t<!-- <b> --><![CDATA[<c>]]><?p?></a>", last=True))
    kinds = [kind for kind, _ in told]
    assert [text for kind, text in told if kind is Markup.TAG] == ["<a x='>'>", "</a>"]
    assert set(kinds) == set(Markup)
    reader.only("b")
    told = list(reader.read("<a><b1/><b/></a>", last=True))
    assert told == [(Markup.TEXT, "<a><b1/>"), (Markup.TAG, "<b/>"), (Markup.TEXT, "</a>")]
    assert not reader.unfinished


# ── bounded and linear ───────────────────────────────────────────────────────────────────────────
OPENED = package([], 1).partition(b"</Data>")[0]

HOSTILE: dict[str, tuple[DeclarativeAdapter, str, str, bytes, bytes]] = {
    "one line": (TOWN, "execution", "application/x-ndjson", b"", b"x"),
    "blank lines": (TOWN, "execution", "application/x-ndjson", b"", b"\n"),
    "one row": (ROLLS, "table", "text/csv", TABLE.encode(), b"x"),
    "an open quote": (ROLLS, "table", "text/csv", TABLE.encode() + b'"', b"x"),
    "quotes": (ROLLS, "table", "text/csv", TABLE.encode(), b'"'),
    "quoted lines": (ROLLS, "table", "text/csv", TABLE.encode(), b'x","\n'),
    "open lines": (ROLLS, "table", "text/csv", TABLE.encode(), b'"\nx\nx\nx\n'),
    "returns": (ROLLS, "table", "text/csv", TABLE.encode(), b"\r"),
    "totals": (ROLLS, "table", "text/csv", TABLE.encode(), "合计,,,,\n".encode("gbk")),
    "large totals": (ROLLS, "table", "text/csv", TABLE.encode(), "合计,".encode("gbk") + b"x" * 2000 + b",,,\n"),
    "one record": (TOWN, "progress", "application/xml", OPENED + b"<Record>", b"x"),
    "elements": (TOWN, "progress", "application/xml", OPENED + b"<Record>", b"<a>"),
    "nested records": (TOWN, "progress", "application/xml", OPENED, b"<Record>"),
    "a comment": (TOWN, "progress", "application/xml", OPENED + b"<!--", b"-"),
    "blanks": (TOWN, "progress", "application/xml", OPENED, b" \n"),
    "brackets": (TOWN, "progress", "application/xml", OPENED + b"<Record>", b"<"),
    "a comment in a record": (TOWN, "progress", "application/xml", OPENED + b"<Record><!--", b"--"),
    "empty records": (TOWN, "progress", "application/xml", OPENED, b"<Record/>"),
}


def _took(name: str, size: int, piece: int) -> float:
    """Seconds of the processor that a stream of so many bytes takes, in such pieces; nothing of it is kept."""
    adapter, operation, kind, begin, unit = HOSTILE[name]
    part = unit * (piece // len(unit) or 1)
    cutter = adapter.cutter(operation, kind, budget=adapter.budget.lowered({"body": 8_192}))
    began = time.process_time()
    for _ in cutter.feed(begin):
        pass
    for _ in range(size // len(part)):
        for _ in cutter.feed(part):
            pass
    return time.process_time() - began


def _memory(run: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_stays_within_a_record_and_a_piece(name: str) -> None:
    """Whatever comes and however it comes: 50 KB take no more than 150 KB, where a record may have 8 KB."""
    for piece in (4_096, 3):
        assert _memory(lambda piece=piece: _took(name, 50_000, piece)) < 150_000


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_bytes_take_at_most_two_and_a_half_times(name: str) -> None:
    """In large pieces and in small ones, the best of a few runs since the machine has other work."""
    for size, piece in ((200_000, 16_384), (40_000, 3)):
        ratios = []
        for _ in range(5):
            once, twice = _took(name, size, piece), _took(name, 2 * size, piece)
            ratios.append(twice / max(once, 0.002))
            if ratios[-1] <= 2.5:
                break
        assert min(ratios) <= 2.5, ratios
