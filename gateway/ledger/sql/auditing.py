"""Who did what: appended, never changed; and what was asked under a caller's key, so that it is done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.followed import AuditPage, NumberedEntry
from gateway.ledger.records import READINGS, AuditEntry, Intent
from gateway.ledger.sql import leaves, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, moment, text
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import AUDIT
from gateway.ledger.sql.writing import Group, Transaction

T = TypeVar("T")

_e, _m, _i = tables.audit.c, tables.messages.c, tables.intents.c

_APPEND = inserting(tables.audit, AUDIT.inserted)
_OF = Prepared(
    sa.select(*AUDIT.select(tables.audit))
    .where(_e.subject == sa.bindparam("subject"))
    .order_by(_e.seq)
    .limit(sa.bindparam("limit")),
    ("subject", "limit"),
)
_DONE = Prepared(
    sa.select(*AUDIT.select(tables.audit))
    .where(_e.subject == sa.bindparam("subject"), _e.action.not_in([sa.literal_column(f"'{one}'") for one in READINGS]))
    .order_by(_e.seq)
    .limit(sa.bindparam("limit")),
    ("subject", "limit"),
)
_AFTER = Prepared(
    sa.select(*AUDIT.select(tables.audit))
    .where(_e.seq > sa.bindparam("position"), _e.seq <= sa.bindparam("upto"))
    .order_by(_e.seq)
    .limit(sa.bindparam("limit")),
    ("position", "upto", "limit"),
)
_LAST = (1 << 63) - 1
_ACCEPTED = Prepared(
    sa.select(sa.func.coalesce(_m.accepted_at, _m.received_at), _m.source).where(_m.id == sa.bindparam("message")),
    ("message",),
)
_ASKED = Prepared(
    sa.select(_i.digest, _i.answer).where(_i.key == sa.bindparam("key"), _i.actor == sa.bindparam("actor")),
    ("key", "actor"),
)
_KEEP = inserting(tables.intents)


def record(
    transaction: Transaction, subject: str, at: datetime, actor: str, action: str, reason: str = "", **detail: str
) -> None:
    """Append an entry."""
    append(transaction, [AuditEntry(at, actor, action, subject, reason, detail)])


def append(transaction: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Append entries, each with its leaf."""
    _APPEND.run(transaction.connection, [AUDIT.write(entry) for entry in entries])
    leaves.add(transaction, map(leaves.done, entries))


def note(transaction: Transaction, noted: Sequence[Sequence[AuditEntry]]) -> Sequence[OperationResult]:
    """Append entries that go with no other change: for `Ledger.note`."""
    append(transaction, [entry for entries in noted for entry in entries])
    return [None] * len(noted)


NOTE = Group(note, locks=lambda connection, noted: ())


def intended(transaction: Transaction, intent: Intent, subject: str, action: str, **detail: str) -> None:
    """Append the entry of an operator's intent."""
    record(transaction, subject, intent.at, intent.actor, action, intent.reason, **detail)


def once(
    transaction: Transaction,
    intent: Intent,
    action: str,
    subject: str,
    do: Callable[[], T],
    arguments: Mapping[str, Any] | None = None,
) -> T:
    """Do what an intent asks, and keep the answer under its key; the same again is answered and not done.

    The answer is a JSON value: what has to be known to answer again. Another request under the key:
    Conflict `idempotency.key-reused`. Without a key it is done.
    """
    if intent.key is None:
        return do()
    digest = _digest(intent, action, subject, arguments)
    if (kept := _kept(transaction.connection, intent, digest)) is not None:
        answer: T = orjson.loads(kept)
        return answer
    answer = do()
    _KEEP.run(transaction.connection, [(intent.key, intent.actor, digest, text(answer), micros(intent.at))])
    return answer


def answered(
    connection: sa.Connection, intent: Intent, action: str, subject: str, arguments: Mapping[str, Any] | None = None
) -> Any:
    """Give what `once` answered before, for what must be known before it is decided what to do; None: nothing."""
    kept = _kept(connection, intent, _digest(intent, action, subject, arguments))
    return None if kept is None else orjson.loads(kept)


def _digest(intent: Intent, action: str, subject: str, arguments: Mapping[str, Any] | None) -> str:
    asked = orjson.dumps([action, subject, intent.reason, arguments], default=str, option=orjson.OPT_SORT_KEYS)
    return sha256(asked).hexdigest()


def _kept(connection: sa.Connection, intent: Intent, digest: str) -> str | None:
    """Give the answer that is kept under an intent's key, as text; Conflict when something else was asked under it."""
    kept = None if intent.key is None else _ASKED.row(connection, intent.key, intent.actor)
    return kept[1] if kept is not None and decisions.is_repeat(kept[0], digest) else None


def after(connection: sa.Connection, position: int, upto: int | None, limit: int) -> AuditPage:
    """Give the entries behind a position, up to a number at most."""
    found = _AFTER.rows(connection, position, _LAST if upto is None else upto, limit)
    entries = tuple(NumberedEntry(row[AUDIT.at("seq")], AUDIT.read(row)) for row in found)
    return AuditPage(entries, len(found) == limit)


def of(connection: sa.Connection, subject: str, limit: int, *, reads: bool = False) -> Sequence[AuditEntry]:
    """Give a subject's entries, oldest first; a message's own row is the entry of its acceptance."""
    entries = _OF if reads else _DONE
    accepted = _ACCEPTED.rows(connection, subject)
    first = [AuditEntry(moment(at), source, "message.accepted", subject) for at, source in accepted]
    return [*first, *map(AUDIT.read, entries.rows(connection, subject, limit))][:limit]
