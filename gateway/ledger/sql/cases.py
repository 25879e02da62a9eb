"""Cases as pruning looks at them: what is in one, how old it is, and whether it or its lanes are still needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.records import Retention
from gateway.ledger.sql import tables
from gateway.ledger.sql.ages import Ages, in_micros
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, is_open_state, is_state
from gateway.message import SETTLED, State

_m, _d = tables.messages.c, tables.deliveries.c

_MESSAGES = Prepared(
    sa.select(
        _m.seq, _m.id, _m.type, _m.received_at, _m.identity, _m.operation, _m.source, _m.headers, _m.body, _m.record
    )
    .where(_m.correlation_id == sa.bindparam("correlation_id"))
    .order_by(_m.seq),
    ("correlation_id",),
)
_DELIVERIES = Prepared(
    sa.select(_d.position, _d.message, _d.lane, _d.platform, _d.state)
    .select_from(tables.messages.join(tables.deliveries, _d.message == _m.seq))
    .where(_m.correlation_id == sa.bindparam("correlation_id")),
    ("correlation_id",),
)
_lane = [_d.lane == sa.bindparam("lane"), _d.platform == sa.bindparam("platform")]
_OPEN = Prepared(sa.select(_d.position).where(*_lane, is_open_state(_d.state)).limit(1), ("lane", "platform"))


def _ahead(state: State) -> Prepared:
    return Prepared(
        sa.select(_m.correlation_id)
        .select_from(tables.deliveries.join(tables.messages))
        .where(
            *_lane,
            is_state(_d.state, state),
            _d.position < sa.bindparam("position"),
            _m.correlation_id != sa.bindparam("case"),
        ),
        ("lane", "platform", "position", "case"),
    )


_AHEAD = (_ahead(State.DELIVERED), _ahead(State.REFUSED))
"""The other cases of a lane that can be replayed, and would bring old after new if nobody knew of what came later."""

_NEWEST = Prepared(sa.select(sa.func.max(_m.seq)), ())
_LAST_POSITION = Prepared(sa.select(sa.func.max(_d.position)), ())


class CaseMessage(Struct, frozen=True):
    """A message of a case, without its document."""

    seq: int
    id: str
    type: str
    received_at: int
    identity: str
    operation: str
    source: str
    headers: str
    body: int
    record: int


class Case(Struct, frozen=True):
    """A case: its messages in order, remnants apart, and the positions of their deliveries by message.

    `settled`: none of its deliveries is open, dead or unrouted. `lanes`: each of its lanes with the last position of
    its own in it. `bodies_due`, `messages_due`: when all of them are old enough to go without bodies, and to go.
    """

    correlation_id: str
    messages: Sequence[CaseMessage]
    positions: Mapping[int, Sequence[int]]
    settled: bool
    lanes: Mapping[tuple[str, str], int]
    bodies_due: int
    messages_due: int

    @property
    def last_position(self) -> int:
        """The last position of its deliveries; 0 when it has none."""
        return max((position for each in self.positions.values() for position in each), default=0)


class Cases:
    """Reads cases, each once, and tells which may go."""

    def __init__(self, connection: sa.Connection, ages: Ages, retention: Retention) -> None:
        self._connection = connection
        self._ages = ages
        self._retention = retention
        self._read: dict[str, Case] = {}
        [(self._newest,)] = _NEWEST.rows(connection)
        [(self._last_position,)] = _LAST_POSITION.rows(connection)

    def case(self, correlation_id: str) -> Case:
        """Give a case."""
        found = self._read.get(correlation_id)
        if found is None:
            found = self._read[correlation_id] = self._case(correlation_id)
        return found

    def forget(self, correlation_id: str) -> None:
        """Read a case anew the next time: it was changed."""
        self._read.pop(correlation_id, None)

    def _case(self, correlation_id: str) -> Case:
        found = [CaseMessage(*row) for row in _MESSAGES.rows(self._connection, correlation_id)]
        messages = [one for one in found if one.body != REMNANT]
        positions: defaultdict[int, list[int]] = defaultdict(list)
        lanes: dict[tuple[str, str], int] = {}
        settled = True
        for position, message, lane, platform, state in _DELIVERIES.rows(self._connection, correlation_id):
            positions[message].append(position)
            settled = settled and state in SETTLED
            if platform is not None:
                lanes[lane, platform] = max(position, lanes.get((lane, platform), 0))
        bodies_due, messages_due = self._due(messages)
        return Case(correlation_id, messages, positions, settled, lanes, bodies_due, messages_due)

    def _due(self, messages: Iterable[CaseMessage]) -> tuple[int, int]:
        # Of each type the last one is the youngest: what came later is never older.
        youngest = {one.type: one for one in messages}
        came = {type: self._ages.came(one.seq, one.received_at) for type, one in youngest.items()}
        bodies = (at + in_micros(self._retention.body(type)) for type, at in came.items())
        whole = (at + in_micros(self._retention.message(type)) for type, at in came.items())
        return max(bodies, default=0), max(whole, default=0)

    # ── what may go ───────────────────────────────────────────────────────────────────────────
    def may_lose_bodies(self, case: Case) -> bool:
        """Tell whether nobody needs the bodies of a case any more."""
        return case.bodies_due <= self._ages.time and self._is_over(case)

    def may_go(self, case: Case) -> bool:
        """Tell whether nobody needs a case any more: neither its own deliveries nor its lanes.

        Numbers of the newest message and delivery are never given twice: their cases stay.
        """
        return self._is_old(case) and self._is_over(case) and not self._is_last(case) and not self._is_followed(case)

    def _is_old(self, case: Case) -> bool:
        return case.messages_due <= self._ages.time

    def _is_over(self, case: Case) -> bool:
        return case.settled and not any(_OPEN.rows(self._connection, *lane) for lane in case.lanes)

    def _is_last(self, case: Case) -> bool:
        newest = bool(case.messages) and case.messages[-1].seq == self._newest
        return newest or (case.last_position > 0 and case.last_position == self._last_position)

    def _is_followed(self, case: Case) -> bool:
        """Tell whether an earlier delivery of one of its lanes belongs to a case that has to stay."""
        others = {
            row[0]
            for lane, position in case.lanes.items()
            for statement in _AHEAD
            for row in statement.rows(self._connection, *lane, position, case.correlation_id)
        }
        return not all(self._is_old(other) and self._is_over(other) for other in map(self.case, others))
