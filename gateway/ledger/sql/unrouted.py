"""Unrouted deliveries: given their platform, many at once, as soon as one can take them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Taker, Unrouted
from gateway.ledger.sql import counts, lanes, numbers, rows, tables
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, PreparedMany
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.unwanted import UNROUTED
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State

_m, _d, _p = tables.messages.c, tables.deliveries.c, tables.platforms.c
_POSITION, _MESSAGE, _TOWARD = DELIVERY.at("position"), DELIVERY.at("message"), DELIVERY.at("toward")
_ASKED = itemgetter(
    *(DELIVERY.at(name) for name in ("id", "message_id", "type", "kind", "toward")), DELIVERY.width, DELIVERY.width + 1
)

NEAREST = "nearest"
"""What an unrouted delivery seeks that any platform which covers its region may take."""

_REGISTERED = Prepared(sa.select(_p.id), ())
_ITS_ALREADY = PreparedMany(
    ["platform", "message"],
    lambda wanted: (
        sa.select(_d.platform, _d.message)
        .distinct()
        .select_from(
            wanted.join(tables.deliveries, sa.and_(_d.platform == wanted.c.platform, _d.message == wanted.c.message))
        )
    ),
    integers=["message"],
)
_GIVE = PreparedMany(
    ["position", "platform", "at"],
    lambda wanted: (
        sa.update(tables.deliveries)
        .values(
            platform=wanted.c.platform,
            state=sa.literal_column(f"'{State.READY}'"),
            was=_d.state,
            changed_at=wanted.c.at,
            code=sa.null(),
            reason=sa.null(),
        )
        .where(_d.position == wanted.c.position)
    ),
    integers=["position", "at"],
)
_HEADERS = PreparedMany(
    ["seq"],
    lambda wanted: sa.select(_m.seq, _m.headers).select_from(wanted.join(tables.messages, _m.seq == wanted.c.seq)),
    integers=["seq"],
)


def assign(transaction: Transaction, kinds: Collection[str], take: Taker, at: datetime) -> frozenset[str]:
    """Give unrouted deliveries of some kinds their platform, in order of position; gives the platforms that got any.

    They keep the positions they were accepted with. All is written in bulk: there may be thousands.
    """
    given = _given(transaction, kinds, take)
    if not given:
        return frozenset()
    steps = [(before, decisions.assigned(before, platform, at)) for before, platform in map(_delivery, given)]
    changed_at = micros(at)
    _GIVE.run(transaction.connection, [(after.position, after.platform, changed_at) for _, after in steps])
    taken = {lanes.lane_of(after) for _, after in steps}
    dead = lanes.first_dead(transaction, taken)
    for before, after in steps:
        counts.step(transaction, before, after, parked_after=lanes.is_parked(after, dead))
    lanes.set_heads(transaction, taken)
    _learn_numbers(transaction, given)
    return frozenset(platform for _, platform in given)


def _delivery(given: tuple[Row, str]) -> tuple[Delivery, str]:
    row, platform = given
    return DELIVERY.read(row), platform


def _given(transaction: Transaction, kinds: Collection[str], take: Taker) -> Sequence[tuple[Row, str]]:
    """Choose for each, in order of position: only platforms that are registered and do not have the message yet."""
    unrouted = [row for kind in set(kinds) for row in UNROUTED.rows(transaction.connection, kind)]
    unrouted.sort(key=itemgetter(_POSITION))
    registered = {platform for (platform,) in _REGISTERED.rows(transaction.connection)}
    taken = [(row, platform) for row in unrouted if (platform := take(Unrouted(*_ASKED(row)))) in registered]
    wanted = [(row, platform) for row, platform in taken if platform is not None]
    has = set(map(tuple, _ITS_ALREADY.rows(transaction.connection, list({_pair(each) for each in wanted}))))
    # Deliveries for the nearest platform choose last: a nearer one may come for them, while another delivery
    # goes to this platform or nowhere.
    given: dict[tuple[str, int], tuple[Row, str]] = {}
    for each in sorted(wanted, key=lambda each: each[0][_TOWARD] == NEAREST):
        if _pair(each) not in has:
            given.setdefault(_pair(each), each)
    return sorted(given.values(), key=lambda each: int(each[0][_POSITION]))


def _pair(wanted: tuple[Row, str]) -> tuple[str, int]:
    row, platform = wanted
    return platform, row[_MESSAGE]


def _learn_numbers(transaction: Transaction, given: Sequence[tuple[Row, str]]) -> None:
    """Let platforms use the numbers in what they are given now, as if they had got it at intake."""
    messages = {row[_MESSAGE] for row, _ in given}
    headers = dict(map(tuple, _HEADERS.rows(transaction.connection, [(message,) for message in messages])))
    named = {message: rows.numbers_in(each) for message, each in headers.items()}
    numbers.learn(
        transaction,
        [
            known
            for row, platform in given
            for known in numbers.number_rows(platform, named[row[_MESSAGE]], row[_MESSAGE])
        ],
    )
