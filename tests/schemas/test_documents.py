"""The check of a document: what it normalises, doubts and rejects."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import NAMES, check, fields, objects
from schemas.documents.masking import shown
from schemas.findings import Finding, Rejected
from schemas.samples import sample

Tree = dict[str, Any]


def inspection(**changes: Any) -> Tree:
    """Write a clean inspection with some fields changed."""
    tree = {
        "inspection_number": "XC-2026-0001",
        "party": {"name": "云栖晨星化工有限公司", "credit_code": "91110000600037341L"},
        "region": "330110",
        "started_at": "2026-07-01T09:00:00+08:00",
        "ended_at": "2026-07-01T11:30:00+08:00",
        "officers": [{"name": "赵明远", "number": "33010012345"}, {"name": "钱思齐", "number": "33010012346"}],
        "findings": "现场检查时该单位正常生产。",
    }
    return tree | changes


def rejected(name: str, tree: Any) -> tuple[Finding, ...]:
    """Check a document that must be rejected, and give its findings."""
    with pytest.raises(Rejected) as caught:
        check(name, tree)
    assert (caught.value.code, caught.value.status) == ("document.invalid", 422)
    assert caught.value.findings
    return caught.value.findings


def doubted(name: str, tree: Tree) -> list[str]:
    """Check a document, and give the codes of its warnings."""
    return [warning.code for warning in check(name, tree).warnings]


def test_a_document_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(Rejected, match=r"document\.unknown"):
        check("permit/3", {})


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_title_and_a_description(name: str) -> None:
    """Chinese for the people who read errors, English with unit and source for those who map."""
    for field in (*fields(name).values(), *objects(name).values()):
        assert field.title, field.path
        assert any("一" <= letter <= "龥" for letter in field.title), field.path
        assert len(field.description) > 5, field.path


def test_fields_tell_what_is_required_repeated_and_personal() -> None:
    """`required` within its parent, `mandatory` in the whole document."""
    known = fields("inspection/1")
    assert (known["officers[].name"].required, known["officers[].name"].mandatory) == (True, True)
    assert (known["attachments[].name"].required, known["attachments[].name"].mandatory) == (True, False)
    assert known["problems[]"].repeated
    assert not known["officers[].name"].repeated
    assert known["party.citizen_id"].personal
    assert not known["party.name"].personal
    assert known["party.kind"].codes == "party-kind"
    assert known["region"].type == "region"
    assert set(objects("inspection/1")) == {
        "party",
        "officers[]",
        "site",
        "site.location",
        "attachments[]",
        "attachments[].location",
        "party.certificate",
        "recorder",
    }


def test_a_clean_document_comes_back_as_it_was() -> None:
    """Already canonical: equal, without warnings or raw values."""
    checked = check("inspection/1", inspection())
    assert checked.document == inspection()
    assert (checked.warnings, checked.raw) == ((), {})


def test_identifiers_are_normalised_and_their_raw_text_is_kept() -> None:
    """By path; personal ones are left out."""
    tree = inspection(region="330110003", permit_number=" 91110000600037341l001p")
    tree["officers"][1]["number"] = "３３０１００１２３４６"
    tree["party"]["citizen_id"] = "11010519491231002x"
    checked = check("inspection/1", tree)
    assert checked.document["permit_number"] == "91110000600037341L001P"
    assert checked.document["officers"][1]["number"] == "33010012346"
    assert checked.document["party"]["citizen_id"] == "11010519491231002X"
    assert checked.raw == {
        "region": "330110003",
        "permit_number": " 91110000600037341l001p",
        "officers[1].number": "３３０１００１２３４６",
    }


def test_a_failed_check_digit_is_a_warning_that_names_its_field() -> None:
    """Recorded on the message, not a refusal."""
    tree = inspection()
    tree["party"]["credit_code"] = "91350211M0000XUF46"
    (warning,) = check("inspection/1", tree).warnings
    assert (warning.code, warning.field, warning.title) == (
        "credit-code.check-digit",
        "party.credit_code",
        "统一社会信用代码",
    )


def test_nothing_is_left_out_silently_but_blanks() -> None:
    """Null, empty text, empty lists and empty objects where a field is optional are absent."""
    tree = inspection(problems=[], project_code="", site={"address": None, "location": {}}, reason="  ")
    tree["party"]["phone"] = None
    assert check("inspection/1", tree).document == inspection()


def test_faults_name_field_title_and_remedy() -> None:
    """One finding a fault, all of them at once."""
    tree = inspection(region="330001", zz=1, ended_at="yesterday", problems="none")
    tree["officers"][0]["number"] = "1"
    del tree["findings"]
    tree["party"]["name"] = ""
    found = {finding.field: finding for finding in rejected("inspection/1", tree)}
    assert {field: finding.code for field, finding in found.items()} == {
        "region": "region.shape",
        "zz": "field.unknown",
        "ended_at": "datetime.shape",
        "problems": "type.list",
        "officers[0].number": "officer-number.shape",
        "findings": "field.missing",
        "party.name": "field.missing",
    }
    assert found["officers[0].number"].title == "执法证件号"
    assert found["region"].value == "330001"
    assert "应为6位数字" in found["region"].message.zh


@pytest.mark.parametrize("tree", [None, [], "text", 3, {}])
def test_what_is_no_document_is_rejected(tree: Any) -> None:
    """Whatever arrives, the answer is findings, never a crash."""
    rejected("inspection/1", tree)


def test_a_rejection_stays_small_and_deep_trees_are_not_walked() -> None:
    """Ten thousand faults are fifty findings and one that says so; three thousand levels are one."""
    found = rejected("inspection/1", inspection(officers=[{}] * 10_000))
    assert (len(found), found[-1].code) == (51, "bound.findings")
    deep: Any = {}
    for _ in range(3000):
        deep = {"a": deep}
    with pytest.raises(Rejected, match=r"body\.depth"):
        check("inspection/1", inspection(zz=deep))


def test_personal_values_are_masked_in_findings() -> None:
    """A wrong citizen id is shown by its region alone."""
    tree = inspection(party={"name": "孙立群", "citizen_id": "110105194902300021"})
    (finding,) = rejected("inspection/1", tree)
    assert finding.value == "110105************"


def test_control_characters_are_rejected() -> None:
    """They cannot be written in XML."""
    (finding,) = rejected("inspection/1", inspection(findings="a\x00b"))
    assert finding.code == "text.control"


def test_fewer_than_two_officers_is_a_warning_and_none_an_error() -> None:
    """行政处罚法 第四十二条 asks for two."""
    one = inspection(officers=inspection()["officers"][:1])
    assert doubted("inspection/1", one) == ["officers.too-few"]
    (finding,) = rejected("inspection/1", inspection(officers=[]))
    assert finding.field == "officers"


def test_an_inspection_cannot_end_before_it_begins() -> None:
    """Impossible, whatever offsets the times were written in."""
    tree = inspection(ended_at="2026-07-01T00:59:00Z")
    (finding,) = rejected("inspection/1", tree)
    assert (finding.code, finding.title) == ("inspection.ends-early", "检查结束时间")


def test_a_junk_project_code_of_the_project_itself_is_dropped_with_a_warning() -> None:
    """The acceptance platform holds such junk; elsewhere a wrong project code is an error."""
    tree = sample("project-acceptance/1", Random(4))
    tree["project"]["code"] = "D4430"
    checked = check("project-acceptance/1", tree)
    assert "code" not in checked.document["project"]
    assert checked.raw["project.code"] == "D4430"
    assert "project-code.shape" in [warning.code for warning in checked.warnings]
    (finding,) = rejected("inspection/1", inspection(project_code="D4430"))
    assert finding.code == "project-code.shape"


def test_an_unknown_code_lists_what_is_expected() -> None:
    """So that the sender can correct it."""
    tree = sample("dispatch-order/1", Random(1)) | {"urgency": "asap"}
    (finding,) = rejected("dispatch-order/1", tree)
    assert finding.code == "code.unknown"
    assert "emergency" in finding.message.en


ODD: list[tuple[str, Callable[[Tree], Any], str]] = [
    ("permit/1", lambda d: d.update(issued_on="2999-01-01"), "permit.issued-late"),
    ("permit/1", lambda d: d["holder"].update(credit_code="91110000600037341L"), "permit.holder-differs"),
    ("project-approval/1", lambda d: d.update(accepted_on="2999-01-01"), "approval.before-application"),
    (
        "project-approval/1",
        lambda d: d.update(investment="1", environmental_investment="2"),
        "investment.exceeds",
    ),
    (
        "project-acceptance/1",
        lambda d: d.update(approved_on="2024-01-02", completed_on="2024-01-01"),
        "acceptance.built-unapproved",
    ),
    (
        "permit/1",
        lambda d: d.update(site={"location": {"longitude": "30.2", "latitude": "80.1"}}),
        "location.outside",
    ),
    ("dispatch-order/1", lambda d: d.update(due_at="2000-01-01T00:00:00+08:00"), "order.due-early"),
    ("case-file/1", lambda d: d.update(occurred_on="2999-01-01"), "case.found-early"),
    ("case-file/1", lambda d: d["party"].update(kind="person", credit_code="91110000600037341L"), "party.kind"),
    ("penalty-decision/1", lambda d: d.update(kinds=["warning"], fine="1"), "decision.fine-unnamed"),
    ("penalty-decision/1", lambda d: d.update(kinds=["fine"], fine="0"), "decision.fine-missing"),
    ("penalty-decision/1", lambda d: d.update(publish_until="2000-01-01"), "decision.published-early"),
    ("penalty-decision/1", lambda d: d.update(valid_until="2000-01-01"), "decision.valid-early"),
]


@pytest.mark.parametrize(("name", "change", "code"), ODD, ids=[odd[2] for odd in ODD])
def test_what_is_odd_across_fields_is_a_warning(name: str, change: Callable[[Tree], Any], code: str) -> None:
    """Accepted, with a finding that has the field's title."""
    tree = sample(name, Random(7))
    tree.get("party", {}).pop("citizen_id", None)
    change(tree)
    found = [warning for warning in check(name, tree).warnings if warning.code == code]
    assert found
    assert found[0].title


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("permit/1", {"valid_from": "2026-01-02", "valid_to": "2026-01-01"}),
        ("project-acceptance/1", {"public_from": "2026-01-02", "public_to": "2026-01-01"}),
        ("project-acceptance/1", {"trial_from": "2026-01-02", "trial_to": "2026-01-01"}),
    ],
)
def test_what_ends_before_it_begins_is_rejected(name: str, change: Tree) -> None:
    """Validity, publication, trial operation."""
    assert len(rejected(name, sample(name, Random(3)) | change)) == 1


def test_a_payment_without_its_amount_is_odd() -> None:
    """An execution that says paid says how much."""
    tree = sample("penalty-execution/1", Random(1)) | {"kind": "paid"}
    tree.pop("amount", None)
    assert doubted("penalty-execution/1", tree) == ["execution.amount-missing"]


@pytest.mark.parametrize(("act", "codes"), [("2026-08-14", []), ("2026-08-15", ["law.repealed"])])
def test_a_repealed_law_is_doubted_for_acts_after_its_end(act: str, codes: list[str]) -> None:
    """The 生态环境法典 took over on 2026-08-15; earlier acts keep the law of their time."""
    tree = sample("case-file/1", Random(2)) | {"occurred_on": act, "found_at": "2026-09-01T00:00:00+08:00"}
    tree["violations"] = [{"facts": "超标排放", "legal_basis": ["《中华人民共和国水污染防治法》第十条"]}]
    assert doubted("case-file/1", tree) == codes


def test_an_empty_list_is_no_list() -> None:
    """An optional list without anything in it is left out, wherever it stands, as an empty text is."""
    document = check("inspection/1", inspection(problems=[], attachments=[])).document
    assert "problems" not in document
    assert "attachments" not in document


def test_what_is_shown_of_a_personal_value_is_masked() -> None:
    """Of an id the region's digits, of anything else the first character; nothing stays nothing."""
    assert shown("330110199001011234", personal=True) == "330110************"
    assert shown("浙江省杭州市余杭区云栖街道晨星路1号", personal=True) == "浙************"
    assert shown(None, personal=True) is None


SPOILED: st.SearchStrategy[Any] = (
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from([[], {}, [{}], 0.5, True])
)


@given(name=st.sampled_from(NAMES), seed=st.integers(0, 10_000), data=st.data())
def test_a_spoiled_document_never_crashes_the_check(name: str, seed: int, data: st.DataObject) -> None:
    """Whatever stands where a value should be, the check answers with a document or with findings."""
    tree = deepcopy(sample(name, Random(seed)))
    tree[data.draw(st.sampled_from(sorted(tree)))] = data.draw(SPOILED)
    try:
        checked = check(name, tree)
    except Rejected as refused:
        named = bool(refused.findings)
    else:
        named = check(name, checked.document).document == checked.document
    assert named
