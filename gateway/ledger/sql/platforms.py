"""Platforms with their holds; what routing depends on changes with the registry's revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger import decisions
from gateway.ledger.errors import in_use, no_platform, platform_moved
from gateway.ledger.records import Hold, Intent, Platform, Registered, Registry, Taker
from gateway.ledger.sql import claims, contacts, overlay, registrations, tables, unrouted
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, in_states, inserting_first, not_delivered, putting
from gateway.ledger.sql.tables import AREA, PLATFORM
from gateway.ledger.sql.writing import Transaction
from gateway.message import OPEN, HeldBy

_p, _d, _c, _h, _l = (
    tables.platforms.c,
    tables.deliveries.c,
    tables.credentials.c,
    tables.holds.c,
    tables.ledger.c,
)

_PUT = putting(tables.platforms, PLATFORM.inserted)
_ALL = Prepared(sa.select(*PLATFORM.select(tables.platforms)).order_by(_p.id), ())
_ONE = Prepared(sa.select(*PLATFORM.select(tables.platforms)).where(_p.id == sa.bindparam("id")), ("id",))
_AREAS = Prepared(sa.select(*AREA.select(tables.areas)).order_by(tables.areas.c.code), ())
_REVISION = Prepared(sa.select(_l.revision), ())
_CHANGES = Prepared(sa.select(_l.revision, _l.changes), ())
_ADVANCE = Prepared(sa.update(tables.ledger).values(revision=_l.revision + 1, changes=_l.changes + 1), ())
_CHANGED = Prepared(sa.update(tables.ledger).values(changes=_l.changes + 1), ())
_OPEN = Prepared(
    sa.select(
        sa.exists().where(
            _d.platform == sa.bindparam("platform"),
            in_states(_d.state, OPEN),
            not_delivered(_d.state),
        )
    ),
    ("platform",),
)
_DELETE = Prepared(sa.delete(tables.platforms).where(_p.id == sa.bindparam("id")), ("id",))
_FORGET = Prepared(sa.delete(tables.credentials).where(_c.platform == sa.bindparam("platform")), ("platform",))
_HOLD = inserting_first(tables.holds)
_LIFT = Prepared(
    sa.delete(tables.holds).where(
        _h.platform == sa.bindparam("platform"), _h.type == sa.bindparam("type"), _h.by == sa.bindparam("by")
    ),
    ("platform", "type", "by"),
)
_LIFT_ALL = Prepared(sa.delete(tables.holds).where(_h.platform == sa.bindparam("platform")), ("platform",))


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def registry(connection: sa.Connection) -> Registry:
    """Give every platform, by id, every area, by code, and the revision."""
    holds = overlay.holds(connection)
    found = map(PLATFORM.read, _ALL.rows(connection))
    areas = map(AREA.read, _AREAS.rows(connection))
    [(now, changes)] = _CHANGES.rows(connection)
    platforms = {each.id: _with_holds(each, holds) for each in found}
    return Registry(int(now), platforms, int(changes), {each.code: each for each in areas})


def revision(connection: sa.Connection) -> int:
    """Give the registry's revision."""
    [(now,)] = _REVISION.rows(connection)
    return int(now)


def one(connection: sa.Connection, platform_id: str) -> Platform | None:
    """Give a platform, or None."""
    row = _ONE.row(connection, platform_id)
    return _with_holds(PLATFORM.read(row), overlay.holds(connection, platform_id)) if row else None


def _with_holds(platform: Platform, holds: overlay.Holds) -> Platform:
    held = holds.get(platform.id)
    return replace(platform, holds=tuple(held)) if held else platform


def known(transaction: Transaction, platform_id: str) -> Platform:
    """Give a registered platform; NotFound `platform.unknown`."""
    found = one(transaction.connection, platform_id)
    if found is None:
        raise no_platform(platform_id)
    return found


# ── registering ───────────────────────────────────────────────────────────────────────────────
def advance(transaction: Transaction) -> int:
    """Advance the registry's revision: what was routed by the one before is decided again."""
    _ADVANCE.run(transaction.connection, [()])
    return revision(transaction.connection)


def changed(transaction: Transaction) -> None:
    """Count a change of what processes have in memory; `advance` does so, too."""
    _CHANGED.run(transaction.connection, [()])


def put(
    transaction: Transaction,
    platform: Platform,
    intent: Intent,
    take: Taker,
    *,
    asked: Mapping[str, Any] | None = None,
    only_at: int | None = None,
) -> Registered:
    """Register or change a platform, only if it is as it was at a revision, and give it what it can take now."""

    def do() -> dict[str, Any]:
        before = one(transaction.connection, platform.id)
        if only_at is not None and only_at != (0 if before is None else before.revision):
            raise platform_moved(platform.id)
        after = decisions.registered(platform, before, advance(transaction))
        _PUT.run(transaction.connection, [PLATFORM.write(after)])
        registrations.note_platform(transaction.connection, after, intent.at)
        for hold in before.holds if before else ():
            if hold not in after.holds:
                _lift(transaction, after.id, hold.by, hold.type, intent)
        told = {name: ", ".join(said) for name in ("covers", "mandates", "allow") if (said := getattr(after, name))}
        if after.access:
            told["access"] = ", ".join(str(one.get("scheme")) for one in after.access)
        intended(transaction, intent, after.id, "platform.put", adapter=after.adapter, mode=after.mode, **told)
        given = unrouted.assign(transaction, [after.kind], take, intent.at)
        return plain(Registered(after.revision, given))

    return registered(once(transaction, intent, "platform.put", platform.id, do, asked or _asked(platform)))


def _asked(platform: Platform) -> dict[str, Any]:
    """Give what a caller says of a platform; the rest is the ledger's."""
    names = ("adapter", "version", "mode", "settings", "limits", "covers", "mandates", "allow", "access")
    return {name: getattr(platform, name) for name in names}


def plain(registered: Registered) -> dict[str, Any]:
    """Write what a change of the registry did as JSON values."""
    return {"revision": registered.revision, "given": sorted(registered.given)}


def registered(values: Mapping[str, Any]) -> Registered:
    """Read what `plain` wrote."""
    return Registered(values["revision"], frozenset(values["given"]))


def delete(transaction: Transaction, platform_id: str, intent: Intent) -> Registered:
    """Forget a platform that nothing waits for."""

    def do() -> dict[str, Any]:
        known(transaction, platform_id)
        [(waits,)] = _OPEN.rows(transaction.connection, platform_id)
        if waits:
            raise in_use(platform_id)
        for forget in (_FORGET, _LIFT_ALL, contacts.FORGET, _DELETE):
            forget.run(transaction.connection, [(platform_id,)])
        claims.end(transaction, platform_id)
        registrations.note_end(transaction.connection, registrations.PLATFORM, platform_id, intent.at)
        intended(transaction, intent, platform_id, "platform.deleted")
        return plain(Registered(advance(transaction)))

    return registered(once(transaction, intent, "platform.delete", platform_id, do))


# ── holding ───────────────────────────────────────────────────────────────────────────────────
def hold(
    transaction: Transaction, platform_id: str, hold: Hold, intent: Intent, *, revision: int | None = None
) -> bool:
    """Add a hold to a platform or an endpoint of it."""

    def do() -> bool:
        platform = known(transaction, platform_id)
        if revision is not None and platform.revision != revision:
            return False
        return add_hold(transaction, platform, hold, intent)

    asked = {"by": hold.by, "type": hold.type, "reason": hold.reason, "revision": revision}
    return once(transaction, intent, "platform.hold", platform_id, do, asked)


def add_hold(transaction: Transaction, platform: Platform, hold: Hold, intent: Intent) -> bool:
    """Put a hold where it is not yet; the first of a sort stays as it is."""
    if not decisions.may_hold(platform, hold.by) or any(
        (each.by, each.type) == (hold.by, hold.type) for each in platform.holds
    ):
        return False
    row = (platform.id, hold.type or "", hold.by.value, micros(hold.since), hold.reason)
    _HOLD.run(transaction.connection, [row])
    changed(transaction)
    intended(transaction, intent, platform.id, "platform.held", **_detail(hold.by, hold.type))
    return True


def release(transaction: Transaction, platform_id: str, by: HeldBy, intent: Intent, *, type: str | None = None) -> bool:
    """Lift a hold of a platform or of an endpoint of it."""

    def do() -> bool:
        held = {(each.by, each.type) for each in known(transaction, platform_id).holds}
        if (by, type) not in held:
            return False
        _lift(transaction, platform_id, by, type, intent)
        return True

    return once(transaction, intent, "platform.release", platform_id, do, {"by": by, "type": type})


def _lift(transaction: Transaction, platform_id: str, by: HeldBy, type: str | None, intent: Intent) -> None:
    _LIFT.run(transaction.connection, [(platform_id, type or "", by.value)])
    changed(transaction)
    intended(transaction, intent, platform_id, "platform.released", **_detail(by, type))


def _detail(by: HeldBy, type: str | None) -> dict[str, str]:
    return {"by": by.value} if type is None else {"by": by.value, "type": type}
