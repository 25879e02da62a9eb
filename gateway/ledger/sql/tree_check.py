"""Checking a ledger against its own tree: every leaf, every head, and every fact that a leaf tells of.

What it finds is told in the order of the leaves. Somebody who has the database can write a whole new tree and sign it
with a key of his own; that is found by the ids of the keys that are trusted. Who has the signing key, too, or lets the
gateway sign its next head, is found by heads that were kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from gateway.audit import tree
from gateway.audit.leaf import ACCEPTED, ENDED, Leaf
from gateway.audit.leaf import leaf as leaf_of
from gateway.audit.signatures import head_text, is_head
from gateway.audit.stamps import StampFault, stamped_at
from gateway.ledger.encryption import WrappingKeys
from gateway.ledger.sql import sequencing, tables
from gateway.ledger.sql.database_errors import translated_errors
from gateway.ledger.sql.encryption import Encryption
from gateway.ledger.sql.engines import postgresql, sqlite
from gateway.ledger.sql.leafless import leafless
from gateway.ledger.sql.restating import restated
from gateway.ledger.sql.statements import Prepared

_l, _t, _h, _k, _p = (
    tables.leaves.c,
    tables.tree_nodes.c,
    tables.tree_heads.c,
    tables.signing_keys.c,
    tables.prunings.c,
)
_s = tables.stamps.c
_CHUNK = 1000
_MOST = 20
"""Findings after which it stops: what follows a broken leaf is broken, too."""

_LEAVES = Prepared(
    sa.select(_l.number, _l.hash, _l.kind, _l.subject, _l.digest, _l.at)
    .where(_l.number > sa.bindparam("after"))
    .order_by(_l.number)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_NODE = Prepared(
    sa.select(_t.hash).where(_t.level == sa.bindparam("level"), _t.number == sa.bindparam("number")),
    ("level", "number"),
)


class TreeReport(Struct, frozen=True):
    """What was found of a ledger: how many leaves and heads it has, how many leaves wait, and what is wrong.

    `keys`: the ids of the keys that its heads were signed with. `pruned`: how many messages were, as the ledger says;
    `gone`: of how many a leaf is all that is left. `before`: messages, entries of the audit and attempts that say they
    are older than the tree, which nothing proves. `stamps`: how many heads have a time-stamp that holds, by the
    certificates that are trusted; `stamped`: when the largest of them was.
    """

    leaves: int
    heads: int
    waiting: int
    wrong: tuple[str, ...]
    keys: tuple[str, ...] = ()
    pruned: int = 0
    gone: int = 0
    before: int = 0
    stamps: int = 0
    stamped: datetime | None = None


def check_tree(
    url: str,
    kept: Sequence[Mapping[str, Any]] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
    key_ids: Collection[str] = (),
    keys: WrappingKeys | None = None,
    roots: Sequence[Any] = (),
) -> TreeReport:
    """Check a ledger at an address, also while a gateway runs on it; `kept`: heads that were kept elsewhere.

    `key_ids`: the keys that are trusted; without any, each that the ledger itself names.
    `roots`: certificates by which time-stamps are believed; without any they are not verified.
    `tell` is told of how many leaves, of how many. HutongError when it cannot be read; requests that are encrypted are
    read with `keys`.
    """
    with translated_errors(), _reading(url, Encryption(keys)) as connection:
        return _Check(connection, kept, tell, key_ids, roots).report()


@contextmanager
def _reading(url: str, encryption: Encryption) -> Iterator[sa.Connection]:
    """Connect so that nothing can be written, and all is seen as it is at one moment."""
    is_file = url.startswith("sqlite:")
    engine = (
        sqlite.reading(url, patience=5, readers=1)
        if is_file
        else postgresql.PostgreSQLEngine(url, patience=5).working("check")
    )
    encryption.be_used_by(engine)
    try:
        with engine.begin() as connection:
            if not is_file:
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection
    finally:
        engine.dispose()


class _Check:
    def __init__(
        self,
        connection: sa.Connection,
        kept: Sequence[Mapping[str, Any]],
        tell: Callable[[int, int], None],
        key_ids: Collection[str],
        roots: Sequence[Any],
    ) -> None:
        self._connection = connection
        self._tell = tell
        self._origin = sequencing.state(connection).origin
        self._elsewhere: dict[int, bytes] = {}
        self._wrong: list[str] = []
        self._signers: set[str] = set()
        self._agreed = {"kept elsewhere": 0, "of this ledger": 0}
        self._heads = self._own_heads()
        self._trust(key_ids)
        self._stamps = 0
        self._stamped: datetime | None = None
        if roots:
            self._check_stamps(roots)
        for head in kept:
            self._take(head)
        self._pruned, self._gone, self._before = self._messages_pruned(), 0, 0

    def report(self) -> TreeReport:
        frontier = self._walk()
        if len(self._wrong) < _MOST:
            self._end(frontier)
            self._facts_without_leaves()
        return TreeReport(
            frontier.size,
            len(self._heads),
            self._count(tables.new_leaves),
            tuple(self._wrong[:_MOST]),
            tuple(sorted(self._signers)),
            self._pruned,
            self._gone,
            self._before,
            self._stamps,
            self._stamped,
        )

    def _count(self, table: sa.Table) -> int:
        return self._connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    # ── heads ─────────────────────────────────────────────────────────────────────────────────
    def _own_heads(self) -> dict[int, bytes]:
        keys = {id: bytes(public) for id, public in self._connection.execute(sa.select(_k.id, _k.public))}
        heads: dict[int, bytes] = {}
        found = self._connection.execute(sa.select(*tables.tree_heads.c).order_by(_h.size))
        for size, root, at, key_id, signature in found:
            shown = {
                "origin": self._origin,
                "size": size,
                "root": bytes(root).hex(),
                "at": at,
                "key_id": key_id,
                "public_key": keys.get(key_id, b"").hex(),
                "signature": bytes(signature).hex(),
            }
            if not is_head(shown):
                self._wrong.append(f"the head of size {size} was not signed with a key of this ledger")
            heads[size] = bytes(root)
            self._signers.add(key_id)
        return heads

    def _check_stamps(self, roots: Sequence[Any]) -> None:
        """Verify every time-stamp: whoever signed a head anew has none of before for it."""
        found = self._connection.execute(
            sa.select(_s.size, _s.answer, _h.root, _h.at)
            .select_from(tables.stamps.outerjoin(tables.tree_heads, _s.size == _h.size))
            .order_by(_s.size)
        )
        for size, answer, root, at in found:
            try:
                text = head_text(self._origin, size, bytes(root or b""), at or 0)
                self._stamped = stamped_at(bytes(answer), text, roots)
                self._stamps += 1
            except StampFault as fault:
                self._wrong.append(f"the time-stamp of the head of size {size}: {fault}")

    def _trust(self, key_ids: Collection[str]) -> None:
        for signer in sorted(self._signers.difference(key_ids)) if key_ids else ():
            self._wrong.append(f"heads were signed with the key {signer}, which is none of those that are trusted")
        if key_ids and not self._heads and self._count(tables.leaves):
            self._wrong.append("there are leaves, and no head was ever signed")

    def _take(self, head: Mapping[str, Any]) -> None:
        if not is_head(head):
            self._wrong.append(f"the head of size {head.get('size')} that was kept elsewhere is not signed")
        elif head["origin"] != self._origin:
            self._wrong.append(f"the head of size {head['size']} that was kept elsewhere is of another ledger")
        else:
            self._elsewhere[head["size"]] = bytes.fromhex(head["root"])

    # ── leaves ────────────────────────────────────────────────────────────────────────────────
    def _walk(self) -> tree.Frontier:
        frontier, total, after = tree.Frontier(), self._count(tables.leaves), -1
        while len(self._wrong) < _MOST:
            rows = _LEAVES.rows(self._connection, after, _CHUNK)
            if not rows:
                break
            for number, hash, kind, subject, digest, at in rows:
                leaf = leaf_of(kind, subject, bytes(digest), at)
                self._leaf(int(number), after, bytes(hash), leaf)
                frontier, nodes = tree.extended(frontier, [bytes(hash)])
                self._nodes(nodes)
                self._roots(frontier)
                after = int(number)
            self._tell(frontier.size, total)
        return frontier

    def _leaf(self, number: int, before: int, hash: bytes, leaf: Leaf) -> None:
        name = f"leaf {number} ({leaf.kind} {leaf.subject})"
        if number != before + 1:
            self._wrong.append(f"leaf {before + 1} is missing")
        if leaf.hash != hash:
            self._wrong.append(f"{name} was changed")
            return
        fact = restated(self._connection, leaf)
        if leaf.kind == ACCEPTED and (fact.remnant or not fact.there):
            self._gone += 1
        if fact.statement is None and fact.there and fact.whole:
            self._wrong.append(f"{name}: the fact that it tells of was changed")
        elif (fact.remnant or not fact.there) and not self._was_pruned(leaf):
            self._wrong.append(f"{name}: the fact that it tells of is missing")

    def _was_pruned(self, leaf: Leaf) -> bool:
        """Tell whether what a leaf tells of may have been pruned: not more messages are gone than went.

        Attempts go with their message, which was accepted before; entries of the audit never go.
        """
        if leaf.kind == ACCEPTED:
            return self._gone <= self._pruned
        return leaf.kind == ENDED and min(self._gone, self._pruned) > 0

    def _nodes(self, nodes: Sequence[tuple[int, int, bytes]]) -> None:
        for level, number, hash in nodes:
            row = _NODE.row(self._connection, level, number)
            if row is None or bytes(row[0]) != hash:
                first, last = number << level, ((number + 1) << level) - 1
                self._wrong.append(f"leaves {first} to {last}: one of them is not what it was when they were hashed")

    def _roots(self, frontier: tree.Frontier) -> None:
        # Whoever rewrote the past may have signed every head of this ledger anew: up to where the leaves are those of
        # before, only another head that was kept elsewhere says then.
        for heads, whose in ((self._elsewhere, "kept elsewhere"), (self._heads, "of this ledger")):
            signed = heads.get(frontier.size)
            if signed is None:
                continue
            if signed == tree.root(frontier):
                self._agreed[whose] = frontier.size
                continue
            first = self._agreed["kept elsewhere"] if heads is self._elsewhere else max(self._agreed.values())
            self._wrong.append(
                f"leaves {first} to {frontier.size - 1}: one of them is not what it was when the head of size "
                f"{frontier.size} ({whose}) was signed"
            )

    def _end(self, frontier: tree.Frontier) -> None:
        state = sequencing.state(self._connection)
        seen = max((*self._heads, *self._elsewhere, state.frontier.size), default=0)
        if seen > frontier.size:
            self._wrong.append(f"leaf {frontier.size} is missing, and all after it: there were {seen}")
        elif state.frontier != frontier:
            self._wrong.append("the edge of the tree is not that of its leaves")

    # ── facts ─────────────────────────────────────────────────────────────────────────────────
    def _messages_pruned(self) -> int:
        """Give how many messages were pruned: of most of them nothing is there any more but their leaves."""
        return int(self._connection.scalar(sa.select(sa.func.sum(_p.count)).where(_p.what == "messages")) or 0)

    def _facts_without_leaves(self) -> None:
        """Find what somebody put there: each fact has a leaf, with a place or without, but those before the tree."""
        for found in leafless(self._connection):
            if found.before:
                self._before += 1
            else:
                self._wrong.append(f"{found.name} has no leaf: {found.instead}")
            if len(self._wrong) >= _MOST:
                break
