"""A citizen id is one wherever it stands for somebody, and nowhere else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import invented
from schemas.catalog import TYPES
from schemas.documents import NAMES, Checked, check, current, fields
from schemas.findings import Rejected
from schemas.identifiers import CreditCode, Misshapen, OfficerNumber, is_citizen_id
from schemas.identifiers.person import mask_in_text
from schemas.samples import parties, sample

ID = "11010519491231002X"
"""The example of GB 11643-1999."""

MASKED = "110105************"
OF_THE_PARTY = [name for name in NAMES if "party.citizen_id" in fields(name)]
SPELLINGS = (
    ID,
    ID.lower(),
    f" {ID} ",
    "110105 19491231 002X",
    "110105-19491231-002X",
    "１１０１０５19491231002Ｘ",
    f"\u202a{ID}",
)


def _decision(**party: Any) -> dict[str, Any]:
    return {
        "case_number": "AJ1",
        "decision_number": "浙环罚〔2026〕1号",
        "party": {"name": "阿明石材加工点", "kind": "sole-trader", **party},
        "region": "330110",
        "decided_on": "2026-07-10",
        "kinds": ["warning"],
        "facts": "露天焚烧。",
        "legal_basis": ["第四十条"],
        "authority": {"name": "余杭分局"},
        "status": "in-force",
        "officers": [{"name": "甲", "number": "33010012345"}, {"name": "乙", "number": "33010012346"}],
    }


def _whole(checked: Checked) -> str:
    return repr((checked.warnings, checked.raw))


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_a_citizen_id_among_the_credit_codes_is_moved(spelling: str) -> None:
    """To where the document keeps it, and told to its sender masked."""
    checked = check("penalty-decision/1", _decision(credit_code=spelling))
    assert checked.document["party"]["citizen_id"] == ID
    assert "credit_code" not in checked.document["party"]
    assert [(one.code, one.field, one.value) for one in checked.warnings] == [
        ("citizen-id.moved", "party.credit_code", MASKED)
    ]
    assert ID[6:] not in _whole(checked)


@pytest.mark.parametrize("kind", [None, "company", "person", "sole-trader"])
@pytest.mark.parametrize("name", OF_THE_PARTY)
def test_it_is_moved_in_every_document_of_a_party(name: str, kind: str | None) -> None:
    """Whatever kind of party it is said to be, and is never a key to search by."""
    document = sample(name, Random(1))
    document["party"] = {"name": "阿明", "credit_code": ID} | ({"kind": kind} if kind else {})
    found = check(name, document).document
    assert found["party"]["citizen_id"] == ID
    [kind_of_message] = [one for one in TYPES.values() if one.document == current(name)]
    assert ID not in kind_of_message.keys(found).values()


def test_the_same_id_twice_is_one() -> None:
    """Two columns that agree say nothing new."""
    checked = check("penalty-decision/1", _decision(credit_code=ID.lower(), citizen_id=ID))
    assert checked.document["party"]["citizen_id"] == ID


def test_two_ids_contradict_each_other() -> None:
    """Which of them is meant is for the sender to say; neither is shown."""
    other = invented.citizen_id(Random(3))
    with pytest.raises(Rejected) as caught:
        check("penalty-decision/1", _decision(credit_code=ID, citizen_id=other))
    [finding] = caught.value.findings
    assert (finding.code, finding.field, finding.value) == ("citizen-id.misplaced", "party.credit_code", MASKED)
    assert ID[6:] not in repr(caught.value.findings)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("permit/1", "holder.credit_code"),
        ("project-approval/1", "builder.credit_code"),
        ("project-acceptance/1", "operator.credit_code"),
        ("penalty-decision/1", "authority.credit_code"),
    ],
)
def test_where_no_document_keeps_it_it_is_an_error(name: str, path: str) -> None:
    """Told by the field, and masked."""
    document = sample(name, Random(7))
    part, field = path.split(".")
    document[part] = {"name": "阿明", **document.get(part, {}), field: ID}
    with pytest.raises(Rejected) as caught:
        check(name, document)
    assert [(one.code, one.field, one.value) for one in caught.value.findings] == [
        ("citizen-id.misplaced", path, MASKED)
    ]
    assert ID[6:] not in repr(caught.value.findings)


def test_an_officer_is_not_told_by_a_citizen_id() -> None:
    """An enforcement certificate has a number of its own."""
    with pytest.raises(Misshapen) as caught:
        OfficerNumber.normalise(ID)
    assert ID[6:] not in repr(caught.value.finding)
    assert OfficerNumber.normalise("330110202607100018") == "330110202607100018"


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",
        "110105194902300020",
        "110105185001010015",
        "110105204901010014",
        "990105194912310020",
        "91330110MA2KQ7XH9P",
        "91110105194912310X",
        "110105194912310",
        "",
    ],
)
def test_what_lacks_a_place_a_birth_or_the_check_digit_is_none(text: str) -> None:
    """The shape alone is not enough."""
    assert not is_citizen_id(text)


def test_every_invented_id_is_one_and_no_credit_code_of_a_company() -> None:
    """Companies' codes begin with 9, where no province does."""
    random = Random(11)
    assert all(is_citizen_id(invented.citizen_id(random)) for _ in range(500))
    assert not any(is_citizen_id(invented.credit_code(random)) for _ in range(500))
    assert CreditCode.normalise("91330110MA2KQ7XH9P")


CASE_NUMBERS = st.builds(
    lambda seed: invented.citizen_id(Random(seed)),
    st.integers(0, 10**6),
)


@given(CASE_NUMBERS)
def test_a_case_number_is_never_moved_or_refused(number: str) -> None:
    """Region, date and serial pass the check digit once in eleven."""
    document = {**_decision(), "case_number": number}
    checked = check("penalty-decision/1", document)
    assert checked.document["case_number"] == number
    assert TYPES["penalty.decided"].keys(checked.document)["case_number"] == number
    assert not checked.warnings


@given(CASE_NUMBERS)
def test_no_other_number_is_either(number: str) -> None:
    """Inspections, orders and related cases are numbered by the same habit."""
    order = sample("dispatch-order/1", Random(2)) | {"order_number": number, "related": {"case_number": number}}
    assert check("dispatch-order/1", order).document["related"] == {"case_number": number}
    report = {"order_number": number, "state": "done", "reported_at": "2026-05-22T10:00:00+08:00"}
    assert check("dispatch-report/1", report | {"inspection_number": number}).document["inspection_number"] == number


def test_a_permit_number_that_begins_with_an_id_gives_no_key() -> None:
    """The permit keeps its number; its holder is not searched for by it."""
    permit = sample("permit/1", Random(5))
    permit["holder"].pop("credit_code", None)
    permit["permit_number"] = f"{ID}001P"
    assert "credit_code" not in TYPES["permit.changed"].keys(check("permit/1", permit).document)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"身份证号：{ID}", f"身份证号：{MASKED}"),
        (f"公民身份号码为{ID.lower()}。", f"公民身份号码为{MASKED}。"),
        (f"证件号码:{ID},案号330110202607100017", f"证件号码:{MASKED},案号330110202607100017"),
        (f"当事人{ID}（身份证）", f"当事人{MASKED}（身份证）"),
        (f"案号{ID}", f"案号{ID}"),
        (f"执法证件号{ID}", f"执法证件号{ID}"),
        ("没有号码的身份证", "没有号码的身份证"),
    ],
)
def test_free_text_is_masked_beside_a_word_for_it(text: str, shown: str) -> None:
    """Other numbers of eighteen digits stay readable."""
    assert mask_in_text(text) == shown


@pytest.mark.parametrize("name", OF_THE_PARTY)
def test_every_kind_of_party_with_every_number_is_a_document(name: str) -> None:
    """What the laws are tried with can be sent."""
    made = [check(name, one).document["party"] for one in parties(name, Random(1))]
    told = {(one.get("kind"), "credit_code" in one, "citizen_id" in one) for one in made}
    assert len(told) == len(made) == 16
