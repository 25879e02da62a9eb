"""Canonical code tables."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.codes import names, table
from schemas.documents import NAMES, fields


@pytest.mark.parametrize("name", names())
def test_every_table_has_codes_and_titles_of_their_own(name: str) -> None:
    """No code twice (the last would win unseen), no row without a title."""
    rows = table(name)
    assert len(rows) > 0
    assert all(row.code and row.title for row in rows)
    if name != "region":
        assert len({row.title for row in rows}) == len(rows)


def test_every_coded_field_names_a_table() -> None:
    """And every table but the regions and the laws is used by some field."""
    used = {field.codes for name in NAMES for field in fields(name).values() if field.codes}
    assert used <= set(names())
    assert set(names()) - used == {"region", "law"}


def test_an_unknown_table_says_which_there_are() -> None:
    """The error helps."""
    with pytest.raises(KeyError, match="penalty-kind"):
        table("penalty-kinds")


def test_codes_know_when_they_were_in_force() -> None:
    """通报批评 came with the 2021 law; 罚款 was always there."""
    kinds = table("penalty-kind").rows
    assert not kinds["criticism"].valid_on(date(2020, 1, 1))
    assert kinds["criticism"].valid_on(date(2021, 7, 15))
    assert kinds["fine"].valid_on(date(2020, 1, 1))
    assert table("penalty-kind").by_title("罚款") == "fine"
    assert table("penalty-kind").by_title("没有") is None
    assert table("penalty-kind").title("fine") == "罚款"
