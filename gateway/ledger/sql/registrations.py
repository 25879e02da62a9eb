"""Which platforms and areas were registered when, and for which places: what an earlier report is made by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.ledger.records import Area, Platform, Registry
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros, moment, text
from gateway.ledger.sql.statements import Prepared, putting

_r = tables.registrations.c

PLATFORM, AREA = "platform", "area"

_STANDS = Prepared(
    sa.select(_r.content).where(_r.sort == sa.bindparam("sort"), _r.id == sa.bindparam("id"), _r.ended.is_(None)),
    ("sort", "id"),
)
_END = Prepared(
    sa.update(tables.registrations).where(
        _r.sort == sa.bindparam("sort_"), _r.id == sa.bindparam("id_"), _r.ended.is_(None)
    ),
    ("ended", "sort_", "id_"),
)
_PUT = putting(tables.registrations)
_AT = Prepared(
    sa.select(_r.sort, _r.id, _r.since, _r.content)
    .where(_r.since <= sa.bindparam("at"), sa.or_(_r.ended.is_(None), _r.ended > sa.bindparam("then")))
    .order_by(_r.sort, _r.id, _r.since),
    ("at", "then"),
)


def note_platform(connection: sa.Connection, platform: Platform, at: datetime) -> None:
    """Note for which places a platform is there from now on."""
    _note(connection, PLATFORM, platform.id, {"adapter": platform.adapter, "covers": list(platform.covers)}, at)


def note_area(connection: sa.Connection, area: Area, at: datetime) -> None:
    """Note where an area lies from now on."""
    names = ("title", "parent", "valid_from", "valid_to")
    _note(connection, AREA, area.code, {name: getattr(area, name) for name in names}, at)


def note_end(connection: sa.Connection, sort: str, id: str, at: datetime) -> None:
    """Note that a platform or an area is there no more."""
    _END.run(connection, [(micros(at), sort, id)])


def _note(connection: sa.Connection, sort: str, id: str, content: dict[str, Any], at: datetime) -> None:
    said, kept = text(content), _STANDS.row(connection, sort, id)
    if kept is None or kept[0] != said:
        _END.run(connection, [(micros(at), sort, id)])
        _PUT.run(connection, [(sort, id, micros(at), None, said)])


def registry_at(connection: sa.Connection, at: datetime) -> Registry:
    """Give the platforms and areas of a moment, with nothing but where they were."""
    platforms: dict[str, Platform] = {}
    areas: dict[str, Area] = {}
    for sort, id, since, content in _AT.rows(connection, micros(at), micros(at)):
        said = orjson.loads(content)
        if sort == PLATFORM:
            kind, _, region = id.partition(".")
            covers = tuple(said["covers"])
            platforms[id] = Platform(id, kind, region, said["adapter"], {}, moment(since), covers=covers)
        else:
            areas[id] = Area(id, said["title"], said["parent"], moment(since), said["valid_from"], said["valid_to"])
    return Registry(0, platforms, areas=areas)
