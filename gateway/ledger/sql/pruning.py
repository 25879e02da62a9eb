"""Pruning: a little at a time, found anew each time by an index, and recorded with what went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import to_builtins
from msgspec.structs import replace

from gateway.ledger import decisions
from gateway.ledger.records import Prunable, Pruned, PruneStep, Pruning, ResultPage, Retention
from gateway.ledger.sql import pruned_cases, pruned_receipts, pruned_rejections, tables
from gateway.ledger.sql.ages import Ages, in_micros
from gateway.ledger.sql.cases import Case, CaseMessage, Cases
from gateway.ledger.sql.codecs import micros, moment, text
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_bodies import PRUNED, REMNANT, BodyPlace, forget_exchanged, forget_native
from gateway.ledger.sql.statements import Prepared, putting
from gateway.ledger.sql.writing import Transaction

AGAIN = in_micros(timedelta(days=30))
"""Microseconds after which a case that was old enough, but is still needed, is looked at again."""

_LEARNT = 200
"""Receipts whose message is found in one step."""

_m, _d, _k, _p = tables.messages.c, tables.deliveries.c, tables.kept_cases.c, tables.prunings.c

_FOLLOWING = Prepared(
    sa.select(_m.seq, _m.correlation_id, _m.type, _m.received_at, _m.body)
    .where(_m.seq > sa.bindparam("after"))
    .order_by(_m.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_LOOK_AT = putting(tables.kept_cases)
_DUE = Prepared(
    sa.select(_k.correlation_id)
    .where(_k.look_at <= sa.bindparam("time"))
    .order_by(_k.look_at)
    .limit(sa.bindparam("limit")),
    ("time", "limit"),
)
_DONE_WITH = Prepared(sa.delete(tables.kept_cases).where(_k.correlation_id == sa.bindparam("case_")), ("case_",))
_OLDEST = Prepared(
    sa.select(_m.received_at)
    .select_from(tables.deliveries.join(tables.messages))
    .where(_d.position > 0)
    .order_by(_d.position)
    .limit(1),
    (),
)
_LAST = Prepared(sa.select(sa.func.max(_m.seq)), ())
_OF_TODAY = Prepared(
    sa.select(_p.until, _p.count, _p.size).where(
        _p.day == sa.bindparam("day"),
        _p.actor == sa.bindparam("actor"),
        _p.type == sa.bindparam("type"),
        _p.what == sa.bindparam("what"),
    ),
    ("day", "actor", "type", "what"),
)
_RECORD = putting(
    tables.prunings,
    ("day", "actor", "type", "what", "until", "count", "size", "at"),
    ("day", "actor", "type", "what"),
)
_PRUNINGS = Prepared(
    sa.select(_p.seq, _p.day, _p.actor, _p.type, _p.what, _p.until, _p.count, _p.size, _p.at)
    .where(_p.seq < sa.bindparam("before"))
    .order_by(_p.seq.desc())
    .limit(sa.bindparam("limit")),
    ("before", "limit"),
)
_NO_END = (1 << 63) - 1


class PrunedSums:
    """What went, or would, summed up by type and sort."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], Pruned] = {}

    def add(self, type: str, what: str, until: int, size: int, count: int = 1) -> None:
        """Count something that came at a time, and its bytes."""
        one = Pruned(type, what, moment(until), count, size)
        known = self._sums.get((type, what))
        self._sums[type, what] = one if known is None else both(known, one)

    def all(self) -> tuple[Pruned, ...]:
        """Give the sums, in order."""
        return tuple(self._sums[key] for key in sorted(self._sums))


def both(one: Pruned, other: Pruned) -> Pruned:
    """Sum up what went twice of one type and sort."""
    return replace(one, until=max(one.until, other.until), count=one.count + other.count, size=one.size + other.size)


# ── one step ──────────────────────────────────────────────────────────────────────────────────
def step(
    transaction: Transaction, retention: Retention, actor: str, now: datetime, *, seen: float, limit: int
) -> PruneStep:
    """Let go of about `limit` messages: the group of `Ledger.prune`."""
    ages = Ages.later(transaction, now, seen)
    sums = PrunedSums()
    if pruned_receipts.learn(transaction, _LEARNT):
        # Nothing goes before it is known which receipts name it.
        return _ended(transaction, ages, (), more=True)
    more = pruned_rejections.forget_old(transaction, ages.time - in_micros(retention.rejections), limit, sums.add)
    more = _look_further(transaction, ages, retention, limit) or more
    more = _Step(transaction, ages, retention, sums).prune(limit) or more
    pruned = sums.all()
    _record(transaction, pruned, actor, now)
    return _ended(transaction, ages, pruned, more=more)


def _ended(transaction: Transaction, ages: Ages, pruned: tuple[Pruned, ...], *, more: bool) -> PruneStep:
    oldest = _OLDEST.row(transaction.connection)
    return PruneStep(pruned, more, moment(ages.time), moment(oldest[0]) if oldest else None)


def _look_further(transaction: Transaction, ages: Ages, retention: Retention, limit: int) -> bool:
    """Let the cases of the next messages that became old enough be looked at; tell whether there may be more.

    By another retention than before, all are looked at again.
    """
    kept_for = text(to_builtins(retention))
    after = ages.looked_at if kept_for == ages.kept_for else 0
    found = _FOLLOWING.rows(transaction.connection, after, limit)
    old = _old(found, ages, retention)
    cases = dict.fromkeys(case for _, case, _, _, body in old if body != REMNANT)
    _LOOK_AT.run(transaction.connection, [(case, 0) for case in cases])
    looked_at = old[-1][0] if old else after
    if (looked_at, kept_for) != (ages.looked_at, ages.kept_for):
        ages.looked(looked_at, kept_for)
    return len(old) == limit


def _old(found: Sequence[Row], ages: Ages, retention: Retention) -> list[Row]:
    """Give the first of messages, up to one that is younger than anything may go."""
    youngest = ages.time - in_micros(retention.shortest)
    old: list[Row] = []
    for row in found:
        if ages.came(row[0], row[3]) > youngest:
            break
        old.append(row)
    return old


class _Step:
    """One step: the cases that are due are looked at, and go, lose their bodies, or are looked at again later."""

    def __init__(self, transaction: Transaction, ages: Ages, retention: Retention, sums: PrunedSums) -> None:
        self._transaction = transaction
        self._ages = ages
        self._sums = sums
        self._cases = Cases(transaction.connection, ages, retention)
        self._later: list[tuple[str, int]] = []
        self._done: list[tuple[str]] = []

    def prune(self, limit: int) -> bool:
        """Prune about `limit` messages; tell whether there may be more."""
        due = [row[0] for row in _DUE.rows(self._transaction.connection, self._ages.time, limit)]
        room = limit
        looked_at = 0
        for each in due:
            if room <= 0:
                break
            room -= self._look_at(self._cases.case(each), room)
            looked_at += 1
        _LOOK_AT.run(self._transaction.connection, self._later)
        _DONE_WITH.run(self._transaction.connection, self._done)
        return room <= 0 or looked_at < len(due) or len(due) == limit

    def _look_at(self, case: Case, room: int) -> int:
        """Do what may be done about a case, to `room` of its messages at most; gives how many."""
        if not case.messages:
            self._done.append((case.correlation_id,))
            return 0
        if self._cases.may_go(case):
            return self._go(case, case.messages[:room])
        bodies = [one for one in case.messages if one.body > PRUNED]
        if bodies and self._cases.may_lose_bodies(case):
            return self._lose_bodies(case, bodies[:room], len(bodies))
        self._look_again(case, bodies=bool(bodies))
        return 0

    def _go(self, case: Case, going: Sequence[CaseMessage]) -> int:
        transaction = self._transaction
        for one, size in zip(going, pruned_cases.forget_messages(transaction, case, going), strict=True):
            self._sums.add(one.type, "messages", self._came(one), size)
        self._cases.forget(case.correlation_id)
        if len(going) == len(case.messages):
            self._done.append((case.correlation_id,))
        return len(going)

    def _lose_bodies(self, case: Case, losing: Sequence[CaseMessage], of: int) -> int:
        transaction = self._transaction
        for one in losing:
            size = forget_native(transaction, [BodyPlace(one.seq, one.body, one.record)], PRUNED)
            size += forget_exchanged(transaction, case.positions.get(one.seq, ()))
            self._sums.add(one.type, "bodies", self._came(one), size)
        self._cases.forget(case.correlation_id)
        if len(losing) == of:
            self._look_again(case, bodies=False)
        return len(losing)

    def _look_again(self, case: Case, *, bodies: bool) -> None:
        """Look at a case again when something of it is due; when it is, and is needed still, after a while."""
        time = self._ages.time
        if time < case.bodies_due:
            at = case.bodies_due
        elif bodies or case.messages_due <= time:
            at = time + AGAIN
        else:
            at = case.messages_due
        self._later.append((case.correlation_id, at))

    def _came(self, one: CaseMessage) -> int:
        return self._ages.came(one.seq, one.received_at)


# ── records ───────────────────────────────────────────────────────────────────────────────────
def _record(transaction: Transaction, pruned: Iterable[Pruned], actor: str, now: datetime) -> None:
    day = now.date().isoformat()
    for one in pruned:
        kept = _OF_TODAY.row(transaction.connection, day, actor, one.type, one.what)
        if kept is not None:
            one = both(one, Pruned(one.type, one.what, moment(kept[0]), kept[1], kept[2]))
        row = (day, actor, one.type, one.what, micros(one.until), one.count, one.size, micros(now))
        _RECORD.run(transaction.connection, [row])


def prunings(connection: sa.Connection, cursor: str | None, limit: int) -> ResultPage[Pruning]:
    """Give what was pruned, newest first."""
    before = decisions.read_cursor(cursor)
    found = _PRUNINGS.rows(connection, _NO_END if before is None else before, limit + 1)
    more = str(found[limit - 1][0]) if len(found) > limit else None
    return ResultPage(tuple(_pruning(row) for row in found[:limit]), more)


def _pruning(row: Row) -> Pruning:
    _, day, actor, type, what, until, count, size, at = row
    return Pruning(day, actor, type, what, moment(until), count, size, moment(at))


# ── what would go ─────────────────────────────────────────────────────────────────────────────
def prunable(
    connection: sa.Connection, retention: Retention, now: datetime, cursor: str | None, limit: int
) -> Prunable:
    """Tell what would go of the next messages."""
    after = decisions.read_cursor(cursor)
    ages, sums = Ages.now(connection, now), PrunedSums()
    cases = Cases(connection, ages, retention)
    if after is None:
        pruned_rejections.old(connection, ages.time - in_micros(retention.rejections), sums.add)
    found = _FOLLOWING.rows(connection, after or 0, limit)
    old = _old(found, ages, retention)
    for seq, correlation_id, *_, body in old:
        if body != REMNANT:
            _weigh(connection, cases, cases.case(correlation_id), seq, ages, sums)
    [(last,)] = _LAST.rows(connection)
    more = len(old) == limit
    return Prunable(sums.all(), str(old[-1][0]) if more else None, old[-1][0] if more else last or 0, last or 0)


def _weigh(connection: sa.Connection, cases: Cases, case: Case, seq: int, ages: Ages, sums: PrunedSums) -> None:
    one = next(each for each in case.messages if each.seq == seq)
    came = ages.came(one.seq, one.received_at)
    if cases.may_go(case):
        sums.add(one.type, "messages", came, pruned_cases.message_size(connection, case, one))
    elif one.body > PRUNED and cases.may_lose_bodies(case):
        sums.add(one.type, "bodies", came, pruned_cases.bodies_size(connection, case, one))
