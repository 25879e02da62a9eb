"""Identifiers: what they accept, what they doubt, what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import (
    CitizenId,
    CreditCode,
    DocumentNumber,
    FacilityCode,
    Identifier,
    IndustryCode,
    Misshapen,
    OfficerNumber,
    OrganisationCode,
    OutletCode,
    PermitNumber,
    PollutantCode,
    ProductionUnitCode,
    ProjectCode,
    RegionCode,
)
from schemas.identifiers.identifier import NoNumber

ALL: tuple[type[Identifier], ...] = (
    CitizenId,
    CreditCode,
    DocumentNumber,
    FacilityCode,
    IndustryCode,
    OfficerNumber,
    OrganisationCode,
    OutletCode,
    PermitNumber,
    PollutantCode,
    ProductionUnitCode,
    ProjectCode,
    RegionCode,
)


def codes(identifier: type[Identifier], value: str) -> list[str]:
    """Give the codes of the doubts about a value."""
    return [doubt.code for doubt in identifier.doubts(value)]


@pytest.mark.parametrize(
    "code", ["91130200699229617X", "91510124684591103D", "91110000600037341L", "11320000MB151840XJ"]
)
def test_issued_credit_codes_hold(code: str) -> None:
    """Published codes pass the shape and both check characters."""
    assert CreditCode.normalise(code) == code
    assert codes(CreditCode, code) == []


def test_an_issued_credit_code_that_fails_its_check_is_doubted_not_refused() -> None:
    """Issued codes whose check digit fails exist (福建), so the digit is a warning that names the right one."""
    (doubt,) = CreditCode.doubts("91350211M0000XUF46")
    assert doubt.code == "credit-code.check-digit"
    assert "R" in doubt.message.zh


def test_letters_that_never_occur_are_refused_with_a_hint() -> None:
    """I, O, S, V and Z cannot stand in a credit code; the error says what to look for."""
    with pytest.raises(Misshapen) as caught:
        CreditCode.normalise("91350100M000100Y4Z")
    assert caught.value.finding.code == "credit-code.shape"
    assert "I、O、S、V、Z" in caught.value.finding.message.zh


def test_a_credit_code_is_normalised_and_its_raw_text_kept() -> None:
    """Full-width digits, lower case, spaces and hyphens are how people type; the raw text stays known."""
    typed = " ９111-0000 600037341l\u200b"
    code = CreditCode.parse(typed)
    assert (code.value, code.raw) == ("91110000600037341L", typed)
    assert code.organisation_code == "600037341"


def test_the_organisation_code_inside_is_checked_too() -> None:
    """A credit code with a true last digit but a false organisation code is doubted (GB 11714)."""
    from_standard = "600037341"
    assert codes(OrganisationCode, from_standard) == []
    assert codes(OrganisationCode, "600037342") == ["organisation-code.check-digit"]
    assert OrganisationCode.normalise("60003734-1") == from_standard


def test_the_citizen_id_of_the_standard_holds_and_a_wrong_digit_is_doubted() -> None:
    """GB 11643-1999's own example passes; another check digit is a warning whose value is masked."""
    assert CitizenId.normalise("11010519491231002x") == "11010519491231002X"
    assert codes(CitizenId, "11010519491231002X") == []
    (doubt,) = CitizenId.doubts("110105194912310021")
    assert (doubt.code, doubt.value) == ("citizen-id.check-digit", "110105************")
    assert CitizenId.parse("11010519491231002X").masked == "110105************"


@pytest.mark.parametrize("text", ["110105194902300021", "11010519491331002X", "1101051949123100", "330222************"])
def test_what_cannot_be_a_citizen_id_is_refused(text: str) -> None:
    """A date of birth that never was, a short number and a masked one are not ids."""
    with pytest.raises(Misshapen):
        CitizenId.normalise(text)


@pytest.mark.parametrize("number", ["91130200699229617X001P", "91130200699229617X002P", "91510124684591103D001P"])
def test_permit_numbers_of_the_standard_hold(number: str) -> None:
    """HJ 608-2017's own examples pass; the parts are told apart."""
    permit = PermitNumber.parse(number.lower())
    assert permit.value == number
    assert codes(PermitNumber, number) == []
    assert (permit.credit_code, permit.sequence, permit.suffix) == (number[:18], number[18:21], "P")


def test_a_permit_holder_without_a_credit_code_has_a_number_of_its_own() -> None:
    """`H9`, the region, nine characters and a lower-case letter; it holds no credit code."""
    permit = PermitNumber.parse("h9330110000000012a")
    assert permit.value == "H9330110000000012a"
    assert permit.credit_code is None
    assert codes(PermitNumber, permit.value) == []
    with pytest.raises(Misshapen):
        PermitNumber.normalise("H9330110000000012o")


@pytest.mark.parametrize("text", ["/", "无", "", "91130200699229617X", "91130200699229617X0011"])
def test_what_platforms_write_for_no_permit_is_not_a_permit_number(text: str) -> None:
    """`/` and `无` mean nothing; a credit code alone or a digit for the class letter is no permit."""
    with pytest.raises(Misshapen):
        PermitNumber.normalise(text)


def test_a_permit_number_with_a_false_credit_code_is_doubted() -> None:
    """Its first 18 characters are checked as a credit code."""
    assert codes(PermitNumber, "91350211M0000XUF46001P") == ["permit-number.check-digit"]


@pytest.mark.parametrize(
    ("identifier", "good", "bad"),
    [
        (OutletCode, "DA001", "DX001"),
        (OutletCode, "91130200699229617X001PDW001", "91130200699229617XDW001"),
        (FacilityCode, "TS001", "TB001"),
        (ProductionUnitCode, "MF0001", "MF001"),
        (PollutantCode, "a21026", "b21026"),
        (OfficerNumber, "33010012345", "1234567"),
    ],
)
def test_codes_of_parts_have_their_shape(identifier: type[Identifier], good: str, bad: str) -> None:
    """Outlets, facilities, production units, pollutants and officers: one good, one bad."""
    assert identifier.normalise(good.swapcase()) == good
    with pytest.raises(Misshapen):
        identifier.normalise(bad)


@pytest.mark.parametrize("code", ["2509-320193-89-01-544060", "2503-130981-04-01-573274"])
def test_issued_project_codes_hold(code: str) -> None:
    """Real codes pass ISO 7064 MOD 11,10, with or without hyphens."""
    assert ProjectCode.normalise(code.replace("-", "")) == code
    assert codes(ProjectCode, code) == []
    assert ProjectCode.parse(code).region == code[5:11]


def test_an_invented_project_code_is_doubted() -> None:
    """A false last digit is a warning."""
    assert codes(ProjectCode, "2608-110000-04-01-000001") == ["project-code.check-digit"]


@pytest.mark.parametrize("code", ["2020-330110-77-03-123456", "2017-130000-01-01-00001"])
def test_project_codes_from_before_the_standard_are_legacy(code: str) -> None:
    """Year first, no check digit: accepted and not doubted."""
    assert ProjectCode.parse(code).legacy
    assert codes(ProjectCode, code) == []


def test_an_industry_code_is_not_a_project_code() -> None:
    """The acceptance platform fills the field with such junk."""
    with pytest.raises(Misshapen):
        ProjectCode.normalise("D4430")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("C2624-C2624-复混肥料制造", "C2624"),
        ("D4430-D4430-热力生产和供应", "D4430"),
        ("C37-C37-铁路、船舶制造", "C37"),
        ("5132", "F5132"),
        ("０１１", "A011"),
    ],
)
def test_industry_codes_are_read_as_they_are_printed(written: str, normal: str) -> None:
    """With or without the letter, alone or with the name; the division tells the letter."""
    assert IndustryCode.normalise(written) == normal
    assert codes(IndustryCode, normal) == []


def test_an_industry_code_of_the_wrong_section_is_doubted() -> None:
    """Division 26 is manufacturing, C."""
    assert codes(IndustryCode, "D2624") == ["industry-code.section"]
    with pytest.raises(Misshapen):
        IndustryCode.normalise("9900")


@pytest.mark.parametrize(("written", "normal"), [("330203001", "330203"), ("330110003001", "330110"), ("000000",) * 2])
def test_longer_region_codes_are_cut_to_their_county(written: str, normal: str) -> None:
    """Township (9) and village (12) codes are statistical; the county is what counts."""
    assert RegionCode.normalise(written) == normal


@pytest.mark.parametrize("text", ["33", "33011", "330001", "3301a0", "033011", "330110-1"])
def test_what_cannot_be_a_region_is_refused(text: str) -> None:
    """A county without a city level, a missing digit, a letter."""
    with pytest.raises(Misshapen):
        RegionCode.normalise(text)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("鲁环罚〔2025〕1号", "鲁环罚〔2025〕1号"),
        ("深环罚〔2025〕012号", "深环罚〔2025〕12号"),
        ("苏环罚字〔2024〕第023号", "苏环罚字〔2024〕23号"),
        ("苏环建[2026]85号", "苏环建〔2026〕85号"),
        ("苏环建［２０２６］８５号", "苏环建〔2026〕85号"),
        ("襄环河审（2025）6号", "襄环河审〔2025〕6号"),
        ("杭滨环备【2023】 30 号", "杭滨环备〔2023〕30号"),
        ("川环审批﹝2009﹞68", "川环审批〔2009〕68号"),
        ("粤环罚〔2025〕A第08号", "粤环罚〔2025〕A8号"),
        ("甘环罚字〔2024〕LX-012号", "甘环罚字〔2024〕LX-12号"),
        ("丽环(青)罚[2021]4号", "丽环（青）罚〔2021〕4号"),
        ("惠市环(龙门)罚[2021]5号", "惠市环（龙门）罚〔2021〕5号"),
        ("丽环【青】罚〔2021〕04号", "丽环（青）罚〔2021〕4号"),
        ("云环建[2025]12号(承诺制)", "云环建〔2025〕12号（承诺制）"),
        ("云环建（2025）012号", "云环建〔2025〕12号"),
        ("202333011000000123", "202333011000000123"),
    ],
)
def test_document_numbers_come_to_one_form(written: str, normal: str) -> None:
    """Brackets become 〔〕, 第 and leading zeros go, full-width digits become half-width."""
    assert DocumentNumber.normalise(written) == normal
    assert DocumentNumber.normalise(normal) == normal


@pytest.mark.parametrize("text", ["鲁环罚2025第1号", "〔2025〕1号", "鲁环罚〔25〕1号", "鲁环罚〔2025〕号", "二号文"])
def test_a_document_number_of_an_unknown_form_is_kept_and_doubted(text: str) -> None:
    """Offices number as they like."""
    assert DocumentNumber.normalise(f" {text}\u200e") == text
    assert codes(DocumentNumber, text) == ["document-number.shape"]


@pytest.mark.parametrize("text", ["", "无", "/", "--", "字" * 101, "鲁环\x00罚"])
def test_what_says_nothing_is_no_document_number(text: str) -> None:
    """Nor is a whole paragraph."""
    with pytest.raises(Misshapen):
        DocumentNumber.normalise(text)


@pytest.mark.parametrize(
    ("number", "refuses"),
    [("云环不批〔2025〕1号", True), ("云环不予批准〔2025〕1号", True), ("云环批〔2025〕1号", False), ("二号文", False)],
)
def test_the_number_of_a_refusal_is_known_by_its_words(number: str, refuses: bool) -> None:
    """`不批` holds the word for an approval."""
    assert DocumentNumber.parse(number).refuses is refuses


@pytest.mark.parametrize("number", ["浙01020304", "兵A0123456", "33010012345"])
def test_an_officers_number_may_begin_with_its_province(number: str) -> None:
    """One character, and no more."""
    assert OfficerNumber.normalise(number) == number
    assert not OfficerNumber.takes("浙江01020304")


@pytest.mark.parametrize("identifier", [CreditCode, CitizenId, PermitNumber, ProjectCode, OfficerNumber])
@pytest.mark.parametrize("text", ["/", "无", "--", "null"])
def test_a_word_for_none_is_told_apart_from_a_wrong_number(identifier: type[Identifier], text: str) -> None:
    """Where the number need not be there it is left out."""
    with pytest.raises(NoNumber):
        identifier.normalise(text)


def test_a_document_number_knows_its_parts() -> None:
    """Authority, kind, year, branch and number."""
    parts = DocumentNumber.parse("苏环罚字〔2024〕第023号").parts
    assert parts is not None
    assert (parts.authority, parts.kind, parts.year, parts.number) == ("苏环", "罚字", 2024, "23")
    assert DocumentNumber.parse("202333011000000123").parts is None


@pytest.mark.parametrize("identifier", ALL)
@given(text=st.text(max_size=40) | st.from_regex(r"[0-9A-Z〔〕号第０-９]{1,30}", fullmatch=True))
def test_normalising_is_settled_after_one_pass(identifier: type[Identifier], text: str) -> None:
    """Whatever is accepted is in a normal form that stays as it is; whatever is not says so in both languages."""
    try:
        normal = identifier.normalise(text)
    except Misshapen as refused:
        held = bool(refused.finding.message.zh and refused.finding.message.en)
    else:
        known = identifier.pattern.fullmatch(normal) is not None or bool(identifier.doubts(normal))
        held = identifier.normalise(normal) == normal and known
    assert held


def test_full_width_digits_are_never_taken_for_normal() -> None:
    """The normal form is ASCII digits."""
    assert OfficerNumber.normalise("３３０１００１２３４５") == "33010012345"
    assert RegionCode.normalise("３３０１１０") == "330110"
