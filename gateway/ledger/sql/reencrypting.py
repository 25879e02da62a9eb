"""Encrypting anew what is in clear or under an older data key, a few rows in a transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.ledger.encryption import DataKey
from gateway.ledger.sql import tables
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.encryption import TEXT_MARK, AtRest, at_rest, encrypted_tables, is_under
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.tables import DATA_KEY
from gateway.ledger.sql.writing import Transaction

_k, _r = tables.data_keys.c, tables.requests.c

_CURRENT = Prepared(sa.select(*DATA_KEY.select(tables.data_keys)).where(_k.id == sa.bindparam("id")), ("id",))
_REACHED = Prepared(sa.update(tables.data_keys).where(_k.id == sa.bindparam("id_")), ("reached", "id_"))
_REQUESTS = Prepared(
    sa.select(_r.delivery, _r.path, _r.headers, _r.body)
    .where(_r.delivery > sa.bindparam("after"))
    .order_by(_r.delivery)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_REQUEST = Prepared(
    sa.update(tables.requests).where(_r.delivery == sa.bindparam("delivery_")), ("path", "headers", "body", "delivery_")
)


class _Others:
    """The rows of one table that are not under a data key: few tables have few rows, so they are looked through."""

    def __init__(self, table: sa.Table, key: sa.Column[str], columns: tuple[sa.Column[str], ...]) -> None:
        self.name, self.columns = str(table.name), columns
        other = sa.or_(*(sa.and_(one != "", one.not_like(sa.bindparam("under"))) for one in columns))
        self.count = Prepared(sa.select(sa.func.count()).select_from(table).where(other), ("under",) * len(columns))
        self.some = Prepared(
            sa.select(key, *columns).where(other).order_by(key).limit(sa.bindparam("limit")),
            (*("under",) * len(columns), "limit"),
        )
        names = tuple(one.name for one in columns)
        self.change = Prepared(sa.update(table).where(key == sa.bindparam("key_")), (*names, "key_"))


_OTHERS = tuple(_Others(*each) for each in encrypted_tables())


def left(connection: sa.Connection) -> int:
    """Give how many rows are not under the current data key yet, those that were pruned since included."""
    current = _current(connection)
    if current is None:
        return 0
    counted = sum(int(each.count.rows(connection, *_under(current, each))[0][0]) for each in _OTHERS)
    return counted + max(0, current.until - current.reached)


def step(transaction: Transaction, limit: int) -> int:
    """Encrypt up to `limit` rows anew; gives how many are left."""
    connection = transaction.connection
    current = _current(connection)
    if current is None:
        return 0
    kept = at_rest(connection)
    for each in _OTHERS:
        rows = each.some.rows(connection, *_under(current, each), limit)
        each.change.run(connection, [(*_anew(kept, each, row), row[0]) for row in rows])
        limit -= len(rows)
    _walk(kept, current, limit)
    return left(connection)


def _anew(kept: AtRest, table: _Others, row: Row) -> list[Any]:
    places = [f"{table.name}.{column.name}" for column in table.columns]
    return [_again(kept, place, row[0], value) for place, value in zip(places, row[1:], strict=True)]


def _again(kept: AtRest, place: str, row: object, value: Any) -> Any:
    return kept.write(place, row, kept.read(place, row, value))


def _walk(kept: AtRest, current: DataKey, limit: int) -> None:
    """Go on through the requests from where the last step ended; of those under the key nothing but that is read."""
    rows = _REQUESTS.rows(kept.connection, current.reached, limit)
    if not rows:
        return
    others = [row for row in rows if not is_under(row[1], current.id)]
    anew = []
    for delivery, *values in others:
        names = ("requests.path", "requests.headers", "requests.body")
        anew.append((*(_again(kept, place, delivery, one) for place, one in zip(names, values, strict=True)), delivery))
    _REQUEST.run(kept.connection, anew)
    _REACHED.run(kept.connection, [(rows[-1][0], current.id)])


def _current(connection: sa.Connection) -> DataKey | None:
    id = at_rest(connection).encryption.current
    row = None if id is None else _CURRENT.row(connection, id)
    return None if row is None else DATA_KEY.read(row)


def _under(current: DataKey, table: _Others) -> list[str]:
    return [f"{TEXT_MARK}{current.id}:%"] * len(table.columns)
