"""The leaves of the facts that are written: what the ledger states of each, kept in the fact's own transaction.

They are kept without an order (`new_leaves`); their place in the tree they get later: see `sequencing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gateway.audit.hashing import sha256
from gateway.audit.leaf import ACCEPTED, DONE, ENDED, Leaf, leaf_of, stated
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.dialects import ITS_SYMBOL, NUL
from gateway.ledger.sql.statements import inserting
from gateway.ledger.sql.writing import Transaction
from gateway.message import Attempt, Delivery, Message

_ADD = inserting(tables.new_leaves, ["hash", "kind", "subject", "digest", "at"])


def add(transaction: Transaction, leaves: Iterable[Leaf]) -> None:
    """Keep leaves with what else the transaction writes: they are written together, before it commits."""
    transaction.leaves.extend((leaf.hash, leaf.kind, leaf.subject, leaf.digest, leaf.at) for leaf in leaves)


def flush(transaction: Transaction) -> None:
    """Write the leaves that a transaction has gathered."""
    _ADD.run(transaction.connection, transaction.leaves)


def acceptance(message: Message, received: bytes, record: int) -> bytes:
    """State what was accepted: `received`, the SHA-256 of the bytes it came in, and which record of them it was."""
    return stated(
        {
            "adapter": message.adapter,
            "document": message.digest,
            "message": message.id,
            "operation": message.operation,
            "received": received.hex(),
            "record": record,
            "region": message.region,
            "source": message.source,
            "type": message.type,
        }
    )


def accepted(message: Message, received: bytes, record: int, at: int) -> Leaf:
    """Give the leaf of a message; `at`: when the transaction began that keeps it."""
    return leaf_of(ACCEPTED, message.id, acceptance(message, received, record), at)


def _kept(text: Any) -> Any:
    """Give a text as both engines give it back: PostgreSQL keeps U+0000 as its symbol."""
    return text.replace(NUL, ITS_SYMBOL) if isinstance(text, str) and NUL in text else text


def outcome(attempt: Attempt, platform: str | None, sent: bytes) -> bytes:
    """State how an attempt ended; `sent`: the SHA-256 of the request's body.

    What earlier versions did not keep, the level and the whole answer's digest, is stated where there is any.
    """
    known = {} if attempt.answered is None else {"answered": attempt.answered.hex(), "level": attempt.level}
    return stated(
        {
            **known,
            "code": attempt.code,
            "delivery": attempt.delivery_id,
            "number": attempt.number,
            "platform": platform,
            "reason": _kept(attempt.reason),
            "receipt": attempt.receipt,
            "reference": _kept(attempt.reference),
            "reply": sha256(attempt.reply).hex(),
            "sent": sent.hex(),
            "started_at": micros(attempt.started_at),
            "status": attempt.status,
            "verdict": attempt.verdict,
        }
    )


def ended(attempt: Attempt, delivery: Delivery, sent: bytes) -> Leaf:
    """Give the leaf of an attempt; `sent` as in `outcome`."""
    statement = outcome(attempt, delivery.platform, sent)
    return leaf_of(ENDED, attempt.delivery_id, statement, micros(attempt.ended_at))


def giving_up(delivery: Delivery) -> bytes:
    """State that a delivery became dead without an attempt: nothing could be sent."""
    return stated(
        {
            "code": delivery.code,
            "delivery": delivery.id,
            "platform": delivery.platform,
            "reason": _kept(delivery.reason),
            "verdict": "dead",
        }
    )


def given_up(delivery: Delivery, at: datetime) -> Leaf:
    """Give the leaf of a delivery that became dead without an attempt."""
    return leaf_of(ENDED, delivery.id, giving_up(delivery), micros(at))


def deed(entry: AuditEntry) -> bytes:
    """State what was done."""
    return stated(
        {
            "action": entry.action,
            "actor": entry.actor,
            "detail": {name: _kept(value) for name, value in entry.detail.items()},
            "reason": _kept(entry.reason),
            "subject": entry.subject,
        }
    )


def done(entry: AuditEntry) -> Leaf:
    """Give the leaf of what was done."""
    return leaf_of(DONE, entry.subject, deed(entry), micros(entry.at))
