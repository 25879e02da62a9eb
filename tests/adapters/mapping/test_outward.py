"""The way out: a document in a platform's words, what it cannot say left out, what it must not say refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.mapping import Program
from schemas.findings import Rejected

BASE = {"case_number": "A1", "node": "filed", "at": "2025-08-06T09:30:00+08:00"}
WRITTEN = {"AH": "A1", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}


def test_what_is_absent_is_not_written(progress: Any) -> None:
    """Unless the mapping says what stands for nothing."""
    program = progress("opinion: YJ\ndocument_number: {at: WS.WSH, none: ['/', 无]}\ndetail: {at: XQ, none: [null]}")
    assert program.outward(BASE) == {**WRITTEN, "WS": {"WSH": "/"}, "XQ": None}


def test_what_the_mapping_does_not_know_is_left_out(progress: Any) -> None:
    """The declared loss, not an error."""
    assert progress().outward({**BASE, "opinion": "同意", "officers": [{"name": "张晓明"}]}) == WRITTEN


def test_copies_are_written_beside_the_first(progress: Any) -> None:
    """`also` goes out only."""
    program = progress("opinion: {at: [YJ, OLD], also: [BZ, X.BZ]}")
    assert program.outward({**BASE, "opinion": "同意"}) == {**WRITTEN, "YJ": "同意", "BZ": "同意", "X": {"BZ": "同意"}}
    assert program.inward({**WRITTEN, "BZ": "别的"}).document == BASE


def test_one_way_fields(progress: Any) -> None:
    """`only` says in which direction a field goes."""
    program = progress("opinion: {at: YJ, only: in}\ndetail: {at: XQ, only: out}")
    both = {**BASE, "opinion": "同意", "detail": "详"}
    assert program.outward(both) == {**WRITTEN, "XQ": "详"}
    assert program.inward({**WRITTEN, "YJ": "同意", "XQ": "详"}).document == {**BASE, "opinion": "同意"}


def test_lists_are_written_as_their_paths_say(compiled: Any) -> None:
    """Scalars, members of objects, joined strings, parallel strings and rows."""
    program = compiled(
        """
        document: penalty-decision/1
        fields:
          legal_basis: LAWS[]
          license_actions: DATA.ZZ[].A.NAME
          kinds: {split: CFLB, on: ",", as: {code: penalty-kind}}
          officers: {split: {name: NAMES, number: NUMBERS}, on: ",，", none: [""]}
          violations: {each: "DATA.WFXW[]", fields: {facts: WFSS, legal_basis: "TK[]"}}
        """
    )
    document = {
        "legal_basis": ["第一条"],
        "license_actions": ["甲证", "乙证"],
        "kinds": ["fine", "warning"],
        "officers": [{"name": "张晓明", "number": "12345678"}, {"name": "李文静", "number": "23456789"}],
        "violations": [{"facts": "一", "legal_basis": ["甲"]}, {"item_code": "nobody maps this"}],
    }
    assert program.outward(document) == {
        "LAWS": ["第一条"],
        "DATA": {"ZZ": [{"A": {"NAME": "甲证"}}, {"A": {"NAME": "乙证"}}], "WFXW": [{"WFSS": "一", "TK": ["甲"]}]},
        "CFLB": "02,01",
        "NAMES": "张晓明,李文静",
        "NUMBERS": "12345678,23456789",
    }
    assert program.outward({}) == {"NAMES": "", "NUMBERS": ""}
    assert program.outward({"officers": [{"name": "张晓明"}]}) == {"NAMES": "张晓明", "NUMBERS": ""}


def test_what_would_be_misread_stops_the_message(compiled: Any) -> None:
    """Every finding at once: a separator inside a value, a code without a native one, a hole in a column."""
    program = compiled(
        """
        document: penalty-decision/1
        fields:
          legal_basis: {split: LAWS, on: ";"}
          kinds: {split: CFLB, on: ",", as: {code: penalty-kind}}
          officers: {split: {name: NAMES, number: NUMBERS}, on: ","}
        """
    )
    document = {
        "legal_basis": ["第一条;第二条"],
        "kinds": ["detention"],
        "officers": [{"name": "张晓明", "number": "12345678"}, {"name": "李文静"}],
    }
    with pytest.raises(Rejected) as caught:
        program.outward(document)
    assert [(one.code, one.path) for one in caught.value.findings] == [
        ("value.separator", "LAWS"),
        ("code.unknown", "CFLB"),
        ("value.uneven", "NAMES"),
    ]
    assert caught.value.code == "mapping.value"


def test_a_declared_loss_is_written_as_well_as_it_can_be(compiled: Any) -> None:
    """`lossy` and `only: out` give up reading back."""
    program = compiled(
        """
        document: penalty-decision/1
        fields:
          legal_basis: {split: LAWS, on: ";", lossy: 条款中的分号无法区分}
          officers: {split: {name: NAMES, number: NUMBERS}, on: ",", only: out}
          fine: {at: MONEY, as: {scale: 3}, only: out}
        """
    )
    written = program.outward(
        {"legal_basis": ["一;二", "三"], "officers": [{"name": "甲", "number": "1"}, {"name": "乙"}], "fine": "10"}
    )
    assert written["LAWS"] == "一;二;三"
    assert (written["NAMES"], written["NUMBERS"]) == ("甲,乙", "1,")
    assert written["MONEY"] == Decimal("3.33333333333333333333")


def test_several_columns_make_one_value(compiled: Any) -> None:
    """Parts with a converter, and parts that are fields of their own."""
    program = compiled(
        """
        document: permit/1
        fields:
          site.location: {parts: {longitude: QYJDZB, latitude: QYWDZB}, as: {coordinates: wgs84}, none: ["0"]}
          updated_at: {parts: {day: RQ, hour: SJ}, as: [{join: " "}, {datetime: "%Y-%m-%d %H:%M:%S"}]}
          issuer: {parts: {code: HFJGDM, name: HFJG}}
        """
    )
    tree = {
        "QYJDZB": "120.15",
        "QYWDZB": "30.28",
        "RQ": "2025-08-06",
        "SJ": "09:30:00",
        "HFJGDM": "330100",
        "HFJG": "杭州市生态环境局",
    }
    document, _, drift = program.code.inward(tree)
    assert document["site"] == {"location": {"longitude": "120.15", "latitude": "30.28"}}
    assert document["updated_at"] == "2025-08-06T09:30:00+08:00"
    assert document["issuer"] == {"code": "330100", "name": "杭州市生态环境局"}
    assert not drift
    assert program.outward(document) == tree
    assert program.outward({}) == {"QYJDZB": "0", "QYWDZB": "0"}
    assert "site" not in program.code.inward({"QYJDZB": "0", "QYWDZB": None})[0]
    (half,) = [one for one in program.code.inward({"QYJDZB": "120.15"})[1] if one.code == "value.point"]
    assert half.field == "site.location"


def test_embedded_text_is_opened(compiled: Any) -> None:
    """A list written as JSON in one string."""
    program = compiled("document: penalty-decision/1\nfields: {legal_basis: {at: LAWS, as: {embedded: json}}}")
    assert program.code.inward({"LAWS": '["第一条","第二条"]'})[0] == {"legal_basis": ["第一条", "第二条"]}
    assert program.outward({"legal_basis": ["第一条"]}) == {"LAWS": '["第一条"]'}


def test_constants_are_filled_in(progress: Any) -> None:
    """Facts, settings and canonical fields; a constant whose field is absent is not written."""
    program: Program = progress(
        "opinion: YJ",
        """
        constants:
          FLAG: "1"
          N: 1
          HEAD.ID: "{delivery_id}"
          HEAD.DAY: "{accepted_at:%Y%m%d}"
          HEAD.WHO: "{org}-{case_number}-{at:%Y}"
          NOTE: "意见：{opinion}"
          RAW: "{{x}}"
          LIST: [{A: "{message_id}"}]
        """,
    )
    values = {
        "delivery_id": "d-1",
        "message_id": "m-1",
        "accepted_at": datetime(2025, 8, 6, 20, tzinfo=UTC),
        "org": "330100",
    }
    assert program.outward(BASE, values) == {
        **WRITTEN,
        "FLAG": "1",
        "N": 1,
        "HEAD": {"ID": "d-1", "DAY": "20250807", "WHO": "330100-A1-2025"},
        "RAW": "{x}",
        "LIST": [{"A": "m-1"}],
    }
    assert program.outward({**BASE, "opinion": "好"}, values)["NOTE"] == "意见：好"


def test_a_missing_setting_stops_the_message(progress: Any) -> None:
    """It must not go out half-filled."""
    program = progress("", "constants: {WHO: '{org}'}")
    with pytest.raises(Rejected) as caught:
        program.outward(BASE)
    (finding,) = caught.value.findings
    assert (finding.code, finding.path) == ("placeholder.missing", "WHO")


def test_the_same_document_gives_the_same_tree(progress: Any) -> None:
    """Key order included, and no value shared between two trees."""
    program = progress("opinion: A.B\ndetail: A.C", "constants: {L: [1], A.D: x}")
    first, second = program.outward({**BASE, "detail": "d"}), program.outward({**BASE, "detail": "d"})
    assert list(first) == list(second) == ["AH", "HJ", "SJ", "A", "L"]
    first["A"]["C"] = first["L"][0] = "changed"
    assert (second["A"]["C"], second["L"]) == ("d", [1])


def test_a_value_that_means_nothing_holds_a_place_in_a_column(compiled: Any) -> None:
    """One officer without a number does not cost the others theirs."""
    program = compiled(
        "document: inspection/1\nfields: {officers: {split: {name: XM, number: ZJ}, on: ',', none: [无]}}"
    )
    officers = [{"name": "张晓明"}, {"name": "李文静", "number": "23456789"}]
    written = program.outward({"officers": officers})
    assert written == {"XM": "张晓明,李文静", "ZJ": "无,23456789"}
    assert program.code.inward(written)[0]["officers"] == officers


def test_fields_under_a_condition_keep_the_place_the_mapping_gives_them(compiled: Any) -> None:
    """Where no schema tells another order, the platform sees that of the mapping, constants last."""
    program = compiled(
        """
        document: case-file/1
        fields:
          case_number: AH
          party.credit_code: {at: P.HM, when: {at: P.LX, in: ["02", "03"]}}
          party.citizen_id: {at: P.HM, when: {at: P.LX, in: ["01", "03"]}}
          party.name: P.MC
          name: {at: Q.MC, when: {at: Q.LB, is: "1"}}
          facts: SS
          party.phone: P.DH
        constants: {P.BB: "1", FLAG: "1"}
        """
    )
    for number in ({"credit_code": "91110000600037341L"}, {"citizen_id": "11010519491231002X"}):
        document = {"case_number": "A", "name": "案", "facts": "f", "party": {"name": "甲", "phone": "1", **number}}
        written = program.outward(document)
        assert list(written) == ["AH", "P", "Q", "SS", "FLAG"]
        assert list(written["P"]) == ["LX", "HM", "MC", "DH", "BB"]
        assert list(written["Q"]) == ["LB", "MC"]
