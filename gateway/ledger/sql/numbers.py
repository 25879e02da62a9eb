"""Numbers: which platforms use them, and what each platform calls them.

They are found by their key, which all spellings of one number have in common; what is kept beside it
is as its issuer wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from gateway.ledger.records import KnownNumber, NamedCase, Settlement
from gateway.ledger.sql import tables
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.retie import Retie, retie
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting_first, putting
from gateway.ledger.sql.writing import NeedsLedger, Transaction
from gateway.message import Attempt, Enriched
from schemas.identifiers.folding import comparison_key, same_number

_m, _n, _f, _a = tables.messages.c, tables.numbers.c, tables.facts.c, tables.aliases.c

NUMBERS = inserting_first(tables.numbers)
_ALIASES = putting(tables.aliases)
_RECALL = Prepared(
    sa.select(_n.original, _m.id, _m.type, _m.source, _m.correlation_id, _m.ordering_key)
    .select_from(tables.numbers.join(tables.messages, _n.message == _m.seq))
    .where(
        _n.number == sa.bindparam("number"),
        _n.field == sa.bindparam("field"),
        _n.platform == sa.bindparam("platform"),
    ),
    ("number", "field", "platform"),
)
_NAMED = Prepared(
    sa.select(_n.field, _n.platform, _n.original, _m.correlation_id, _m.ordering_key)
    .select_from(tables.numbers.join(tables.messages, _n.message == _m.seq))
    .where(_n.number == sa.bindparam("number"))
    .order_by(_n.field, _n.platform),
    ("number",),
)
_FACTS = Prepared(
    sa.select(_f.field, _f.value, _m.id)
    .select_from(tables.facts.join(tables.messages, _f.message == _m.seq))
    .where(_f.correlation_id == sa.bindparam("correlation_id")),
    ("correlation_id",),
)
_CASE = Prepared(sa.select(_m.correlation_id, _m.ordering_key).where(_m.seq == sa.bindparam("seq")), ("seq",))
_OWN = Prepared(
    sa.select(_n.original, _m.seq, _m.correlation_id, _m.ordering_key)
    .select_from(tables.numbers.join(tables.messages, _n.message == _m.seq))
    .where(
        _n.number == sa.bindparam("number"),
        _n.field == sa.bindparam("field"),
        _n.platform == sa.bindparam("platform"),
        _m.source == _n.platform,
    ),
    ("number", "field", "platform"),
)
"""A number that a platform used as its own: the first message in which it did."""

_KNOWN_AS = PreparedMany(
    ["original", "field", "platform", "correlation_id"],
    lambda wanted: sa.select(_a.correlation_id, _a.platform, _a.field, _a.original, _a.number).select_from(
        wanted.join(
            tables.aliases,
            (_a.original == wanted.c.original)
            & (_a.field == wanted.c.field)
            & (_a.platform == wanted.c.platform)
            & (_a.correlation_id == wanted.c.correlation_id),
        )
    ),
)


def number_rows(platform: str, named: Mapping[str, str], message: int) -> list[Row]:
    """Give the rows by which a platform's numbers are recognised later."""
    return [(comparison_key(number), field, platform, number, message) for field, number in named.items()]


def learn(transaction: Transaction, rows: Sequence[Row]) -> None:
    """Keep numbers; the first message of one stays its message."""
    NUMBERS.run(transaction.connection, rows)


def learn_aliases(transaction: Transaction, settled: Sequence[tuple[StoredDelivery, Settlement]]) -> None:
    """Keep what platforms call the numbers of what they accepted.

    Called last in a settlement, after the heads of its lanes: what was filed under a number that a platform
    had used as its own, before it told us what it stands for, is tied to the original's case.
    """
    for stored, settlement in settled:
        if settlement.alias is not None and settlement.attempt.reference:
            _learn_alias(transaction, stored, settlement.attempt, *settlement.alias)


def _learn_alias(transaction: Transaction, stored: StoredDelivery, attempt: Attempt, field: str, original: str) -> None:
    connection, platform, reference = transaction.connection, stored.delivery.platform or "", attempt.reference
    [(correlation_id, ordering_key)] = _CASE.rows(connection, stored.message)
    key = comparison_key(str(reference))
    own = None if same_number(str(reference), original) else _OWN.row(connection, key, field, platform)
    if own is not None:
        if not transaction.alone:
            raise NeedsLedger  # which messages and lanes it ties, nobody can name before
        number, founder, wrong, lane = own
        tie = Retie(field, number, original, wrong, lane, correlation_id, ordering_key)
        retie(transaction, tie, stored.message, founder, platform, attempt.ended_at)
    if reference != original:
        _ALIASES.run(connection, [(correlation_id, original, field, platform, reference)])
    NUMBERS.run(connection, [(key, field, platform, original, stored.message)])


def recall(connection: sa.Connection, platform: str, named: Mapping[str, str]) -> Mapping[str, KnownNumber]:
    """Recognise a platform's numbers."""
    found = {field: _RECALL.row(connection, comparison_key(number), field, platform) for field, number in named.items()}
    return {field: KnownNumber(*row) for field, row in found.items() if row}


def named(connection: sa.Connection, number: str) -> Sequence[NamedCase]:
    """Give what a number names."""
    return [NamedCase(*row) for row in _NAMED.rows(connection, comparison_key(number))]


def facts(connection: sa.Connection, correlation_id: str) -> Mapping[str, Enriched]:
    """Give the facts of a correlation."""
    return {field: Enriched(value, message_id) for field, value, message_id in _FACTS.rows(connection, correlation_id)}


Named = tuple[str, str, str, str]
"""A number as it is sent to a platform: the correlation, the platform, the field and the number as it was issued."""


def aliases(connection: sa.Connection, named: Iterable[Named]) -> Mapping[Named, str]:
    """Give what platforms call numbers, where they call them otherwise.

    Two platforms may issue one number for two things, and then only the correlation tells them apart.
    """
    wanted = [(original, field, platform, correlation_id) for correlation_id, platform, field, original in named]
    found = _KNOWN_AS.rows(connection, wanted)
    return {
        (correlation_id, platform, field, original): own for correlation_id, platform, field, original, own in found
    }


def known_as(
    aliases: Mapping[Named, str], correlation_id: str, platform: str, numbers: Mapping[str, str]
) -> Mapping[str, str]:
    """Give a platform's own numbers for those that a message names, by field."""
    found = {field: aliases.get((correlation_id, platform, field, number)) for field, number in numbers.items()}
    return {field: own for field, own in found.items() if own is not None}
