"""Proofs from what is kept of the tree, the heads that were signed, and the leaves of a subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.audit import tree
from gateway.audit.leaf import leaf
from gateway.audit.signing import SignedHead
from gateway.ledger.errors import leaf_waits, no_leaf, no_such_size
from gateway.ledger.records import ConsistencyProof, InclusionProof, KnownKey, PlacedLeaf, ProvedLeaf
from gateway.ledger.sql import sequencing, tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.restating import restated
from gateway.ledger.sql.statements import Prepared

_l, _n, _t, _h, _k = (
    tables.leaves.c,
    tables.new_leaves.c,
    tables.tree_nodes.c,
    tables.tree_heads.c,
    tables.signing_keys.c,
)
_LEAF_COLUMNS = (_l.kind, _l.subject, _l.digest, _l.at, _l.number)
_BY_HASH = Prepared(
    sa.select(*_LEAF_COLUMNS).where(_l.hash == sa.bindparam("hash")).order_by(_l.number).limit(1), ("hash",)
)
_OF_SUBJECT = Prepared(
    sa.select(*_LEAF_COLUMNS).where(_l.subject == sa.bindparam("subject")).order_by(_l.number).limit(1000), ("subject",)
)
_WAITS = Prepared(sa.select(_n.seq).where(_n.hash == sa.bindparam("hash")).limit(1), ("hash",))
_SUBJECT_WAITS = Prepared(sa.select(_n.seq).where(_n.subject == sa.bindparam("subject")).limit(1), ("subject",))
_LEAVES = Prepared(
    sa.select(_l.hash).where(_l.number >= sa.bindparam("start"), _l.number < sa.bindparam("end")).order_by(_l.number),
    ("start", "end"),
)
_NODES = Prepared(
    sa.select(_t.hash)
    .where(_t.level == sa.bindparam("level"), _t.number >= sa.bindparam("start"), _t.number < sa.bindparam("end"))
    .order_by(_t.number),
    ("level", "start", "end"),
)
_HEADS = Prepared(
    sa.select(_h.size, _h.root, _h.at, _h.key_id, _h.signature)
    .where(_h.size >= sa.bindparam("size"))
    .order_by(_h.size)
    .limit(sa.bindparam("limit")),
    ("size", "limit"),
)
_KEYS = Prepared(sa.select(_k.id, _k.algorithm, _k.public, _k.at).order_by(_k.id), ())


def heads(connection: sa.Connection, size: int, limit: int) -> Sequence[SignedHead]:
    """Give signed heads from a size on, the smallest first."""
    origin = sequencing.state(connection).origin
    return [SignedHead(origin, *row) for row in _HEADS.rows(connection, size, limit)]


def keys(connection: sa.Connection) -> Sequence[KnownKey]:
    """Give every public key that was ever signed with."""
    return [KnownKey(id, algorithm, bytes(public), moment(at)) for id, algorithm, public, at in _KEYS.rows(connection)]


def leaves_of(connection: sa.Connection, subject: str) -> Sequence[PlacedLeaf]:
    """Give the leaves about a subject that have their place, the oldest first."""
    return [_placed(row) for row in _OF_SUBJECT.rows(connection, subject)]


def _placed(row: Row) -> PlacedLeaf:
    kind, subject, digest, at, number = row
    return PlacedLeaf(int(number), leaf(kind, subject, bytes(digest), at))


def proved_leaves(connection: sa.Connection, subject: str, size: int) -> Sequence[ProvedLeaf]:
    """Give the leaves about a subject with their statements, proved in the tree of a size."""
    return [
        ProvedLeaf(
            each.number,
            each.leaf,
            restated(connection, each.leaf).statement,
            _resolved(connection, tree.inclusion(each.number, size)),
        )
        for each in leaves_of(connection, subject)
        if each.number < size
    ]


def proof(connection: sa.Connection, hash: bytes) -> InclusionProof:
    """Prove a leaf, by its hash, under the newest head."""
    row = _BY_HASH.row(connection, hash)
    if row is None:
        raise leaf_waits() if _WAITS.row(connection, hash) is not None else no_leaf()
    return _proof(connection, _placed(row))


def proof_of_message(connection: sa.Connection, message_id: str) -> InclusionProof:
    """Prove that a message was accepted, under the newest head."""
    found = [each for each in leaves_of(connection, message_id) if each.leaf.kind == "accepted"]
    if not found:
        raise leaf_waits() if _SUBJECT_WAITS.row(connection, message_id) is not None else no_leaf()
    return _proof(connection, found[0])


def _proof(connection: sa.Connection, placed: PlacedLeaf) -> InclusionProof:
    head = sequencing.newest_head(connection)
    if head is None or head.size <= placed.number:
        raise leaf_waits()
    path = _resolved(connection, tree.inclusion(placed.number, head.size))
    return InclusionProof(placed.leaf, placed.number, path, head)


def consistency(connection: sa.Connection, old: int, new: int) -> ConsistencyProof:
    """Prove that the tree of one size begins with that of another; NotFound `tree.size-unknown`."""
    size = sequencing.state(connection).frontier.size
    if not 0 <= old <= new <= size:
        raise no_such_size(size)
    return ConsistencyProof(old, new, _resolved(connection, tree.consistency(old, new)))


def _resolved(connection: sa.Connection, parts: Sequence[tree.Part]) -> tuple[bytes, ...]:
    def reader(level: int, start: int, count: int) -> Sequence[bytes]:
        query, values = (_NODES, [level]) if level else (_LEAVES, [])
        asked: list[Any] = [*values, start, start + count]
        return [bytes(hash) for (hash,) in query.rows(connection, *asked)]

    return tuple(tree.resolved(parts, tree.read(tree.needed(parts), reader)))
