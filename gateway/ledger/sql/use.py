"""The use of the gateway itself, tallied beside the traffic: what came, what was rejected, and how soon it arrived.

Rows are counted once, by how far each table was read; that is kept in the same transaction. Nobody else writes
meanwhile, so that no row with a lower number is still to come.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import sqlalchemy as sa

from adapters.base import VerdictKind
from gateway.ledger.occurrences import DELIVERED, DELIVERY, RECEIVED, REJECTED, Judging, step_of
from gateway.ledger.sql import occurrences, tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, putting
from gateway.ledger.sql.writing import Transaction

_m, _d, _a, _r, _c = (
    each.c for each in (tables.messages, tables.deliveries, tables.attempts, tables.rejections, tables.counted)
)

_REACHED = Prepared(sa.select(_c.name, _c.seq), ())
_REACH = putting(tables.counted)
_AFTER = ("after", "limit")
_MESSAGES = Prepared(
    sa.select(_m.seq, _m.source, _m.received_at)
    .where(_m.seq > sa.bindparam("after"))
    .order_by(_m.seq)
    .limit(sa.bindparam("limit")),
    _AFTER,
)
_ATTEMPTS = Prepared(
    sa.select(_a.seq, _a.verdict, _a.ended_at, _d.kind, _d.replay_of, _m.id, _m.region, _m.received_at)
    .select_from(
        tables.attempts.join(tables.deliveries, _d.position == _a.delivery).join(tables.messages, _m.seq == _d.message)
    )
    .where(_a.seq > sa.bindparam("after"))
    .order_by(_a.seq)
    .limit(sa.bindparam("limit")),
    _AFTER,
)
_REJECTIONS = Prepared(
    sa.select(_r.seq, _r.platform, _r.received_at)
    .where(_r.seq > sa.bindparam("after"))
    .order_by(_r.seq)
    .limit(sa.bindparam("limit")),
    _AFTER,
)
_READ = {"messages": _MESSAGES, "attempts": _ATTEMPTS, "rejections": _REJECTIONS}


def waiting(connection: sa.Connection) -> bool:
    """Tell whether anything is not tallied yet."""
    reached = _reached(connection)
    return any(statement.rows(connection, reached.get(name, 0), 1) for name, statement in _READ.items())


def count(transaction: Transaction, judging: Judging, limit: int) -> bool:
    """Tally the next `limit` rows of each table; True: there may be more at once."""
    connection = transaction.connection
    reached = _reached(connection)
    found = {name: each.rows(connection, reached.get(name, 0), limit) for name, each in _READ.items()}
    tallied = occurrences.TallyChanges(judging)
    counts: Counter[occurrences.TallyKey] = tallied.counts
    for what, name in (("messages", RECEIVED), ("rejections", REJECTED)):
        for _, platform, at in found[what]:
            counts[judging.month(moment(at)), name, "", "", platform.partition(".")[2], platform, 0] += 1
    accepted = [row for row in found["attempts"] if row[1] == VerdictKind.ACCEPTED]
    for _, _, ended, _, replay_of, _, region, received in accepted:
        if replay_of is None:
            thing = f"{DELIVERY}{step_of((ended - received) / 1_000_000)}"
            counts[judging.month(moment(received)), DELIVERED, thing, "", region, "", 0] += 1
    occurrences.accepted_by(transaction, list(map(_acceptance, accepted)), judging, tallied)
    tallied.write(connection)
    _REACH.run(connection, [(name, rows[-1][0]) for name, rows in found.items() if rows])
    return any(len(rows) == limit for rows in found.values())


def _acceptance(row: Row) -> tuple[str, str, datetime]:
    _, _, ended, kind, _, message, *_ = row
    return message, kind, moment(ended)


def _reached(connection: sa.Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in _REACHED.rows(connection)}
