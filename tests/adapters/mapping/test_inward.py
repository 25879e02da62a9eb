"""The way in: what platforms really send, read to a document or refused with every fault at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.mapping import Program
from schemas.findings import Finding, Rejected

DECISION = """
document: penalty-decision/1
fields:
  case_number:       CASEID
  decision_number:   {at: WRITNUMBER, as: document-number}
  region:            AREACODE
  party.name:        PARTY.USERNAME
  party.credit_code: {at: PARTY.USERCODE, none: ["/", "无", 0]}
  party.phone:       PARTY.PHONE
  decided_on:        {at: PUNISHDECIDETIME, as: {date: "%Y-%m-%d %H:%M:%S"}}
  fine:              {at: PUNISHMONEY, as: decimal}
  kinds:             {split: CFLB, on: ",", as: {code: penalty-kind}}
  legal_basis:       LAWS[]
  officers:          {split: {name: NAMES, number: NUMBERS}, on: "，,、;"}
  facts:             FACTS
  authority.name:    ORG
  status:            {default: in-force}
  license_actions:   LICENCES[].NAME
  violations:
    each: WFXW[]
    fields: {item_code: SXBM, facts: WFSS, legal_basis: {split: TK, on: ";"}}
"""


@pytest.fixture
def decision(compiled: Any) -> Program:
    """A decision mapping with a bit of everything."""
    return compiled(DECISION)  # type: ignore[no-any-return]


def native(**changes: Any) -> dict[str, Any]:
    """A decision as an imaginary platform sends it."""
    return {
        "CASEID": " 3301102025000123 ",
        "WRITNUMBER": "浙环罚字[2025]第012号",
        "AREACODE": 330110,
        "PARTY": {"USERNAME": "杭州清源化工有限公司", "USERCODE": "/", "PHONE": None},
        "PUNISHDECIDETIME": "2025-08-06 00:00:00",
        "PUNISHMONEY": Decimal("20000.00"),
        "CFLB": "01,02",
        "LAWS": ["第一条", " ", "第二条"],
        "NAMES": "张晓明,李文静",
        "NUMBERS": ",1234567890123456，2345678901234567",
        "FACTS": "未运行污染防治设施",
        "ORG": "杭州市生态环境局",
        "LICENCES": [{"NAME": "甲证"}, {"NAME": ""}],
        "WFXW": [{"SXBM": 1001, "WFSS": "事实一", "TK": "甲;乙"}, {}],
        **changes,
    }


def refused(program: Program, tree: Any) -> Rejected:
    """Translate something that must be refused."""
    with pytest.raises(Rejected) as caught:
        program.inward(tree)
    return caught.value


def only(error: Rejected) -> Finding:
    """The single finding of a refusal."""
    (finding,) = error.findings
    return finding


def test_a_sloppy_document_is_read(decision: Program) -> None:
    """Blanks trimmed, numbers as text, `/` for nothing, empties dropped, a leading comma."""
    assert decision.inward(native()).document == {
        "case_number": "3301102025000123",
        "decision_number": "浙环罚字〔2025〕12号",
        "region": "330110",
        "party": {"name": "杭州清源化工有限公司"},
        "decided_on": "2025-08-06",
        "fine": "20000",
        "kinds": ["warning", "fine"],
        "legal_basis": ["第一条", "第二条"],
        "officers": [
            {"name": "张晓明", "number": "1234567890123456"},
            {"name": "李文静", "number": "2345678901234567"},
        ],
        "facts": "未运行污染防治设施",
        "authority": {"name": "杭州市生态环境局"},
        "status": "in-force",
        "license_actions": ["甲证"],
        "violations": [{"item_code": "1001", "facts": "事实一", "legal_basis": ["甲", "乙"]}],
    }


@pytest.mark.parametrize("nothing", ["", "  ", None, "/", " 无 ", 0, "0", [], {}])
def test_what_means_nothing_is_absent(decision: Program, nothing: Any) -> None:
    """Missing, null, blank, and the values the mapping names, as text or number."""
    tree = native(PARTY={"USERNAME": "杭州清源化工有限公司", "USERCODE": nothing})
    assert decision.inward(tree).document["party"] == {"name": "杭州清源化工有限公司"}


def test_zero_means_something_unless_said_otherwise(decision: Program) -> None:
    """A fine of nothing is a fine of nothing."""
    assert decision.inward(native(PUNISHMONEY=0)).document["fine"] == "0"


def test_one_element_counts_as_a_list(decision: Program) -> None:
    """XML knows no list of one."""
    tree = native(LAWS="第一条", WFXW={"WFSS": "事实"}, LICENCES={"NAME": "甲证"})
    document = decision.inward(tree).document
    assert document["legal_basis"] == ["第一条"]
    assert document["violations"] == [{"facts": "事实"}]
    assert document["license_actions"] == ["甲证"]


def test_an_element_with_attributes_gives_its_text(decision: Program) -> None:
    """XML leaves are their text, whatever attributes they bear."""
    tree = native(CASEID={"@lang": "zh", "#text": "A1"}, PUNISHMONEY={"@unit": "元", "#text": "5"})
    document = decision.inward(tree).document
    assert document["case_number"] == "A1"
    assert document["fine"] == "5"


@pytest.mark.parametrize("laws", [[["第一条"]], [[]], [{"条": "第一条"}], [["第一条"], "第二条"]])
def test_a_list_inside_a_list_is_a_fault_of_its_field(compiled: Any, laws: Any) -> None:
    """Elements that are no values are told by their path, also when nothing was read before them."""
    line = "  legal_basis:       LAWS[]\n"
    first = DECISION.replace(line, "").replace("fields:\n", f"fields:\n{line}", 1)
    assert only(refused(compiled(first), native(LAWS=laws))).path.startswith("LAWS")


def test_every_fault_is_told_at_once(decision: Program) -> None:
    """Missing, refused and misshapen together, each with its native path and title."""
    tree = native(CASEID="", PUNISHMONEY="两万", CFLB="01,99", FACTS=["a", "b"], WFXW=[{"SXBM": "1"}, "x"])
    error = refused(decision, tree)
    assert error.status == 422
    assert error.code == "mapping.incomplete"
    assert {(one.code, one.path, one.field) for one in error.findings} == {
        ("mapping.incomplete", "CASEID", "case_number"),
        ("value.number", "PUNISHMONEY", "fine"),
        ("code.unknown", "CFLB", "kinds[]"),
        ("native.shape", "FACTS", "facts"),
        ("mapping.incomplete", "WFXW[0].WFSS", "violations[0].facts"),
        ("native.shape", "WFXW[1]", "violations[1]"),
    }
    money = next(one for one in error.findings if one.code == "value.number")
    assert money.title == "罚款金额"
    assert money.value == "两万"
    assert "十进制数" in money.message.zh


def test_a_refused_code_is_told_by_itself(decision: Program) -> None:
    """Not by the whole list it stood in."""
    assert only(refused(decision, native(CFLB="01,99"))).value == "99"


def test_a_missing_object_is_told_by_where_it_would_come_from(decision: Program) -> None:
    """The native path that would have filled it."""
    finding = only(refused(decision, native(PARTY=None)))
    assert (finding.path, finding.field, finding.title) == ("PARTY.USERNAME", "party", "当事人")


def test_an_object_that_is_there_must_be_whole(decision: Program) -> None:
    """A required field is required once its object is there."""
    finding = only(refused(decision, native(PARTY={"PHONE": "0571-88880000"})))
    assert (finding.path, finding.field) == ("PARTY.USERNAME", "party.name")


def test_personal_values_are_masked(compiled: Any) -> None:
    """In whatever is said about them."""
    program = compiled(DECISION.replace("party.phone:       PARTY.PHONE", "party.phone: {at: PARTY.PHONE, as: int}"))
    error = refused(program, native(PARTY={"USERNAME": "张某", "PHONE": "1380000abcd"}))
    assert only(error).value == "1**********"


def test_uneven_columns_are_refused(decision: Program) -> None:
    """Two names and one number cannot be told apart."""
    finding = only(refused(decision, native(NUMBERS="1234567890123456")))
    assert finding.code == "value.uneven"
    assert finding.path == "NAMES"


def test_a_column_may_be_absent_as_a_whole(decision: Program) -> None:
    """Names without any number."""
    tree = native(NUMBERS="")
    assert decision.inward(tree).document["officers"] == [{"name": "张晓明"}, {"name": "李文静"}]


def test_an_object_without_its_required_column_is_refused(decision: Program) -> None:
    """Numbers without names."""
    error = refused(decision, native(NAMES="", NUMBERS="1234567890123456"))
    assert only(error).field == "officers[0].name"
    assert only(error).path == "NAMES"


@pytest.mark.parametrize("tree", [[], "x", None, 1])
def test_a_record_is_an_object(decision: Program, tree: Any) -> None:
    """Anything else is refused as a whole."""
    assert refused(decision, tree).code == "native.shape"


def test_an_object_where_text_is_expected_and_the_other_way_round(decision: Program) -> None:
    """Told by its path."""
    assert only(refused(decision, native(ORG={"NAME": "x"}))).path == "ORG"
    assert refused(decision, native(PARTY="张某")).findings[0].path == "PARTY"


def test_the_first_that_is_there_is_read(progress: Any) -> None:
    """Alternatives in order."""
    program = progress("document_number: {at: [WSH, JDSH], none: ['/']}\nopinion: {at: YJ, default: 无意见}")
    base = {"AH": "A1", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}
    assert program.inward({**base, "WSH": "/", "JDSH": "乙"}).document["document_number"] == "乙"
    assert program.inward({**base, "WSH": "甲", "JDSH": "乙"}).document["document_number"] == "甲"
    assert program.inward(base).document["opinion"] == "无意见"


def test_a_mapping_that_never_makes_a_required_field_stops_every_message(compiled: Any) -> None:
    """It is told as the mapping's fault: no native path is named."""
    program = compiled("document: case-progress/1\nfields: {case_number: AH, node: HJ}")
    finding = only(refused(program, {"AH": "1", "HJ": "filed"}))
    assert (finding.code, finding.field, finding.path) == ("mapping.incomplete", "at", "")


def test_several_fields_may_come_from_one_value(compiled: Any) -> None:
    """A range fills its start and its end."""
    program = compiled(
        """
        document: permit/1
        fields:
          permit_number: XKZBH
          valid_from, valid_to: {at: 有效期限, as: [{range: 至}, {date: "%Y-%m-%d"}]}
        """
    )
    document, _, _ = program.code.inward({"有效期限": "2024-9-10 至 2029-09-09"})
    assert (document["valid_from"], document["valid_to"]) == ("2024-09-10", "2029-09-09")
    assert program.code.inward({"有效期限": "2024-09-10至"})[0] == {"valid_from": "2024-09-10"}
    assert program.outward(document)["有效期限"] == "2024-09-10至2029-09-09"
    assert [one.field for one in program.explain()] == ["permit_number", "valid_from", "valid_to"]


def test_attributes_and_text_of_one_element(compiled: Any) -> None:
    """Both can be mapped."""
    program = compiled(
        "document: case-progress/1\nfields: {case_number: 案件, opinion: 案件.@意见, node: N, at: T}",
    )
    tree = {"案件": {"@意见": "同意", "#text": "A1"}, "N": "filed", "T": "2025-08-06T09:30:00+08:00"}
    assert program.inward(tree).document["opinion"] == "同意"
    assert program.outward(program.inward(tree).document) == tree
    assert program.inward({**tree, "案件": "A1"}).document["case_number"] == "A1"


@pytest.mark.parametrize("number", [Decimal("3.30110202605060E+17"), Decimal("1E+12")])
def test_a_long_number_in_scientific_notation_is_no_text(progress: Any, number: Any) -> None:
    """A spreadsheet made it, whatever format it came in; its last digits would be zeros."""
    with pytest.raises(Rejected) as caught:
        progress("opinion: YJ").inward({"AH": number, "HJ": "filed", "SJ": "2026-05-06T09:30:00+08:00"})
    assert [(one.code, one.path) for one in caught.value.findings] == [("value.spreadsheet", "AH")]


def test_a_converter_that_refuses_such_a_number_tells_it_too(compiled: Any) -> None:
    """What a region's name should be is no help to whoever lost its digits."""
    program = compiled("document: case-file/1\nfields:\n  region: {at: QH, as: region-code}\n")
    found = [one.code for one in program.code.inward({"QH": "3.3E+11"})[1] if one.field == "region"]
    assert found == ["value.spreadsheet"]
