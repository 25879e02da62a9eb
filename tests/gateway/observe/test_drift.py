"""What platforms send that their adapter does not know is noticed, told once, and kept within bounds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from gateway.intake.translator import Translator
from gateway.observe.drift import MOST, Census, Drift, DriftPage, OddityKind, leaves
from gateway.readers import OnThreads
from gateway.telemetry.events import Events, FieldDrifted

AT = datetime(2026, 9, 1, tzinfo=UTC)
PENALTY = "penalty.330000"
GOOD = {"case_number": "AJ-1", "node": "filed", "at": "2026-08-10T09:00:00+08:00"}


def test_leaves_have_a_path_and_a_type():
    """Lists are looked through, what is empty is not there, odd names are quoted."""
    tree = {"a": {"b": [1, 2], "c": ""}, "d": [{"e": "x"}, {"e": None}], "f.g": True}
    assert dict(leaves(tree)) == {"a.b": "number", "d.e": "text", "['f.g']": "bool"}


def test_a_field_that_was_always_there_and_is_gone_has_vanished():
    """After twenty records without it; the first return brings it back."""
    census, mapped = Census(), {"A": "a", "B": "b"}
    for _ in range(30):
        census.take({"A": "1", "B": "2"})
    for _ in range(19):
        census.take({"A": "1"})
    assert list(census.vanished(mapped)) == []
    census.take({"A": "1"})
    assert list(census.vanished(mapped)) == [("B", "text")]
    census.take({"A": "1", "B": "2"})
    assert list(census.vanished(mapped)) == []


def test_a_field_that_was_always_rare_may_be_absent_for_long():
    """One record in ten: a hundred records without it are ordinary."""
    census = Census()
    for number in range(200):
        census.take({"A": "1"} | ({"B": "2"} if number % 10 == 0 else {}))
    for _ in range(80):
        census.take({"A": "1"})
    assert list(census.vanished({"B": "b"})) == []
    for _ in range(40):
        census.take({"A": "1"})
    assert list(census.vanished({"B": "b"})) == [("B", "text")]


def test_a_value_of_another_type_is_told_with_both_types(plain):
    """Never with the value."""
    page = DriftPage(plain, {"JE": "amount"})
    assert page.look({"JE": 5}, AT) == []
    [odd] = page.look({"JE": "12345"}, AT)
    assert (odd.what, odd.path, odd.field, odd.example) == (OddityKind.TYPE, "JE", "amount", "number → text")
    assert page.look({"JE": "6"}, AT) == []
    assert page.oddities()[0].count == 2


def test_a_page_keeps_the_latest(plain):
    """What was not seen for longest makes room, and is counted."""
    page = DriftPage(plain, {})
    for number in range(MOST + 20):
        assert page.note(OddityKind.UNKNOWN, f"F{number}", AT)
        assert not page.note(OddityKind.UNKNOWN, "always", AT) or number == 0
    assert len(page.oddities()) == MOST
    assert page.more == 21
    assert next(one for one in page.oddities() if one.path == "always").count == MOST + 20


@pytest.fixture
def watch(desk):
    """Reads bodies as intake does, and shows them to a drift that looks at once."""
    told: list[object] = []

    def at_once(work) -> bool:
        work()
        return True

    drift = Drift(desk.clock, Events([told.append]), at_once)
    translator = Translator(desk.adapters, OnThreads())

    async def show(operation: str, tree: object) -> None:
        call = desk.call(PENALTY, operation, tree)
        drift.taken(call, await translator.native(call))

    drift.show = show  # type: ignore[attr-defined]
    drift.told = told  # type: ignore[attr-defined]
    return drift


async def test_unknown_fields_are_counted_each_time_and_told_once(desk, watch):
    """One log line a path, a count a time."""
    await desk.at(PENALTY)
    for _ in range(3):
        await watch.show("case.progressed", GOOD | {"EXTRA": 1})
    [odd] = watch.pages(PENALTY)["case.progressed"].oddities()
    assert (odd.what, odd.path, odd.count) == (OddityKind.UNKNOWN, "EXTRA", 3)
    assert [one.new for one in watch.told if isinstance(one, FieldDrifted)] == [True, False, False]


async def test_refused_values_are_noticed_by_their_codes(desk, watch):
    """A code in no table, a field that is not there any more."""
    await desk.at(PENALTY)
    await watch.show("case.progressed", GOOD | {"node": "no-such-node"})
    await watch.show("case.progressed", {"node": "filed", "at": GOOD["at"]})
    oddities = watch.pages(PENALTY)["case.progressed"].oddities()
    assert {(one.what, one.field) for one in oddities} == {
        (OddityKind.CODE, "node"),
        (OddityKind.VANISHED, "case_number"),
    }


async def test_another_version_begins_a_new_page(desk, watch, plain):
    """What the old version did not know, the new one may."""
    await desk.at(PENALTY)
    await watch.show("case.progressed", GOOD | {"EXTRA": 1})
    desk.adapters.take(desk.adapters.now.following(replace(plain, version="2.0.0")))
    await watch.show("case.progressed", GOOD)
    page = watch.pages(PENALTY)["case.progressed"]
    assert (page.adapter.version, page.oddities()) == ("2.0.0", [])
    watch.forget(PENALTY)
    assert watch.pages(PENALTY) == {}
