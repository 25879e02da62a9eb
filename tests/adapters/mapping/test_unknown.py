"""Drift: native fields nobody mapped are warned about, refused or ignored, as the mapping says."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.findings import Rejected

BASE = {"AH": "A1", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}
FIELDS = "opinion: {at: X.YJ, also: [COPY]}\nofficers: {each: 'RY[]', fields: {name: XM}}"
TAIL = "ignored: [EXT, X.OLD, 'RY[].BZ']\nconstants: {FLAG: '1', H.ID: x}\n"


def _paths(program: Any, tree: dict[str, Any]) -> list[str]:
    return [one.path for one in program.inward(tree).warnings]


def test_unknown_fields_are_warned_about(progress: Any) -> None:
    """At any depth, once a path; copies, constants and ignored ones are known."""
    program = progress(FIELDS, TAIL)
    tree = {
        **BASE,
        "COPY": "y",
        "FLAG": "1",
        "H": {"ID": 1, "NEW": 2},
        "EXT": {"any": ["thing"]},
        "X": {"YJ": "y", "OLD": 1, "a.b": 2},
        "RY": [{"XM": "张晓明", "BZ": 1, "Q": 1}, {"XM": "李文静", "Q": 2}],
        "新": None,
    }
    assert sorted(_paths(program, tree)) == sorted(["X.a.b", "RY[].Q", "新", "H.NEW"])
    assert {one.code for one in program.inward(tree).warnings} == {"native.unknown"}


def test_they_may_be_refused(progress: Any) -> None:
    """All of them at once."""
    program = progress("", "unknown: refuse")
    with pytest.raises(Rejected) as caught:
        program.inward({**BASE, "A": 1, "B": 2})
    assert caught.value.code == "native.unknown"
    assert [one.path for one in caught.value.findings] == ["A", "B"]


def test_or_ignored(progress: Any) -> None:
    """Nothing is said."""
    assert _paths(progress("", "unknown: ignore"), {**BASE, "A": 1}) == []


def test_a_flood_of_unknown_fields_is_bounded(progress: Any) -> None:
    """A warning a field, up to fifty, and one that says that there are more."""
    assert len(_paths(progress(), {**BASE, **{f"F{n}": n for n in range(5000)}})) == 51


def test_elements_of_any_list_are_watched(compiled: Any) -> None:
    """Of lists whose members are single values, too."""
    program = compiled(
        "document: penalty-decision/1\n"
        "fields: {license_actions: 'ZZ[].MC', legal_basis: {at: 'LAWS[]', only: in}}\n"
        "ignored: ['FJ[].BZ']"
    )
    tree = {"ZZ": [{"MC": "甲证", "HM": "1"}], "FJ": {"BZ": 1, "Q": 2}, "LAWS": [{"x": 1}]}
    assert list(program.code.inward(tree)[2]) == ["ZZ[].HM", "FJ[].Q"]
