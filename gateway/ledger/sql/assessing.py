"""Runs over many cases, and where they find cases and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import sqlalchemy as sa
from msgspec import convert, to_builtins

from gateway.ledger import decisions
from gateway.ledger.assessments import AssessmentRun, CaseFound, CaseSearch
from gateway.ledger.errors import no_run
from gateway.ledger.records import Intent
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros, moment, text
from gateway.ledger.sql.statements import Prepared, putting
from gateway.ledger.sql.writing import Transaction
from gateway.message import Message
from schemas.identifiers.folding import comparison_key

_m, _k, _r = tables.messages.c, tables.search_keys.c, tables.assessment_runs.c

_PUT = putting(tables.assessment_runs, ("id", "finished", "content"), ("id",))
_ONE = Prepared(sa.select(_r.content).where(_r.id == sa.bindparam("id")), ("id",))
_ALL = Prepared(sa.select(_r.content).order_by(_r.seq.desc()), ())
_UNFINISHED = Prepared(sa.select(_r.content).where(_r.finished.is_(sa.false())).order_by(_r.seq.desc()), ())
_FOUND = (_m.received_at, _m.seq, _m.ordering_key, _m.correlation_id)


# ── runs ──────────────────────────────────────────────────────────────────────────────────────
def begin(transaction: Transaction, run: AssessmentRun, intent: Intent) -> AssessmentRun:
    """Keep a run that is to be done."""

    def do() -> str:
        _keep(transaction, run)
        intended(transaction, intent, run.id, "assessment.begun")
        return run.id

    asked = {name: str(getattr(run, name)) for name in ("region", "since", "until", "lane")}
    return _known(transaction, once(transaction, intent, "assessment.begin", "", do, asked))


def step(transaction: Transaction, before: AssessmentRun, after: AssessmentRun) -> AssessmentRun:
    """Keep how far a run has come, unless somebody else brought it further; gives it as it stands."""
    kept = _known(transaction, after.id)
    if kept != before:
        return kept
    _keep(transaction, after)
    return after


def runs(connection: sa.Connection, *, unfinished: bool) -> Sequence[AssessmentRun]:
    """Give the runs, newest first."""
    return [_read(content) for (content,) in (_UNFINISHED if unfinished else _ALL).rows(connection)]


def _known(transaction: Transaction, run_id: str) -> AssessmentRun:
    row = _ONE.row(transaction.connection, run_id)
    if row is None:
        raise no_run(run_id)
    return _read(row[0])


def _keep(transaction: Transaction, run: AssessmentRun) -> None:
    _PUT.run(transaction.connection, [(run.id, run.finished_at is not None, text(to_builtins(run)))])


def _read(content: str) -> AssessmentRun:
    return convert(orjson.loads(content), AssessmentRun)


# ── finding ───────────────────────────────────────────────────────────────────────────────────
def cases(connection: sa.Connection, search: CaseSearch, after: str, limit: int) -> Sequence[CaseFound]:
    """Give messages of cases by when they came, after the one that a cursor names."""
    at, _, seq = after.partition("-")
    since = max(decisions.read_cursor(at or "0") or 0, micros(search.since))
    last = decisions.read_cursor(seq or "0") or 0
    name = f"{search.name}:"
    query = (
        sa.select(*_FOUND)
        .where(_m.received_at >= since, _m.received_at < micros(search.until))
        .where(sa.or_(_m.received_at > since, _m.seq > last) if after else sa.true())
        .where(sa.func.substr(_m.ordering_key, 1, len(name)) == name)
        .order_by(_m.received_at, _m.seq)
        .limit(limit)
    )
    if search.regions is not None:
        query = query.where(_m.region.between(*search.regions))
    return [
        CaseFound(f"{at}-{seq}", lane, correlation_id, moment(at))
        for at, seq, lane, correlation_id in connection.execute(query)
    ]


_NAMING = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS)
    .select_from(tables.messages.join(tables.documents).join(tables.search_keys, _k.message == _m.seq))
    .where(
        _k.value == sa.bindparam("value"),
        _k.name == sa.bindparam("name"),
        sa.func.coalesce(_m.type, None) == sa.bindparam("type"),
    )
    .order_by(_k.message.desc())
    .limit(sa.bindparam("limit")),
    ("value", "name", "type", "limit"),
)


def naming(connection: sa.Connection, key: str, number: str, type: str, limit: int) -> Sequence[Message]:
    """Give the newest messages of a type that have a number under a search key, the oldest of them first."""
    found = _NAMING.rows(connection, comparison_key(number), key, type, limit)
    return [rows.message(row) for row in found][::-1]
