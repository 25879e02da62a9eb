"""Measures, rechecks, hand-overs, reviews, publications, leads, rolls and assessments: what they doubt and refuse."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.catalog import TYPES
from schemas.documents import check, fields
from schemas.findings import Rejected
from schemas.samples import sample

Tree = dict[str, Any]
PARTY = {"name": "云栖晨星化工有限公司", "credit_code": "91110000600037341L"}
MEASURE = {
    "measure_number": "云环责改〔2026〕1号",
    "kind": "seal",
    "action": "impose",
    "party": PARTY,
    "region": "330110",
    "authority": {"name": "云栖市生态环境局"},
    "decided_on": "2026-07-01",
    "legal_basis": ["《生态环境行政处罚办法》第三十二条"],
}
HANDOVER = {
    "case_number": "AJ-1",
    "to": "crime",
    "decided_on": "2026-07-01",
    "receiver": {"name": "云栖市公安局"},
}
REVIEW = {"decision_number": "云环罚〔2026〕1号", "case_number": "AJ-1", "stage": "first", "filed_on": "2026-08-01"}
LEAD = {
    "lead_number": "XS-1",
    "channel": "monitoring",
    "region": "330110",
    "at": "2026-07-01T08:00:00+08:00",
    "content": "总排口化学需氧量小时均值超标",
}
OFFICER = {
    "number": "浙01020304",
    "name": "赵明远",
    "authority": {"name": "云栖市生态环境局"},
    "region": "330100",
    "valid_from": "2026-01-01",
    "valid_to": "2030-12-31",
    "status": "valid",
}
ASSESSMENT = {
    "subject": {"case_number": "AJ-1"},
    "rule": "officers.two",
    "version": "1",
    "result": "met",
    "at": "2026-09-01T08:00:00+08:00",
}
WHOLE = [
    ("measure/1", MEASURE),
    ("handover/1", HANDOVER),
    ("review/1", REVIEW),
    ("lead/1", LEAD),
    ("officer/1", OFFICER),
    ("assessment/1", ASSESSMENT),
]


@pytest.mark.parametrize(("name", "tree"), WHOLE, ids=[name for name, _ in WHOLE])
def test_what_is_required_is_enough(name: str, tree: Tree) -> None:
    """A document with its required fields alone is clean, and none of them may be left out."""
    checked = check(name, tree)
    assert (checked.document, checked.warnings) == (tree, ())
    for field in tree:
        with pytest.raises(Rejected):
            check(name, {key: value for key, value in tree.items() if key != field})


@pytest.mark.parametrize(
    ("name", "tree", "change", "code"),
    [
        ("measure/1", MEASURE, {"action": "extend"}, "measure.parent-missing"),
        ("measure/1", MEASURE, {"served_on": "2026-06-30"}, "measure.early"),
        ("measure/1", MEASURE, {"until": "2026-06-30"}, "measure.early"),
        ("measure/1", MEASURE, {"officers": [{"name": "赵明远"}]}, "officers.too-few"),
        ("handover/1", HANDOVER, {"sent_at": "2026-06-30"}, "handover.sent-early"),
        ("handover/1", HANDOVER, {"outcome": "filed"}, "handover.outcome-undated"),
        ("review/1", REVIEW, {"concluded_on": "2026-07-31"}, "review.concluded-early"),
        ("review/1", REVIEW, {"result": "annulled"}, "review.undated"),
        ("lead/1", LEAD, {"due_at": "2026-06-30T08:00:00+08:00"}, "lead.due-early"),
    ],
)
def test_what_is_odd_is_a_warning(name: str, tree: Tree, change: Tree, code: str) -> None:
    """Accepted, and told with the field's title."""
    found = check(name, tree | change).warnings
    assert [one.code for one in found] == [code]
    assert found[0].title


def test_an_extension_that_names_its_measure_or_its_case_is_clean() -> None:
    """Either tells what is extended."""
    for tie in ({"parent_number": "云环责改〔2026〕1号"}, {"case_number": "AJ-1"}):
        assert check("measure/1", MEASURE | {"action": "extend"} | tie).warnings == ()


@pytest.mark.parametrize(
    ("name", "tree", "code"),
    [
        ("officer/1", OFFICER | {"valid_to": "2025-12-31"}, "officer.validity"),
        ("assessment/1", ASSESSMENT | {"subject": {"case_number": "无"}}, "assessment.subject"),
        ("lead/1", LEAD | {"outlet_code": "1号口"}, "outlet-code.shape"),
        ("lead/1", LEAD | {"pollutant": "COD"}, "pollutant-code.shape"),
        ("measure/1", MEASURE | {"kind": "warn"}, "code.unknown"),
    ],
)
def test_what_cannot_be_is_refused(name: str, tree: Tree, code: str) -> None:
    """With the field and what is expected."""
    with pytest.raises(Rejected) as caught:
        check(name, tree)
    assert [one.code for one in caught.value.findings] == [code]


@pytest.mark.parametrize(
    ("name", "document", "lane"),
    [
        ("measure.ordered", {"measure_number": "M-1", "case_number": "AJ-1"}, ("case_number", "AJ-1")),
        ("measure.ordered", {"measure_number": "M-2", "parent_number": "M-1"}, ("measure_number", "M-1")),
        ("measure.ordered", {"measure_number": "M-1"}, ("measure_number", "M-1")),
        ("recheck.recorded", {"measure_number": "M-1", "case_number": "AJ-1"}, ("measure_number", "M-1")),
        ("penalty.published", {"decision_number": "D-1"}, ("decision_number", "D-1")),
        ("assessment.recorded", {"subject": {"case_number": "AJ-1"}}, ("case_number", "AJ-1")),
        ("assessment.recorded", {"subject": {"message": "m-1"}}, ("message", "m-1")),
        ("officer.changed", {"number": "浙01020304"}, ("number", "浙01020304")),
    ],
)
def test_a_document_says_which_number_it_is_ordered_by(name: str, document: Tree, lane: tuple[str, str]) -> None:
    """The case's where it names one, else its own."""
    assert TYPES[name].ordering_of(document) == lane


@pytest.mark.parametrize(
    ("document", "amended"),
    [
        ({"decision_number": "D-1", "status": "in-force"}, {}),
        ({"decision_number": "D-1", "status": "withdrawn"}, {"decision_number": "D-1"}),
        ({"decision_number": "D-2", "status": "in-force", "corrects": "D-1"}, {"decision_number": "D-1"}),
        ({"decision_number": "D-1", "status": "corrected"}, {"decision_number": "D-1"}),
    ],
)
def test_a_decision_says_which_one_it_amends(document: Tree, amended: Tree) -> None:
    """By the number it corrects, else its own where it is no longer in force."""
    assert TYPES["penalty.decided"].amended(document) == amended


def test_the_personal_fields_of_new_documents_are_marked() -> None:
    """Parties of measures, rechecks, hand-overs and leads are masked like any other."""
    for name in ("measure/1", "recheck/1", "handover/1", "lead/1"):
        marked = {path for path, field in fields(name).items() if field.personal}
        assert {"party.citizen_id", "party.certificate.number", "party.phone"} <= marked


def test_a_registration_is_found_by_the_credit_code_in_its_number() -> None:
    """As a permit is."""
    document = sample("registration/1", Random(1))
    document.pop("credit_code", None)
    assert TYPES["registration.changed"].keys(document)["credit_code"] == document["registration_number"][:18]
