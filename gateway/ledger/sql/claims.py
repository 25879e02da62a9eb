"""Claims of platforms: taken, prolonged while their process lives, given back, verified in each step under them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger import decisions
from gateway.ledger.errors import claim_taken, no_platform
from gateway.ledger.records import Claim, Inbox, Presence, StandingClaim
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting_first, putting
from gateway.ledger.sql.writing import Transaction

_p, _c, _n, _l = tables.platforms.c, tables.claims.c, tables.processes.c, tables.ledger.c
_NOBODY = {"owner": "", "until": None, "epoch": _c.epoch + 1}

_KNOWN = Prepared(sa.select(_p.id).where(_p.id == sa.bindparam("platform")), ("platform",))
_ROW = inserting_first(tables.claims)
_TAKE = Prepared(
    sa.update(tables.claims)
    .where(
        _c.platform == sa.bindparam("platform_"),
        sa.or_(_c.owner == "", _c.owner == sa.bindparam("owner_"), _c.until <= sa.bindparam("now_")),
    )
    .values(owner=sa.bindparam("owner_"), until=sa.bindparam("until_"), epoch=_c.epoch + 1)
    .returning(_c.epoch),
    ("platform_", "owner_", "now_", "until_"),
)
_OWNER = Prepared(sa.select(_c.owner).where(_c.platform == sa.bindparam("platform")), ("platform",))
_END = Prepared(
    sa.update(tables.claims).where(_c.platform == sa.bindparam("platform_")).values(_NOBODY), ("platform_",)
)
_GIVE_BACK = Prepared(
    sa.update(tables.claims)
    .where(
        _c.platform == sa.bindparam("platform_"),
        _c.owner == sa.bindparam("owner_"),
        _c.epoch == sa.bindparam("epoch_"),
    )
    .values(_NOBODY)
    .returning(_c.epoch),
    ("platform_", "owner_", "epoch_"),
)
_OWNERS = PreparedMany(
    ["platform"],
    lambda wanted: sa.select(_c.platform, _c.owner, _c.epoch).select_from(
        wanted.join(tables.claims, _c.platform == wanted.c.platform)
    ),
)

_MODES = PreparedMany(
    ["platform"],
    lambda wanted: sa.select(_p.id, _p.mode, _p.revision).select_from(
        wanted.join(tables.platforms, _p.id == wanted.c.platform)
    ),
)


class ClaimTerm(Struct, frozen=True):
    """What a claim is taken for: from now, a moment of the database's clock, to `until` (None: without an end)."""

    now: int
    until: int | None


ClaimTerms = Callable[[sa.Connection], ClaimTerm]
"""Gives the term of what is claimed or prolonged now."""


def take(transaction: Transaction, platform_id: str, terms: ClaimTerms) -> Claim:
    """Take a claim that nobody else has; one statement looks and takes, since a beat may prolong it meanwhile."""
    connection, owner = transaction.connection, transaction.owner
    if _KNOWN.row(connection, platform_id) is None:
        raise no_platform(platform_id)
    _ROW.run(connection, [(platform_id, "", 0, None)])
    term = terms(connection)
    taken = _TAKE.row(connection, platform_id, owner, term.now, term.until)
    if taken is None:
        raise claim_taken(platform_id, _OWNER.rows(connection, platform_id)[0][0])
    return Claim(platform_id, owner, int(taken[0]))


def give_back(transaction: Transaction, claim: Claim) -> bool:
    """Give a claim back."""
    return _GIVE_BACK.row(transaction.connection, claim.platform, claim.owner, claim.epoch) is not None


def end(transaction: Transaction, platform_id: str) -> None:
    """End the claim of a platform that is forgotten. Its epoch stays: one registered anew goes on from there."""
    _END.run(transaction.connection, [(platform_id,)])


class ClaimOwners:
    """Who has the claims of some platforms, and which of them fetch for themselves: read once."""

    def __init__(self, connection: sa.Connection, rights: Iterable[Claim | Inbox]) -> None:
        asked = set(rights)
        claims, inboxes = ({one.platform for one in asked if isinstance(one, sort)} for sort in (Claim, Inbox))
        owners = _OWNERS.rows(connection, [(each,) for each in claims])
        modes = _MODES.rows(connection, [(each,) for each in inboxes])
        self._owners: Mapping[str, tuple[str, int]] = {platform: (owner, epoch) for platform, owner, epoch in owners}
        self._modes: Mapping[str, tuple[str, int]] = {platform: (mode, revision) for platform, mode, revision in modes}

    def verify(self, right: Claim | Inbox) -> None:
        """Let pass who has the claim (Conflict `claim.lost`), or fetches for itself (`inbox.closed`)."""
        if isinstance(right, Claim):
            decisions.verify_claim(right, *self._owners.get(right.platform, (None, None)))
        else:
            decisions.verify_inbox(right, *self._modes.get(right.platform, (None, None)))


def verify(connection: sa.Connection, right: Claim | Inbox) -> None:
    """Let pass who has a claim, or fetches for itself; Conflict `claim.lost` or `inbox.closed`."""
    ClaimOwners(connection, [right]).verify(right)


# ── processes ─────────────────────────────────────────────────────────────────────────────────
_FORGOTTEN = 3_600_000_000
"""Microseconds after which a process that ended without a word is forgotten."""

_LIVES = putting(tables.processes)
# What is being claimed or given back at this moment is passed over: to wait for it, with other rows locked, might be to
# wait for whoever waits for those.
_PROLONG = Prepared(
    sa.update(tables.claims)
    .where(
        _c.platform.in_(
            sa.select(_c.platform).where(_c.owner == sa.bindparam("owner_")).with_for_update(skip_locked=True)
        )
    )
    .values(until=sa.bindparam("until_")),
    ("owner_", "until_"),
)
_GONE = Prepared(sa.delete(tables.processes).where(_n.owner == sa.bindparam("owner_")), ("owner_",))
_FORGET = Prepared(sa.delete(tables.processes).where(_n.until < sa.bindparam("before")), ("before",))
_LEAVE = Prepared(sa.update(tables.claims).where(_c.owner == sa.bindparam("owner_")).values(_NOBODY), ("owner_",))
_LIVING = Prepared(sa.select(_n.owner).where(_n.until > sa.bindparam("now_")), ("now_",))
_STANDING = Prepared(
    sa.select(_c.platform, _c.owner, _c.epoch, _c.until).where(
        _c.owner != "", sa.or_(_c.until.is_(None), _c.until > sa.bindparam("now_"))
    ),
    ("now_",),
)
_CHANGES = Prepared(sa.select(_l.changes), ())


def live(connection: sa.Connection, owner: str, term: ClaimTerm, *, leaving: bool = False) -> None:
    """Prolong what a process has, and count it among the living, or not any more."""
    _PROLONG.run(connection, [(owner, term.until)])
    if leaving:
        _GONE.run(connection, [(owner,)])
    else:
        _LIVES.run(connection, [(owner, term.until)])
        _FORGET.run(connection, [(term.now - _FORGOTTEN,)])


def leave(connection: sa.Connection, owner: str) -> None:
    """Give back all that a process has, and count it no more."""
    _LEAVE.run(connection, [(owner,)])
    _GONE.run(connection, [(owner,)])


def presence(connection: sa.Connection, me: str, now: int, *, alone: bool) -> Presence:
    """Tell who lives and who has which claims."""
    living = frozenset({me}) if alone else frozenset(row[0] for row in _LIVING.rows(connection, now))
    [(changes,)] = _CHANGES.rows(connection)
    claims = {
        platform: StandingClaim(owner, epoch, None if until is None else moment(until))
        for platform, owner, epoch, until in _STANDING.rows(connection, now)
    }
    return Presence(me, living, claims, moment(now), changes, alone)


def void(connection: sa.Connection) -> None:
    """End all claims and forget all processes: one process has just taken the whole ledger over."""
    connection.execute(sa.update(tables.claims).where(_c.owner != "").values(_NOBODY))
    connection.execute(sa.delete(tables.processes))
