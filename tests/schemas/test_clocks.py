"""The statutory deadlines as data: what the file holds, and how a wrong one is told."""

from __future__ import annotations

import pytest

from schemas.clocks import BrokenClocks, bundled, read_clocks

ONE = """\
clocks:
  - rule: case.filing
    title: 立案
    en: Filing
    article: 第一条
    bound: authority
    starts: [{type: case.transferred, day: found_at}]
    ends: [{type: case.progressed, day: at, where: {node: filed}}]
    days: 15
    counting: natural
"""


def test_the_bundled_deadlines_each_name_an_article_and_both_titles() -> None:
    """Every deadline of this release says what it is called, in both languages, and where it is laid down."""
    for rule in bundled():
        assert all((rule.title, rule.english, rule.article)), rule.rule


def test_every_area_of_the_case_that_has_documents_has_a_deadline() -> None:
    """The areas of the law that documents tell of are all there."""
    areas = {rule.rule.partition(".")[0] for rule in bundled()}
    assert areas == {
        "case", "decision", "execution", "correction", "seizure", "restriction", "detention", "crime",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("case.transferred", "case.lost", "case.lost is no message type"),
        ("found_at", "lost_at", "case.transferred has no field lost_at"),
        ("node: filed", "node: lost", "node is never lost"),
        ("days: 15", "days: 0", "either `days` or `months`"),
        ("days: 15", "months: 2\n    days: 15", "either `days` or `months`"),
        ("    counting: natural", "    counting: working\n    months: 2", "either `days` or `months`"),
        ("    days: 15\n    counting: natural", "    months: 2\n    counting: working", "months have no working days"),
        ("counting: natural", "counting: lunar", "lunar"),
        ("days: 15", "day: 15", "day"),
        ("starts: [{type: case.transferred, day: found_at}]", "starts: []", "needs an event"),
        ("    counting: natural", "    counting: natural\n    per: [decision_number]", "counted per"),
        ("    counting: natural", "    counting: natural\n    valid: {from: soon}", "RFC3339"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, said: str) -> None:
    """A deadline that cannot be is refused, with the line of its entry and what is wrong."""
    with pytest.raises(BrokenClocks, match=r"^clocks\.yaml:2: ") as raised:
        read_clocks(ONE.replace(old, new))
    assert said in str(raised.value)


@pytest.mark.parametrize("text", ["", "clocks: []", "clocks: 3", "- 1", ONE + "more: 1\n", "clocks: [\n"])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    """What is no list of deadlines is refused with a line, never taken for an empty list."""
    with pytest.raises(BrokenClocks, match=r"^clocks\.yaml:\d+: "):
        read_clocks(text)


def test_versions_of_one_rule_may_not_hold_on_the_same_day() -> None:
    """Two versions of one deadline that share a day are refused, at the line of the second."""
    entry = ONE.partition("\n")[2]
    until = entry + "    valid: {to: 2025-06-30}\n"
    since = entry + "    valid: {from: 2025-07-01}\n"
    assert len(read_clocks(f"clocks:\n{until}{since}")) == 2
    with pytest.raises(BrokenClocks, match=r"^clocks\.yaml:12: .*same day"):
        read_clocks(f"clocks:\n{until}{since.replace('07-01', '06-30')}")
