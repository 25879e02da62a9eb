"""Following: how far each observer was shown the messages, what comes next, and what changed after it was shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from gateway.ledger.followed import AUDIT_EXPORT, ChangedMessage, Followed, FollowedPage
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.claims import ClaimTerms
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, adding, inserting_first
from gateway.ledger.sql.tables import MESSAGE
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import Message

_m, _f, _c, _n = tables.messages.c, tables.followed.c, tables.changed_messages.c, tables.processes.c
_SEQ = MESSAGE.at("seq")
_BODY = MESSAGE.width
_stored = tables.messages.join(tables.documents)
_LAST = (1 << 63) - 1

_FOLLOWED = Prepared(sa.select(_f.position, _f.owner).where(_f.name == sa.bindparam("name")), ("name",))
_LIVES = Prepared(
    sa.select(_n.owner).where(_n.owner == sa.bindparam("owner_"), _n.until > sa.bindparam("now_")), ("owner_", "now_")
)
_UNSEEN = Prepared(
    sa.select(_m.received_at).where(_m.seq > sa.bindparam("position")).order_by(_m.seq).limit(1), ("position",)
)
_BEGIN = inserting_first(tables.followed)
_TAKE = Prepared(sa.update(tables.followed).where(_f.name == sa.bindparam("name_")), ("owner", "name_"))
_GO_ON = Prepared(
    sa.update(tables.followed).where(
        _f.name == sa.bindparam("name_"), _f.owner == sa.bindparam("owner_"), _f.position < sa.bindparam("before_")
    ),
    ("position", "name_", "owner_", "before_"),
)
_AFTER = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS, _m.body)
    .select_from(_stored)
    .where(_m.seq > sa.bindparam("position"), _m.seq <= sa.bindparam("upto"))
    .order_by(_m.seq)
    .limit(sa.bindparam("limit")),
    ("position", "upto", "limit"),
)
_CHANGED = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS, _m.body, _c.message, _c.times)
    .select_from(
        tables.changed_messages.outerjoin(tables.messages, _c.message == _m.seq).outerjoin(
            tables.documents, tables.documents.c.message == _m.seq
        )
    )
    .where(_c.observer == sa.bindparam("name"))
    .order_by(_c.message)
    .limit(sa.bindparam("limit")),
    ("name", "limit"),
)
_SEEN = Prepared(
    sa.delete(tables.changed_messages).where(
        _c.observer == sa.bindparam("name_"),
        _c.message == sa.bindparam("message_"),
        _c.times == sa.bindparam("times_"),
    ),
    ("name_", "message_", "times_"),
)
_NAMES = Prepared(sa.select(_f.name).where(_f.name != sa.literal_column(f"'{AUDIT_EXPORT}'")), ())


_CHANGE = adding(tables.changed_messages, "times")


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def followed(connection: sa.Connection, name: str, me: str, terms: ClaimTerms) -> Followed:
    """Tell how far messages were followed under a name, and by whom."""
    position, owner = _FOLLOWED.row(connection, name) or (0, "")
    unseen = _UNSEEN.row(connection, position)
    return Followed(position, owner == me, _is_free(connection, owner, terms), moment(unseen[0]) if unseen else None)


def _is_free(connection: sa.Connection, owner: str, terms: ClaimTerms) -> bool:
    term = terms(connection)
    # One process has the whole ledger: whoever followed before is not there any more.
    return term.until is None or not owner or _LIVES.row(connection, owner, term.now) is None


def after(connection: sa.Connection, position: int, upto: int | None, limit: int) -> FollowedPage:
    """Give the messages behind a position, up to a number at most."""
    found = _AFTER.rows(connection, position, _LAST if upto is None else upto, limit)
    messages = tuple(rows.message(row) for row in found if row[_BODY] != REMNANT)
    return FollowedPage(messages, found[-1][_SEQ] if found else position, len(found) == limit)


def changed(connection: sa.Connection, name: str, limit: int) -> Sequence[ChangedMessage]:
    """Give what changed after it was shown under a name."""
    found = _CHANGED.rows(connection, name, limit)
    return [ChangedMessage(row[_BODY + 1], row[_BODY + 2], _kept(row)) for row in found]


def _kept(row: Row) -> Message | None:
    return None if row[_SEQ] is None or row[_BODY] == REMNANT else rows.message(row)


# ── writing ───────────────────────────────────────────────────────────────────────────────────
def follow(transaction: Transaction, name: str, terms: ClaimTerms) -> bool:
    """Take the right to follow under a name. Nothing is retied meanwhile: what is, from now on, is shown again."""
    connection, owner = transaction.connection, transaction.owner
    _BEGIN.run(connection, [(name, 0, "")])
    [(_, holder)] = _FOLLOWED.rows(connection, name)
    if holder != owner and not _is_free(connection, holder, terms):
        return False
    _TAKE.run(connection, [(owner, name)])
    return True


KeptPosition = tuple[str, int, Sequence[ChangedMessage]]
"""Under which name all was shown up to where, and which changes."""


def keep(transaction: Transaction, batch: Sequence[KeptPosition]) -> Sequence[OperationResult]:
    """Keep how far messages were followed: the group for `Ledger.keep_followed`. A position never goes back.

    Whoever took over has read what came since: of the process before it nothing is kept.
    """
    connection, me = transaction.connection, transaction.owner
    names = {name for name, _, _ in batch if (row := _FOLLOWED.row(connection, name)) is not None and row[1] == me}
    _GO_ON.run(connection, [(position, name, me, position) for name, position, _ in batch if name in names])
    _SEEN.run(connection, [(name, one.seq, one.times) for name, _, seen in batch if name in names for one in seen])
    return [None] * len(batch)


KEEP = Group(keep, lambda connection, batch: [f"followed {name}" for name, _, _ in batch])
"""Only processes that follow under one name wait for each other."""


def show_again(connection: sa.Connection, messages: Iterable[int]) -> None:
    """Have messages that changed shown again to whoever follows."""
    seqs = tuple(messages)
    _CHANGE.run(connection, [(name, seq, 1) for (name,) in _NAMES.rows(connection) for seq in seqs])
