"""The checks of a case file as data: what the file holds, and how a wrong one is told."""

from __future__ import annotations

import pytest

from schemas.assessment_file import BUNDLED, BrokenAssessment, bundled, read_assessment

ONE = """\
dated: [{type: penalty.decided, day: decided_on}]
beside: [{type: permit.changed, key: permit_number, from: [permit_number]}]
elsewhere: [{type: penalty.decided, key: credit_code, from: [party.credit_code]}]
checks:
  - rule: notice.waited
    version: "1"
    title: 告知后满五个工作日
    en: Five working days from the notice
    looks: 看日期。
    looks_en: The days.
    of: [{type: penalty.decided, not: {procedure: simple}}]
    tests:
      - dates:
          first: [{type: case.progressed, day: at, where: {node: notified}}]
          then: [{day: decided_on}]
          after: {days: 5, counting: working}
"""
LINE = 5


def test_every_check_says_what_it_looks_at_in_both_languages() -> None:
    """Each check of this release has a title, a sentence and a version; a legality item has its number."""
    for check in bundled().checks:
        assert all((check.title, check.english, check.looks, check.looks_english, check.version)), check.rule
        assert bool(check.numbers) is check.legality, check.rule


def test_the_checks_of_the_facts_are_all_there() -> None:
    """Every item that can be computed is there once, by its number, and seven that are none of them."""
    numbers = sorted(number for check in bundled().checks for number in check.numbers)
    assert numbers == [1, 2, 3, 8, 10, 12, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25]
    assert sum(not check.numbers for check in bundled().checks) == 7


def test_what_is_not_known_is_said_in_the_head_of_the_file() -> None:
    """The file says what it does not know, before the first check."""
    head = BUNDLED.read_text(encoding="utf-8").partition("\nchecks:")[0]
    assert "What we do not know" in head


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("type: case.progressed", "type: case.lost", LINE, "case.lost is no message type"),
        ("day: at", "day: lost_at", LINE, "case.progressed has no field lost_at"),
        ("node: notified", "node: lost", LINE, "node is never lost"),
        ("procedure: simple", "procedure: quick", LINE, "procedure is never quick"),
        ("then: [{day: decided_on}]", "then: [{day: decided_at}]", LINE, "penalty.decided has no field decided_at"),
        ("days: 5, ", "", LINE, "a term is `days`"),
        (", counting: working", "", LINE, "a term is `days`"),
        ("days: 5", "days: -5", LINE, "not below zero"),
        ("counting: working", "counting: lunar", LINE, "lunar"),
        ("          after:", "          within: {months: 1}\n          after:", LINE, "one of `after`"),
        ("          after:", "          doubt: {months: 1}\n          after:", LINE, "`doubt` only beside"),
        ("          after:", "          later:", LINE, "later"),
        ("      - dates:", "      - days:", LINE, "days"),
        ("      - dates:", "      - deadline: case.plea\n        dates:", LINE, "exactly one test"),
        ("      - dates:", "      - deadline: case.lost\n      - dates:", LINE, "no deadline case.lost"),
        ("    tests:", "    valid: {from: soon}\n    tests:", LINE, "RFC3339"),
        ("    of: [{type: penalty.decided, not: {procedure: simple}}]\n", "", LINE, "needs documents to look at"),
        ("key: permit_number", "key: lost_number", 2, "not found by lost_number"),
        ("from: [permit_number]", "from: [lost]", 2, "no document has a field lost"),
        ("dated: [{type: penalty.decided,", "dated: [{", 1, "a document needs its type"),
        ("elsewhere:", "somewhere:", 1, "must have exactly"),
        ("checks:", "checks: []\nmore:", 1, "must have exactly"),
        ("    title: 告知", "    title: [告知", 8, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, line: int, said: str) -> None:
    """A check that cannot be understood is refused when the file is read, with the line of its entry and why."""
    assert ONE.replace(old, new) != ONE
    with pytest.raises(BrokenAssessment, match=r"^assessment\.yaml:\d+: ") as raised:
        read_assessment(ONE.replace(old, new))
    assert said in str(raised.value)
    assert said == "" or str(raised.value).startswith(f"assessment.yaml:{line}: ")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("people: {list: workers, on: [decided_on], certificates: CERT}", "no field workers[].name"),
        ("people: {list: officers, on: [decided_on], certificates: CERT, least: 0}", "`least` is at least 1"),
        ("name: {field: authority.title, ends: [x]}", "no field authority.title"),
        ("provisions: {fields: ['legal_basis[]'], table: laws, on: [{day: decided_on}]}", "there is no table laws"),
        ("provisions: {fields: [basis], table: law, on: [{day: decided_on}]}", "no field basis"),
        ("provisions: {fields: ['legal_basis[]'], table: law, on: [{day: decided_on}], only: new}", "`only` can be"),
        ("amounts: {of: [{field: fine}], is: about, to: [{field: fine}]}", "`is` is most, least or equal"),
        ("amounts: {of: [{}], is: most, to: [{field: fine}]}", "either a `field` or the `first`"),
        ("amounts: {of: [{field: fee}], is: most, to: [{field: fine}]}", "no field fee"),
        (
            "alike: {fields: [party], as: [{type: case.transferred, fields: [party]}], by: [size]}",
            "no field party.size",
        ),
        ("once: {among: {type: penalty.decided}, by: number, agree: [{field: party}]}", "no field number"),
        ("window: {on: decided_on, of: {type: permit.changed, from: born, to: valid_to}}", "no field born"),
        ("window: {on: lost, of: {type: permit.changed, from: valid_from, to: valid_to}}", "no field lost"),
        ("apart: {people: [{list: voters}], from: [{list: officers}]}", "no field voters[].name"),
    ],
)
def test_each_test_refuses_what_its_documents_do_not_have(test: str, said: str) -> None:
    """A test that names a field, a table or a word that there is not is refused."""
    certificate = "{type: officer.changed, same: {number: number}, from: valid_from, to: valid_to}"
    text = ONE.replace("    tests:\n", f"    tests:\n      - {test.replace('CERT', certificate)}\n")
    with pytest.raises(BrokenAssessment) as raised:
        read_assessment(text)
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"assessment.yaml:{LINE}: ")


def test_versions_of_a_rule_may_not_share_a_day() -> None:
    """Two versions of one rule hold on different days, and each day has one of them."""
    entry = ONE.partition("checks:\n")[2]
    first = entry.replace("    tests:", "    valid: {to: 2026-08-14}\n    tests:")
    second = entry.replace("    tests:", "    valid: {from: 2026-08-15}\n    tests:")
    head = ONE.partition("checks:\n")[0] + "checks:\n"
    assert len(read_assessment(head + first + second).checks) == 2
    with pytest.raises(BrokenAssessment, match="must not hold on the same day"):
        read_assessment(head + first + entry)
