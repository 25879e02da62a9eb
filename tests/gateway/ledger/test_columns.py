from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from gateway.ledger.sql.codecs import FLAG, INTEGER, SEQ, TIME
from gateway.ledger.sql.columns import Layout, TableColumn

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Parcel:
    """A record to keep: one attribute is named otherwise in the table, and one is not kept in it."""

    id: str
    weighed_at: datetime | None
    fragile: bool
    owner: str
    label: str = ""


LAYOUT = Layout(
    Parcel,
    TableColumn("seq", SEQ, key=True, given=True),
    TableColumn("id"),
    TableColumn("weighed", TIME, attribute="weighed_at", optional=True, changes=True),
    TableColumn("fragile", FLAG, changes=True),
    TableColumn("owner", joined=True),
    TableColumn("size", INTEGER, given=True, selected=False),
)


def test_table_follows_from_the_declaration() -> None:
    """The table has every declared column but the joined one; only an optional one may be empty."""
    table = LAYOUT.table("parcels", sa.MetaData())
    assert {column.name: column.nullable for column in table.columns} == {
        "seq": False,
        "id": False,
        "weighed": True,
        "fragile": False,
        "size": False,
    }
    assert [column.name for column in table.primary_key] == ["seq"]


def test_a_record_is_read_as_it_was_written() -> None:
    """What is written in the order of the insert is read from the select list, value by value."""
    parcel = Parcel("p1", NOON, True, "somebody", "left")
    written = dict(zip(LAYOUT.inserted, LAYOUT.write(parcel, seq=7, size=3), strict=True))
    assert written == {"seq": 7, "id": "p1", "weighed": 1782907200000000, "fragile": True, "size": 3}
    table = LAYOUT.table("parcels", sa.MetaData())
    selected = LAYOUT.select(table, owner=sa.column("owner"))
    row = [{**written, "owner": "somebody"}[column.name] for column in selected]
    assert LAYOUT.read(row, label="left") == parcel
    assert row[LAYOUT.at("seq")] == 7
    assert len(row) == LAYOUT.width


def test_an_empty_value_stays_empty() -> None:
    """An optional column that is empty is neither written nor read through its codec."""
    parcel = Parcel("p1", None, False, "somebody")
    assert LAYOUT.write(parcel, seq=1, size=1)[LAYOUT.inserted.index("weighed")] is None
    assert LAYOUT.read([1, "p1", None, 0, "somebody"]) == parcel


def test_a_change_ends_with_the_key() -> None:
    """What a step writes is what may change, and the key that finds the row."""
    assert LAYOUT.changed == ["weighed", "fragile"]
    changes = Layout(
        Parcel,
        TableColumn("id", key=True),
        TableColumn("weighed", TIME, attribute="weighed_at", optional=True, changes=True),
    ).write_changes(Parcel("p1", NOON, True, "somebody"))
    assert changes == (1782907200000000, "p1")
