"""Native code tables: unambiguous in both directions, or refused with the line."""

from __future__ import annotations

import pytest

from adapters.mapping.codes import MAX_ROWS, load
from adapters.source import BrokenBundle


def _fault(text: str | bytes) -> tuple[str, int]:
    with pytest.raises(BrokenBundle) as caught:
        load(text if isinstance(text, bytes) else text.encode(), "penalty-kind")
    finding = caught.value.findings[0]
    assert finding.file == "codes/penalty-kind.csv"
    assert finding.remedy.zh
    assert finding.remedy.en
    return finding.code, finding.line


def test_a_table_goes_both_ways() -> None:
    """Several natives may mean one code when one of them is preferred."""
    table = load("native,canonical,title,preferred\n01,fine,罚款,\n1,fine,罚款,1\n\n02,warning,警告,\n".encode(), "k")
    assert table.inward == {"01": "fine", "1": "fine", "02": "warning"}
    assert table.outward == {"fine": "1", "warning": "02"}
    assert table.titles["02"] == "警告"
    assert table.lines["02"] == 5


def test_its_digest_names_its_version() -> None:
    """Another file is another digest."""
    first, second = load(b"native,canonical,title\n1,a,\n", "k"), load(b"native,canonical,title\n2,a,\n", "k")
    assert first.digest != second.digest
    assert len(first.digest) == 64


def test_gaps_and_strangers_are_told() -> None:
    """Against the canonical codes, on both sides."""
    table = load(b"native,canonical,title\n1,a,\n2,x,\n", "k")
    assert table.gaps(["a", "b"]) == ("b",)
    assert table.strangers(["a", "b"]) == ("x",)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("code,name\n", "codes.columns", 1),
        ("", "codes.columns", 1),
        ("native,canonical,title\n1,a,\n1,b,\n", "codes.native", 3),
        ("native,canonical,title\n1,a,\n2,a,\n", "codes.ambiguous", 3),
        ("native,canonical,title,preferred\n1,a,,1\n2,a,,1\n", "codes.ambiguous", 3),
        ("native,canonical,title\n1,,x\n", "codes.row", 2),
        ("native,canonical,title\n1,a,x,1,2\n", "codes.row", 2),
        ('native,canonical,title\n1,"a,x\n', "codes.csv", 2),
        ("native,canonical,title\n" + "1,a,\n" * (MAX_ROWS + 1), "codes.rows", 1),
        ("native,canonical,title\n罚,a,\n".encode("gbk"), "codes.encoding", 2),
        ("x" * (1024 * 1024 + 1), "codes.size", 1),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(text: str | bytes, code: str, line: int) -> None:
    """And with what to do about it."""
    assert _fault(text) == (code, line)


def test_every_faulty_line_is_told_at_once() -> None:
    """An author sees all of them."""
    with pytest.raises(BrokenBundle) as caught:
        load(b"native,canonical,title\n1,,\n2,a,\n3,a,\n", "k")
    assert [finding.line for finding in caught.value.findings] == [2, 4]
