"""Documents as they are met in the field: what was refused before, and what was taken for something else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.documents import check
from schemas.findings import Rejected
from schemas.samples import sample

Tree = dict[str, Any]
OFFICERS = [{"name": "赵明远", "number": "33010012345"}, {"name": "钱思齐", "number": "33010012346"}]


def inspection(**changes: Any) -> Tree:
    """Write a clean inspection with some fields changed."""
    tree = {
        "inspection_number": "XC-2026-0001",
        "party": {"name": "云栖晨星化工有限公司", "credit_code": "91110000600037341L"},
        "region": "330110",
        "started_at": "2026-07-01T09:00:00+08:00",
        "ended_at": "2026-07-01T11:30:00+08:00",
        "officers": OFFICERS,
        "findings": "现场检查时该单位正常生产。",
    }
    return tree | changes


def doubts(name: str, tree: Tree) -> list[str]:
    """Give the codes of the warnings about a document."""
    return [warning.code for warning in check(name, tree).warnings]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("passport", "E12345678"), ("hk-macao-permit", "H1234567801"), ("other", "军字第0012345号")],
)
def test_a_person_without_a_citizen_id_is_told_by_another_certificate(kind: str, number: str) -> None:
    """And no number of a company is asked for."""
    party = {"name": "Ann Lee", "kind": "person", "certificate": {"kind": kind, "number": number}}
    checked = check("inspection/2", inspection(party=party))
    assert checked.document["party"] == party
    assert checked.warnings == ()


@pytest.mark.parametrize("nothing", ["/", "无", "--"])
@pytest.mark.parametrize("field", ["credit_code", "citizen_id"])
def test_a_stroke_for_a_partys_number_is_none(field: str, nothing: str) -> None:
    """Left out with a warning; the name is enough."""
    checked = check("inspection/2", inspection(party={"name": "阿明", "kind": "person", field: nothing}))
    assert checked.document["party"] == {"name": "阿明", "kind": "person"}
    assert [warning.code for warning in checked.warnings] == ["number.none"]


@pytest.mark.parametrize("field", ["permit_number", "project_code", "approval_number", "order_number"])
def test_a_stroke_for_a_number_that_need_not_be_there_is_none(field: str) -> None:
    """In every document that may do without."""
    checked = check("inspection/2", inspection(**{field: "无"}))
    assert field not in checked.document
    assert [warning.code for warning in checked.warnings] == ["number.none"]


def test_a_number_that_must_be_there_is_not_a_stroke() -> None:
    """It is refused, and says how it may be mended."""
    tree = sample("penalty-decision/2", Random(1)) | {"decision_number": "/"}
    with pytest.raises(Rejected) as caught:
        check("penalty-decision/2", tree)
    assert [(one.code, one.field) for one in caught.value.findings] == [("number.none", "decision_number")]


def test_a_case_may_have_several_parties() -> None:
    """The first stays the party; the others are personal in the same fields."""
    others = [{"name": "青溪恒禾印染有限公司"}, {"name": "钱一凡", "kind": "person"}]
    tree = sample("case-file/1", Random(3)) | {"other_parties": others}
    assert check("case-file/1", tree).document["other_parties"] == others


@pytest.mark.parametrize(
    "officers",
    [
        [OFFICERS[0], OFFICERS[0]],
        [OFFICERS[0], {"name": "赵 明远", "number": " 33010012345"}],
    ],
)
def test_one_officer_named_twice_is_one_officer(officers: list[Tree]) -> None:
    """The certificate tells."""
    assert doubts("inspection/2", inspection(officers=officers)) == ["officers.too-few"]


def test_one_officer_named_twice_without_a_number_is_one_officer() -> None:
    """The name tells where no number is given; two names are two."""
    tree = sample("case-file/1", Random(3))
    twice = [{"name": "赵明远"}, {"name": "赵明远"}]
    assert "officers.too-few" in doubts("case-file/1", tree | {"officers": twice})
    assert "officers.too-few" not in doubts("case-file/1", tree | {"officers": [*twice, {"name": "钱思齐"}]})


@pytest.mark.parametrize(
    ("problems", "kept"), [(["无"], None), (["/", "无"], None), (["标识不清", "无"], ["标识不清"])]
)
def test_no_problem_is_no_problem(problems: list[str], kept: list[str] | None) -> None:
    """`无` is the absence of problems, not one of them."""
    assert check("inspection/2", inspection(problems=problems)).document.get("problems") == kept


def test_a_problem_beside_the_word_that_there_is_none_is_doubted() -> None:
    """One of the two is wrong."""
    assert doubts("inspection/2", inspection(problem_found=False, problems=["标识不清"])) == ["inspection.problem"]
    assert doubts("inspection/2", inspection(problem_found=False, problems=["无"])) == []


@pytest.mark.parametrize("number", ["云环不批〔2026〕1号", "云环不予批准〔2026〕1号"])
def test_a_refusal_of_an_eia_is_no_approval(number: str) -> None:
    """It would stand in the dossier as one."""
    tree = sample("project-approval/1", Random(2)) | {"approval_number": number}
    with pytest.raises(Rejected) as caught:
        check("project-approval/1", tree)
    assert [one.code for one in caught.value.findings] == ["approval.refused"]


@pytest.mark.parametrize("number", ["云字2026第1号", "二号文"])
def test_a_document_number_of_an_unknown_form_is_a_warning(number: str) -> None:
    """Kept as it was written."""
    tree = sample("penalty-decision/2", Random(4)) | {"decision_number": number}
    assert check("penalty-decision/2", tree).document["decision_number"] == number
    assert "document-number.shape" in doubts("penalty-decision/2", tree)


def test_half_a_coordinate_is_kept_with_a_warning() -> None:
    """Platforms write `/` for the other half."""
    site = {"location": {"latitude": "30.2"}}
    assert doubts("inspection/2", inspection(site=site)) == ["location.incomplete"]
    assert check("inspection/2", inspection(site=site)).document["site"] == site


def test_a_permit_without_its_issuer_is_a_permit() -> None:
    """The agency is asked for by a warning."""
    tree = sample("permit/2", Random(5))
    tree.pop("issuer", None)
    assert "permit.issuer-missing" in doubts("permit/2", tree)
