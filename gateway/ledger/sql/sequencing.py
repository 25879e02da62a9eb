"""Giving leaves their place in the tree, off the path of those who write them, and signing how far it has grown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa
from msgspec import Struct

from gateway.audit.signing import SignedHead, SigningKey, signed_head
from gateway.audit.tree import Frontier, extended, root
from gateway.ledger.records import Sequenced, TreeStanding
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.dialects import dialect_of
from gateway.ledger.sql.statements import Prepared, execute, inserting, inserting_first
from gateway.ledger.sql.writing import Group, Transaction

_n, _l, _h = tables.new_leaves.c, tables.leaves.c, tables.tree_heads.c

TERM = timedelta(seconds=30) // timedelta(microseconds=1)
"""Microseconds for which a process goes on to be the one that gives leaves their place."""

_OF_LEAF = ("hash", "kind", "subject", "digest", "at")
_STATE = Prepared(sa.select(*tables.tree.c["origin", "size", "edge", "owner", "until"]), ())
_GROWN = Prepared(sa.update(tables.tree), ("size", "edge", "owner", "until"))
_FIRST = Prepared(sa.select(_n.at).where(_n.seq >= 0).order_by(_n.seq).limit(1), ())
_TAKEN = Prepared(
    sa.delete(tables.new_leaves)
    .where(_n.seq.in_(sa.select(_n.seq).order_by(_n.seq).limit(sa.bindparam("limit"))))
    .returning(_n.seq, *(_n[name] for name in _OF_LEAF)),
    ("limit",),
)
_PLACED = inserting(tables.leaves, ["number", *_OF_LEAF])
_NODES = inserting(tables.tree_nodes)
_HEADS = inserting_first(tables.tree_heads)
_KEYS = inserting_first(tables.signing_keys)
_NEWEST = Prepared(
    sa.select(_h.size, _h.root, _h.at, _h.key_id, _h.signature).where(_h.size >= 0).order_by(_h.size.desc()).limit(1),
    (),
)


class TreeState(Struct, frozen=True):
    """The row of `tree`: how far it has grown, and which process gives places, until when by the database's clock."""

    origin: str
    frontier: Frontier
    owner: str
    until: int

    def elsewhere(self, owner: str, now: int) -> bool:
        """Tell whether another process gives places now."""
        return self.owner not in ("", owner) and self.until > now


def state(connection: sa.Connection) -> TreeState:
    """Read how far the tree has grown."""
    [(origin, size, edge, owner, until)] = _STATE.rows(connection)
    hashes = tuple(bytes(edge[at : at + 32]) for at in range(0, len(edge), 32))
    return TreeState(origin, Frontier(size, hashes), owner, until)


def newest_head(connection: sa.Connection) -> SignedHead | None:
    """Give the newest signed head."""
    row = _NEWEST.row(connection)
    return None if row is None else SignedHead(state(connection).origin, *row)


def standing(connection: sa.Connection, owner: str, *, alone: bool) -> TreeStanding:
    """Tell what waits for a place or a head, and whether another process gives places."""
    tree, first, head = state(connection), _FIRST.row(connection), newest_head(connection)
    covered = head.size if head else 0
    unsigned = _at(connection, covered) if tree.frontier.size > covered else None
    waits = unsigned if unsigned is not None else first[0] if first else None
    elsewhere = not alone and tree.elsewhere(owner, _now(connection))
    return TreeStanding(tree.frontier.size, covered, None if waits is None else moment(waits), elsewhere)


_AT = Prepared(sa.select(_l.at).where(_l.number == sa.bindparam("number")), ("number",))


def _at(connection: sa.Connection, number: int) -> int | None:
    row = _AT.row(connection, number)
    return None if row is None else int(row[0])


def _now(connection: sa.Connection) -> int:
    [(now,)] = execute(connection, dialect_of(connection.dialect).now).fetchall()
    return int(now)


class SequenceStep(Struct, frozen=True):
    """What a step is told: how many leaves it takes, whether nobody else can, and whether this process ends."""

    limit: int
    alone: bool
    leaving: bool


def sequence(transaction: Transaction, steps: Sequence[SequenceStep]) -> list[Sequenced]:
    """Give leaves their place: for `Ledger.sequence`."""
    return [_sequence(transaction, step) for step in steps]


def _sequence(transaction: Transaction, step: SequenceStep) -> Sequenced:
    connection, now = transaction.connection, _now(transaction.connection)
    tree = state(connection)
    if not step.alone and tree.elsewhere(transaction.owner, now):
        return Sequenced(0, more=False)
    if transaction.key is not None:
        _know(transaction, transaction.key)
    taken = sorted(_TAKEN.rows(connection, step.limit), key=lambda row: int(row[0]))
    size = tree.frontier.size
    _PLACED.run(connection, [(size + at, *leaf) for at, (_, *leaf) in enumerate(taken)])
    frontier, nodes = extended(tree.frontier, (bytes(leaf[1]) for leaf in taken))
    _NODES.run(connection, nodes)
    owner, until = ("", 0) if step.leaving else (transaction.owner, now + TERM)
    _GROWN.run(connection, [(frontier.size, b"".join(frontier.hashes), owner, until)])
    more = len(taken) == step.limit
    head = None if more else _signed(transaction, tree.origin, frontier)
    return Sequenced(len(taken), more=more, head=head)


def _know(transaction: Transaction, key: SigningKey) -> None:
    _KEYS.run(transaction.connection, [(key.id, key.algorithm, key.public, micros(transaction.at))])


def _signed(transaction: Transaction, origin: str, frontier: Frontier) -> SignedHead | None:
    """Sign the tree as it is, unless nothing was added since it was signed."""
    newest = newest_head(transaction.connection)
    if transaction.key is None or frontier.size == (newest.size if newest else 0):
        return None
    head = signed_head(transaction.key, origin, frontier.size, root(frontier), micros(transaction.at))
    _HEADS.run(transaction.connection, [(head.size, head.root, head.at, head.key_id, head.signature)])
    return head


def _locks(_: sa.Connection, steps: Sequence[SequenceStep]) -> Iterable[str]:
    return ["tree"]


SEQUENCE = Group(sequence, _locks)
