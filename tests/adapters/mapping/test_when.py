"""Conditions: one native place, two meanings, told apart by another field."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.mapping import Program
from adapters.source import BrokenBundle

COMPANY, PERSON = "91110000600037341L", "11010519491231002X"
_PARTY = """
document: case-file/1
fields:
  party.name: PARTY.USERNAME
  {kind}
  party.credit_code: {{at: PARTY.USERCODE, none: ["/"], when: {{at: PARTY.USERTYPE, in: ["02", "03"]}}}}
  party.citizen_id:  {{at: PARTY.USERCODE, when: {{at: PARTY.USERTYPE, is: "01"}}}}
"""


@pytest.fixture
def told(compiled: Any) -> Program:
    """The discriminator has a mapping of its own."""
    return compiled(_PARTY.format(kind="party.kind: {at: PARTY.USERTYPE, as: {code: party-kind}}"))  # type: ignore[no-any-return]


@pytest.fixture
def untold(compiled: Any) -> Program:
    """The discriminator stands for nothing but the choice."""
    return compiled(_PARTY.format(kind=""))  # type: ignore[no-any-return]


def _party(program: Program, **columns: Any) -> Any:
    return program.code.inward({"PARTY": {"USERNAME": "甲", **columns}})[0]["party"]


def test_the_discriminator_says_which_field_is_meant(untold: Program) -> None:
    """As text, whatever it was sent as."""
    assert _party(untold, USERCODE=COMPANY, USERTYPE="02") == {"name": "甲", "credit_code": COMPANY}
    assert _party(untold, USERCODE=PERSON, USERTYPE=" 01 ") == {"name": "甲", "citizen_id": PERSON}
    assert _party(untold, USERCODE=PERSON, USERTYPE="09") == {"name": "甲"}
    assert _party(untold, USERCODE="/", USERTYPE="02") == {"name": "甲"}


def test_nothing_is_drift_about_a_discriminator(untold: Program) -> None:
    """It is known though no field maps it."""
    assert untold.code.inward({"PARTY": {"USERTYPE": "02"}})[2] == {}


def test_on_the_way_out_the_value_chooses_the_discriminator(untold: Program) -> None:
    """The first value of the condition is written."""
    assert untold.outward({"party": {"name": "甲", "credit_code": COMPANY}})["PARTY"] == {
        "USERNAME": "甲",
        "USERTYPE": "02",
        "USERCODE": COMPANY,
    }
    assert untold.outward({"party": {"citizen_id": PERSON}})["PARTY"] == {"USERTYPE": "01", "USERCODE": PERSON}


def test_a_discriminator_of_its_own_chooses_the_value(told: Program) -> None:
    """Wherever in the file it stands, it is written first."""
    trader = {"name": "甲", "kind": "sole-trader", "credit_code": COMPANY}
    assert told.outward({"party": trader})["PARTY"] == {"USERNAME": "甲", "USERTYPE": "03", "USERCODE": COMPANY}
    both = {"kind": "person", "credit_code": COMPANY, "citizen_id": PERSON}
    assert told.outward({"party": both})["PARTY"] == {"USERTYPE": "01", "USERCODE": PERSON}


def test_nothing_is_written_only_where_the_place_is_free(told: Program) -> None:
    """The `/` of one field never covers the value of the other."""
    assert told.outward({"party": {"kind": "company"}})["PARTY"] == {"USERTYPE": "02", "USERCODE": "/"}
    assert told.outward({"party": {"kind": "person", "citizen_id": PERSON}})["PARTY"]["USERCODE"] == PERSON
    assert "USERCODE" not in told.outward({"party": {"kind": "person"}})["PARTY"]
    assert told.outward({}) == {"PARTY": {"USERCODE": "/"}}


@pytest.fixture
def by_form(compiled: Any) -> Program:
    """Every kind of party may be told by either number."""
    return compiled(  # type: ignore[no-any-return]
        """
        document: case-file/1
        fields:
          party.name: PARTY.USERNAME
          party.kind: {at: PARTY.USERTYPE, as: {code: party-kind}}
          party.credit_code: {at: PARTY.USERCODE, none: ["/"], when: {at: PARTY.USERTYPE, in: ["02", "03"]}}
          party.citizen_id: {at: PARTY.USERCODE, when: {at: PARTY.USERTYPE, in: ["01", "03"]}}
        """
    )


@pytest.mark.parametrize(
    ("kind", "code", "field"),
    [
        ("02", COMPANY, "credit_code"),
        ("03", COMPANY, "credit_code"),
        ("03", PERSON, "citizen_id"),
        ("03", PERSON.lower(), "citizen_id"),
        ("01", PERSON, "citizen_id"),
        ("02", PERSON, "credit_code"),
        ("01", COMPANY, "citizen_id"),
        ("03", "neither", "credit_code"),
    ],
)
def test_where_both_conditions_hold_the_form_decides(by_form: Program, kind: str, code: str, field: str) -> None:
    """A value of no form is the first field's, so that it is told where it stands."""
    read = _party(by_form, USERCODE=code, USERTYPE=kind)
    assert {name: value for name, value in read.items() if name not in ("name", "kind")} == {field: code}


def test_of_two_values_for_one_place_the_first_is_written(by_form: Program) -> None:
    """The second never covers it, and is written where it is alone."""
    party = {"name": "甲", "kind": "sole-trader", "credit_code": COMPANY, "citizen_id": PERSON}
    assert by_form.outward({"party": party})["PARTY"]["USERCODE"] == COMPANY
    del party["credit_code"]
    assert by_form.outward({"party": party})["PARTY"] == {"USERNAME": "甲", "USERTYPE": "03", "USERCODE": PERSON}


def test_a_field_may_depend_on_another_being_there(progress: Any) -> None:
    """`present`, true or false."""
    program = progress(
        "opinion: YJ\n"
        "document_number: {at: BZ, when: {at: YJ, present: true}}\n"
        "detail: {at: BZ, when: {at: YJ, present: false}}"
    )
    base = {"AH": "A1", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}
    with_opinion = program.inward({**base, "YJ": "好", "BZ": "文"}).document
    without = program.inward({**base, "YJ": "", "BZ": "文"}).document
    assert with_opinion["document_number"] == "文"
    assert "detail" not in with_opinion
    assert without["detail"] == "文"
    assert program.outward(with_opinion) == {**base, "YJ": "好", "BZ": "文"}
    assert program.outward(without) == {**base, "BZ": "文"}


def test_conditions_hold_within_each_row(compiled: Any) -> None:
    """Paths are relative to the element."""
    program = compiled(
        """
        document: case-file/1
        fields:
          violations:
            each: W[]
            fields:
              facts: {at: V, when: {at: T, is: 1}}
              item_code: {at: V, when: {at: T, is: 2}}
        """
    )
    document = {"violations": [{"facts": "f"}, {"item_code": "c"}]}
    assert program.outward(document) == {"W": [{"T": 1, "V": "f"}, {"T": 2, "V": "c"}]}
    assert program.code.inward(program.outward(document))[0]["violations"] == document["violations"]


STATUS = """
document: permit/1
fields:
  status: {at: KIND, as: {code: permit-status}, when: {at: FLAG, in: ["1", ""]}, else: {"0": deleted}}
unknown: ignore
"""


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"KIND": "1", "FLAG": "1"}, "new"),
        ({"KIND": "1"}, "new"),
        ({"KIND": "1", "FLAG": 0}, "deleted"),
        ({"FLAG": " 0 "}, "deleted"),
        ({"KIND": "1", "FLAG": "7"}, None),
    ],
)
def test_another_value_of_the_discriminator_may_have_a_meaning_of_its_own(
    compiled: Any, columns: dict[str, Any], status: str | None
) -> None:
    """`else`."""
    assert compiled(STATUS).code.inward(columns)[0].get("status") == status


@pytest.mark.parametrize(
    ("entry", "columns", "path", "said"),
    [
        ('when: {at: FLAG, in: ["1", ""]}', {"KIND": "1", "FLAG": "7"}, "FLAG", "FLAG is 1 or empty"),
        ('when: {at: FLAG, is: "1"}', {"KIND": "1"}, "FLAG", "FLAG is 1"),
        ("when: {at: FLAG, present: true}", {"KIND": "1"}, "FLAG", "FLAG is there"),
        ("when: {at: FLAG, present: false}", {"KIND": "1", "FLAG": "1"}, "FLAG", "FLAG is not there"),
        ('when: {at: FLAG, is: "1"}', {"FLAG": "1"}, "KIND", "fill in KIND"),
        ('when: {at: H.FLAG, is: "1"}', {"KIND": "1"}, "H.FLAG", "H.FLAG is 1"),
    ],
)
def test_a_required_field_that_a_condition_left_out_is_told_by_the_condition(
    compiled: Any, entry: str, columns: dict[str, Any], path: str, said: str
) -> None:
    """To fill in the field itself would not help; where the condition holds it does."""
    program = compiled(f"document: permit/1\nfields:\n  status: {{at: KIND, as: {{code: permit-status}}, {entry}}}\n")
    found = [one for one in program.code.inward(columns)[1] if one.field == "status"]
    assert [one.path for one in found] == [path]
    assert said in found[0].message.en


@pytest.mark.parametrize(
    "entry",
    [
        'else: {"0": deleted}',
        'when: {at: FLAG, present: true}, else: {"0": deleted}',
        'when: {at: FLAG, is: "1"}, else: deleted',
        'when: {at: FLAG, is: "1"}, else: {}',
        'when: {at: FLAG, is: "1"}, else: {"0": vanished}',
    ],
)
def test_an_else_needs_a_value_to_stand_for_and_a_canonical_one(compiled: Any, entry: str) -> None:
    """Beside a condition on values."""
    with pytest.raises(BrokenBundle):
        compiled(f"document: permit/1\nfields:\n  status: {{at: KIND, as: {{code: permit-status}}, {entry}}}\n")
