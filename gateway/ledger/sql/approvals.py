"""Changes that wait for a second person: asked for, decided once, and marked when they happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger import decisions
from gateway.ledger.errors import no_approval
from gateway.ledger.records import DECIDED_ON, ApprovalState, Intent, SecondApproval
from gateway.ledger.sql import tables
from gateway.ledger.sql.auditing import intended, once, record
from gateway.ledger.sql.encryption import at_rest
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import APPROVAL
from gateway.ledger.sql.writing import Transaction

_a = tables.approvals.c
_COLUMNS = APPROVAL.select(tables.approvals)

_ADD = inserting(tables.approvals, APPROVAL.inserted)
_ALL = Prepared(sa.select(*_COLUMNS).order_by(_a.id.desc()), ())
_ONE = Prepared(sa.select(*_COLUMNS).where(_a.id == sa.bindparam("id")), ("id",))
_CHANGE = Prepared(
    sa.update(tables.approvals)
    .where(_a.id == sa.bindparam("id_"))
    .values({name: sa.bindparam(name) for name in APPROVAL.changed}),
    (*APPROVAL.changed, "id_"),
)


def approvals(connection: sa.Connection) -> Sequence[SecondApproval]:
    """Give every approval, the newest first."""
    kept = at_rest(connection)
    return [APPROVAL.read(row, at_rest=kept) for row in _ALL.rows(connection)]


def ask(transaction: Transaction, approval: SecondApproval, intent: Intent) -> SecondApproval:
    """Keep what somebody wants done, once."""

    def do() -> str:
        _ADD.run(transaction.connection, [APPROVAL.write(approval, at_rest=at_rest(transaction.connection))])
        intended(transaction, intent, approval.subject, "approval.asked", approval=approval.id, kind=approval.kind)
        return approval.id

    said = {name: value for name, value in approval.order.items() if name not in DECIDED_ON}
    asked = {"kind": approval.kind, "order": said}
    return _known(transaction, once(transaction, intent, "approval.ask", approval.subject, do, asked))


def decide(transaction: Transaction, approval_id: str, state: ApprovalState, intent: Intent) -> SecondApproval:
    """Approve or reject, as another person; once it was so decided by them it stays so."""
    known = _known(transaction, approval_id)
    after = decisions.decided(known, state, intent)
    if after != known:
        _write(transaction, after)
        told = {"approval": known.id, "kind": known.kind, "asked_by": known.asked_by}
        intended(transaction, intent, known.subject, f"approval.{state}", **told)
    return after


def finish(transaction: Transaction, approval_id: str, at: datetime, failed: str | None) -> SecondApproval:
    """Mark an approved change as done, or with the code of why it failed; once."""
    known = _known(transaction, approval_id)
    if known.state is not ApprovalState.APPROVED:
        return known
    state = ApprovalState.DONE if failed is None else ApprovalState.FAILED
    after = replace(known, state=state, failed=failed)
    _write(transaction, after)
    told = {"approval": known.id, "asked_by": known.asked_by, "approved_by": known.decided_by or ""}
    record(transaction, known.subject, at, "gateway", f"approval.{state}", failed or "", **told)
    return after


def _write(transaction: Transaction, approval: SecondApproval) -> None:
    _CHANGE.run(transaction.connection, [APPROVAL.write_changes(approval)])


def _known(transaction: Transaction, approval_id: str) -> SecondApproval:
    row = _ONE.row(transaction.connection, approval_id)
    if row is None:
        raise no_approval(approval_id)
    return APPROVAL.read(row, at_rest=at_rest(transaction.connection))
