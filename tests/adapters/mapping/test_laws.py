"""The laws tried on a whole mapping: what comes back may be normalised, never mean something else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.laws import document_law, native_law

MAPPING = """
document: case-file/1
fields:
  case_number: {at: [AH, BH]}
  region: {at: QH, as: {region-code: 12}}
  party.name: P.MC
  party.kind: {at: P.LX, as: {code: party-kind}}
  party.credit_code: {at: P.HM, none: ["/"], when: {at: P.LX, in: ["02", "03"]}}
  party.citizen_id: {at: P.HM, when: {at: P.LX, is: "01"}}
  found_at: {at: FXSJ, as: {datetime: "%Y-%m-%d %H:%M:%S"}}
  occurred_on: {at: WFSJ, as: {date: ["%Y%m%d", "%Y-%m-%d"]}, none: ["19000101"]}
  facts: SS
  officers: {split: {name: XM, number: ZJ}, on: ",，、"}
  violations: {each: "W[]", fields: {facts: SS, item_code: BM, legal_basis: {split: TK, on: ";"}}}
  site.location: {parts: {longitude: JD, latitude: WD}, as: {coordinates: gcj02}}
  attachments: {each: "FJ[]", fields: {name: MC, url: DZ}}
constants: {FLAG: "1"}
"""

_WORDS = st.text("甲乙丙丁ABC123", min_size=1, max_size=6)
_PARTIES = st.one_of(
    st.fixed_dictionaries({"name": _WORDS}),
    st.fixed_dictionaries({"name": _WORDS, "kind": st.just("person"), "citizen_id": _WORDS}),
    st.fixed_dictionaries({"name": _WORDS, "kind": st.just("company"), "credit_code": _WORDS}),
    st.fixed_dictionaries({"name": _WORDS, "credit_code": _WORDS}),
)
_DOCUMENTS = st.fixed_dictionaries(
    {"case_number": _WORDS, "region": st.sampled_from(["330110", "330000"]), "party": _PARTIES, "facts": _WORDS},
    optional={
        "found_at": st.sampled_from(["2025-08-06T09:30:00+08:00", "2025-08-06T09:30:00.125000+08:00"]),
        "occurred_on": st.sampled_from(["2025-08-06", "1999-12-31"]),
        "officers": st.lists(st.fixed_dictionaries({"name": _WORDS, "number": _WORDS}), min_size=1, max_size=3),
        "violations": st.lists(
            st.fixed_dictionaries(
                {"facts": _WORDS},
                optional={"item_code": _WORDS, "legal_basis": st.lists(_WORDS, min_size=1, max_size=3)},
            ),
            min_size=1,
            max_size=3,
        ),
        "site": st.just({"location": {"longitude": "120.153576", "latitude": "30.287459"}}),
        "attachments": st.lists(st.fixed_dictionaries({"name": _WORDS}), min_size=1, max_size=2),
        "source": _WORDS,
    },
)
_SCRAPS = st.sampled_from(
    ["", " ", None, "/", "a", "1", 1, "01", "02", "2025-08-06", "20250806", [], {}, ["a"], {"x": 1}]
)
_KEYS = st.sampled_from(["AH", "BH", "QH", "WFSJ", "SS", "XM", "ZJ", "P", "W", "JD", "WD", "FJ", "Q"])
_TREES = st.dictionaries(_KEYS, _SCRAPS | st.dictionaries(st.sampled_from(["MC", "LX", "HM", "SS", "TK"]), _SCRAPS))


def test_documents_return_as_they_were(compiled: Any) -> None:
    """in(out(d)) = d, whatever is there and whatever is not."""
    program = compiled(MAPPING)

    @given(_DOCUMENTS)
    def law(document: dict[str, Any]) -> None:
        trial = document_law(program, document)
        assert trial.tried
        assert trial.counterexamples == ()

    law()


def test_native_trees_keep_their_meaning(compiled: Any) -> None:
    """in(out(in(n))) = in(n), or n was refused."""
    program = compiled(MAPPING)

    @given(_TREES)
    def law(tree: dict[str, Any]) -> None:
        base = {"AH": "A1", "QH": "330110", "P": {"MC": "甲"}, "FXSJ": "2025-08-06 09:30:00", "SS": "事实"}
        trial = native_law(program, {**base, **tree})
        assert trial.counterexamples == ()

    law()


def test_no_tree_breaks_the_engine(compiled: Any) -> None:
    """Any JSON at all is translated or refused with findings, never an accident."""
    program = compiled(MAPPING)
    scalars = st.text(max_size=5) | st.integers() | st.booleans() | st.none() | st.decimals()
    junk = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))

    @given(st.dictionaries(_KEYS, junk))
    def law(tree: dict[str, Any]) -> None:
        document, found, _ = program.code.inward(tree)
        assert isinstance(document, dict)
        assert all(one.message.zh and one.message.en for one in found)

    law()


@pytest.mark.parametrize(
    ("field", "document", "came_back"),
    [
        ("detail: {at: XQ, as: [text, {strip: x}]}", {"detail": "a"}, False),
        ("opinion: {at: YJ, also: [YJ2]}\ndetail: {at: YJ2, only: in}", {"opinion": "a"}, False),
        ("opinion: {at: YJ, none: [无]}", {"opinion": "无"}, True),
        ("opinion: {at: [YJ, ZW]}\ndetail: ZW", {"detail": "b"}, True),
        ("opinion: {at: YJ, none: [无], lossy: 无字会丢失}", {"opinion": "无"}, False),
    ],
)
def test_a_broken_law_is_shown_by_its_field(progress: Any, field: str, document: Any, came_back: bool) -> None:
    """Each counterexample names the field, both values and the native path; a declared loss is none."""
    base = {"case_number": "A1", "node": "filed", "at": "2025-08-06T09:30:00+08:00"}
    trial = document_law(progress(field), {**base, **document})
    assert trial.tried
    assert [one.field for one in trial.counterexamples] == (["opinion"] if came_back else [])
    assert all(one.code == "law.round-trip" and one.path for one in trial.counterexamples)


def test_what_a_mapping_does_not_carry_is_no_broken_law(progress: Any) -> None:
    """An officer's number that no column holds is not asked back."""
    document = {"case_number": "A1", "node": "filed", "at": "2025-08-06T09:30:00+08:00"}
    officers = [{"name": "张明远", "number": "33010001"}, {"name": "李思齐"}]
    trial = document_law(progress("officers: {split: {name: XM}, on: ','}"), {**document, "officers": officers})
    assert trial.tried
    assert trial.counterexamples == ()


def test_a_value_outside_the_domain_was_never_tried(progress: Any) -> None:
    """It is told apart from a broken law."""
    trial = document_law(progress("officers: {split: {name: XM}, on: ','}"), {"officers": [{"name": "a,b"}]})
    assert not trial.tried
    assert trial.outside[0].code == "value.separator"


def test_defaults_and_discriminators_may_appear(compiled: Any) -> None:
    """They say what was meant, not something else."""
    program = compiled(MAPPING.replace("facts: SS\n", "facts: {at: SS, default: 不详}\n", 1))
    document = {"case_number": "A", "region": "330110", "party": {"name": "甲", "credit_code": "9"}}
    trial = document_law(program, document)
    assert trial.counterexamples == ()


_LOSES = """
document: case-file/1
fields:
  party.name: P.MC
  party.kind: {at: P.LX, as: {code: party-kind}}
  party.credit_code: {at: P.HM, none: ["/"], when: {at: P.LX, in: ["02", "03"]}}
  party.citizen_id: {at: P.HM, when: {at: P.LX, is: "01"}}
"""


@pytest.mark.parametrize(
    ("party", "lost"),
    [
        ({"kind": "sole-trader", "citizen_id": "11010519491231002X"}, ["party.citizen_id"]),
        ({"kind": "person", "credit_code": "91110000600037341L"}, ["party.credit_code"]),
        ({"kind": "person", "citizen_id": "11010519491231002X"}, []),
        ({"kind": "sole-trader", "credit_code": "92330110MA2LB61N0M", "citizen_id": "11010519491231002X"}, []),
    ],
)
def test_what_a_condition_shuts_out_is_lost(compiled: Any, party: dict[str, str], lost: list[str]) -> None:
    """Unless another field has taken the place that both share."""
    trial = document_law(compiled(_LOSES), {"party": {"name": "甲", **party}})
    broken = [one for one in trial.counterexamples if one.code == "law.round-trip"]
    assert [one.field for one in broken] == lost
    assert not any("19491231" in one.message.zh + one.message.en for one in broken)
