"""The ledger's own time, and how old messages are by it: no clock that is set makes anything older."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, inserting, inserting_first
from gateway.ledger.sql.writing import Transaction


def in_micros(span: timedelta) -> int:
    """Write a span of time as microseconds."""
    return span // timedelta(microseconds=1)


DAY = in_micros(timedelta(days=1))
"""Microseconds between two marks."""

_r, _k, _m = tables.retention.c, tables.marks.c, tables.messages.c

_STATE = Prepared(sa.select(_r.time, _r.told, _r.looked_at, _r.kept_for), ())
_BEGIN = inserting_first(tables.retention)
_GO_ON = Prepared(sa.update(tables.retention), ("time", "told"))
_LOOKED_AT = Prepared(sa.update(tables.retention), ("looked_at", "kept_for"))
_MARK = inserting(tables.marks)
_FIRST_MARK = Prepared(sa.select(_k.seq, _k.time).where(_k.seq >= 0).order_by(_k.seq).limit(1), ())
_LAST_MARK = Prepared(sa.select(_k.seq, _k.time).where(_k.seq >= 0).order_by(_k.seq.desc()).limit(1), ())
_MARKED = Prepared(sa.select(_k.time).where(_k.seq >= sa.bindparam("seq")).order_by(_k.seq).limit(1), ("seq",))
_NEWEST = Prepared(sa.select(sa.func.max(_m.seq)), ())
_NEWEST_STAMP = Prepared(sa.select(sa.func.max(_m.received_at)), ())


class _State(Struct, frozen=True):
    """The row of `retention`. `time` 0: the ledger's own time has not begun."""

    time: int
    told: int
    looked_at: int
    kept_for: str


class Ages:
    """When messages came, by the ledger's own time.

    `time` is that time now; `looked_at` the seq up to which all messages were looked at, by the retention
    that `kept_for` tells.
    """

    def __init__(self, connection: sa.Connection, state: _State, time: int) -> None:
        self._connection = connection
        self._first = _FIRST_MARK.row(connection)
        self.time = time
        self.looked_at = state.looked_at
        self.kept_for = state.kept_for

    @classmethod
    def now(cls, connection: sa.Connection, now: datetime) -> Ages:
        """Give the ages as they stand; the ledger's time does not go on by this."""
        state = _state(connection)
        return cls(connection, state, state.time or _beginning(connection, now))

    @classmethod
    def later(cls, transaction: Transaction, now: datetime, seen: float) -> Ages:
        """Let the ledger's time go on by what a process saw pass, and never by more than the clock says."""
        connection = transaction.connection
        _BEGIN.run(connection, [(1, 0, 0, 0, "")])
        state = _state(connection)
        passed = min(micros(now) - state.told, round(seen * 1_000_000))
        time = state.time + max(0, passed) if state.time else _beginning(connection, now)
        _GO_ON.run(connection, [(time, micros(now))])
        _mark(connection, time)
        return cls(connection, state, time)

    def came(self, seq: int, received_at: int) -> int:
        """Tell when a message came, never too early: by the first mark after it.

        Before the first mark there is only the clock's stamp.
        """
        if self._first is None or seq <= self._first[0]:
            return min(received_at, self._first[1] if self._first else self.time)
        marked = _MARKED.row(self._connection, seq)
        return int(marked[0]) if marked else self.time

    def looked(self, seq: int, kept_for: str) -> None:
        """Remember how far the messages were looked at, and by which retention."""
        _LOOKED_AT.run(self._connection, [(seq, kept_for)])


def _state(connection: sa.Connection) -> _State:
    row = _STATE.row(connection)
    return _State(*row) if row else _State(0, 0, 0, "")


def _beginning(connection: sa.Connection, now: datetime) -> int:
    """Give the time that a ledger begins with: that of its newest message, where that is not ahead of the clock."""
    [(newest,)] = _NEWEST_STAMP.rows(connection)
    return micros(now) if newest is None else min(micros(now), int(newest))


def _mark(connection: sa.Connection, time: int) -> None:
    last = _LAST_MARK.row(connection)
    [(newest,)] = _NEWEST.rows(connection)
    seq = newest or 0
    if last is None or (seq > last[0] and time - last[1] >= DAY):
        _MARK.run(connection, [(seq, time)])
