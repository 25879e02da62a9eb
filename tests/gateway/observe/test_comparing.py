"""What two versions make of the same thing, compared without showing anybody's name."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from msgspec.structs import replace

from adapters.base import OutboundRequest, Package, Sending, Translation
from gateway.observe.comparing import ABSENT, compare_inward, compare_outward, differences
from gateway.observe.tally import Tally

CASE = {
    "case_number": "AJ-1",
    "name": "杭州示例化工有限公司超标排污案",
    "party": {
        "name": "杭州示例化工有限公司",
        "credit_code": "91330110MA2CXY1R13",
        "legal_representative": "王一鸣",
        "phone": "13800000001",
    },
    "region": "330110",
    "found_at": "2026-08-02T11:00:00+08:00",
    "source": "inspection",
    "facts": "污水处理设施未运行",
    "officers": [{"name": "王一鸣", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
}


def other(plain, **changed):
    """Make another version of the plain adapter, that reads and writes some top fields otherwise."""

    class Other(type(plain), frozen=True):
        def translate_in(self, operation, record):
            made = super().translate_in(operation, record)
            return Translation(made.type, {**made.document, **changed}, made.warnings)

        def translate_out(self, sending):
            made = super().translate_out(sending)
            body = {**orjson.loads(made.body), **changed}
            return OutboundRequest("PUT", made.path, {"X-Who": "王一鸣"}, orjson.dumps(body))

    return Other(version="2.0.0")


def sending():
    """A case on its way out."""
    return Sending("case.transferred", CASE, {}, "d", "m", datetime(2026, 9, 1, tzinfo=UTC))


def test_equal_translations_are_equal(plain):
    """Both ways, and timed."""
    tally, twin = Tally(), replace(plain, version="2.0.0")
    compare_inward(plain, twin, "case.transferred", orjson.dumps(CASE), None, tally)
    compare_outward(plain, twin, sending(), tally)
    counts = tally.counts(())
    assert (counts.compared, counts.equal, counts.fields) == (2, 2, ())
    assert counts.speed is not None


def test_names_are_never_shown(plain):
    """Not where they are a field of the document, and not wherever a version wrote them."""
    tally, party = Tally(), {**CASE["party"], "legal_representative": "赵三思", "phone": "13900000002"}
    second = other(plain, party=party, facts="法定代表人王一鸣在场")
    compare_inward(plain, second, "case.transferred", orjson.dumps(CASE), None, tally)
    compare_outward(plain, second, sending(), tally)
    counts = tally.counts(())
    shown = str(counts.fields)
    named = {one.field for one in counts.fields}
    assert {"party.legal_representative", "party.phone", "headers.x-who", "method", "body"} <= named
    assert not [name for name in ("王一鸣", "赵三思", "13800000001", "13900000002") if name in shown]


def test_a_citizen_id_is_shown_nowhere(plain):
    """Not as what a record is known by, and not in a column of credit codes."""
    tally, number = Tally(), "11010519491231002X"
    second = other(plain, party={**CASE["party"], "credit_code": number})
    identified = replace(second.read("case.transferred", orjson.dumps(CASE)).records[0], identity=f'["{number}"]')

    class Identifying(type(second), frozen=True):
        def read(self, *arguments, **more):
            return Package((identified,))

    compare_inward(plain, Identifying(version="2.0.0"), "case.transferred", orjson.dumps(CASE), None, tally)
    counts = tally.counts(())
    assert {"identity", "party.credit_code"} <= {one.field for one in counts.fields}
    assert number not in str(counts.fields)


def test_records_of_a_package_are_compared_one_by_one(plain):
    """Where one version does not find as many, the whole differs."""
    tally = Tally()
    body = orjson.dumps({"count": 2, "records": [CASE, {**CASE, "case_number": "AJ-2"}]})
    compare_inward(plain, other(plain, facts="另述"), "cases", body, None, tally)
    counts = tally.counts(("facts",))
    assert (counts.compared, counts.equal, counts.unexplained) == (2, 0, ())


def test_what_both_refuse_alike_is_equal(plain):
    """A body nobody can read says nothing against a version."""
    tally = Tally()
    compare_inward(plain, other(plain), "case.transferred", b"no json", None, tally)
    compare_inward(plain, other(plain), "case.transferred", b"{}", None, tally)
    assert (tally.counts(()).equal, tally.counts(()).errors) == (2, 0)


def test_differences_name_every_leaf():
    """By path, lists without their places; what is missing, what is of another type, what has another length."""
    active = {"a": {"b": 1, "c": [{"d": "x"}, {"d": "y"}]}, "e": "1", "f": [1]}
    other = {"a": {"b": 1, "c": [{"d": "x"}, {"d": "z"}]}, "e": 1, "f": [1, 2], "g": True}
    assert list(differences(active, other)) == [
        ("a.c[].d", "y", "z"),
        ("e", "1", 1),
        ("f", [1], [1, 2]),
        ("g", ABSENT, True),
    ]
    assert list(differences(active, active)) == []
