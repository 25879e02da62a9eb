"""Verifies, when an intake is kept, that what it was decided on is still so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import FactAsked, IntakeDraft, NumberAsked, Reads, VersionsAsked
from gateway.ledger.sql import tables, uploads
from gateway.ledger.sql.statements import Prepared, PreparedMany
from schemas.identifiers.folding import comparison_key

K = TypeVar("K")
_Noted = tuple[dict[Any, str | None], Any, str | None]
"""What is known now of a key, and what was known of it before."""

_m, _n, _f = tables.messages.c, tables.numbers.c, tables.facts.c
_first, _last = tables.messages.alias("first"), tables.messages.alias("last")

_REVISION = Prepared(sa.select(tables.ledger.c.revision), ())
_NUMBERS = PreparedMany(
    ["platform", "field", "number"],
    lambda wanted: sa.select(wanted, _m.id).select_from(
        wanted.join(
            tables.numbers,
            (_n.number == wanted.c.number) & (_n.field == wanted.c.field) & (_n.platform == wanted.c.platform),
        ).join(tables.messages, _n.message == _m.seq)
    ),
)
_FACTS = PreparedMany(
    ["correlation_id", "field"],
    lambda wanted: sa.select(wanted, _m.id).select_from(
        wanted.join(tables.facts, (_f.correlation_id == wanted.c.correlation_id) & (_f.field == wanted.c.field)).join(
            tables.messages, _f.message == _m.seq
        )
    ),
)
_FIRST_OF = PreparedMany(
    ["correlation_id"],
    lambda wanted: sa.select(wanted, _m.id).select_from(
        wanted.join(
            tables.messages,
            _m.seq
            == sa.select(sa.func.min(_first.c.seq))
            .where(_first.c.correlation_id == wanted.c.correlation_id)
            .scalar_subquery(),
        )
    ),
)
_LAST_OF = PreparedMany(
    ["correlation_id", "type"],
    lambda wanted: sa.select(wanted, _m.id).select_from(
        wanted.join(
            tables.messages,
            _m.seq
            == sa.select(sa.func.max(_last.c.seq))
            .where(_last.c.correlation_id == wanted.c.correlation_id, _last.c.type == wanted.c.type)
            .scalar_subquery(),
        )
    ),
)


class Verification:
    """What is so now: in the database, and by what earlier intakes of the same batch brought.

    Only what one of the intakes asked about is looked at, all of it in a few statements.
    """

    def __init__(self, connection: sa.Connection, asked: Iterable[Reads]) -> None:
        reads = list(asked)
        numbers = {_spelled(each) for one in reads for each in one.numbers}
        facts = {each for one in reads for each in one.facts}
        fresh = {each for one in reads for each in one.fresh}
        self._uploads = uploads.known(connection, {each for one in reads for each in one.uploads})
        self.revision: int = next(iter(_REVISION.rows(connection)))[0]
        self._numbers: dict[NumberAsked, str | None] = dict.fromkeys(numbers)
        self._numbers |= {(row[0], row[1], row[2]): row[3] for row in _NUMBERS.rows(connection, list(numbers))}
        self._facts: dict[FactAsked, str | None] = dict.fromkeys(facts)
        self._facts |= {(row[0], row[1]): row[2] for row in _FACTS.rows(connection, list(facts))}
        self._first: dict[str, str | None] = dict.fromkeys(fresh)
        self._first |= {row[0]: row[1] for row in _FIRST_OF.rows(connection, [(each,) for each in fresh])}

        versions = {each for one in reads for each in one.versions}
        self._versions: dict[VersionsAsked, str | None] = dict.fromkeys(versions)
        self._versions |= {(row[0], row[1]): row[2] for row in _LAST_OF.rows(connection, list(versions))}

    def stands(self, drafts: Iterable[IntakeDraft], own: Collection[str]) -> bool:
        """Tell whether all that drafts were decided on is still so, each seeing what those before it bring.

        If it is, what they bring is so from now on: they are kept. What messages of the same package
        brought (`own`) is no change: its records were decided together.
        """
        noted: list[_Noted] = []
        for draft in drafts:
            if self._moved(draft.reads, own):
                for known, key, before in reversed(noted):
                    known[key] = before
                return False
            noted.extend(self._bring(draft))
        return True

    def _moved(self, reads: Reads, own: Collection[str]) -> bool:
        changed = [
            *_changed({_spelled(each): id for each, id in reads.numbers.items()}, self._numbers),
            *_changed(reads.facts, self._facts),
            *_changed(dict.fromkeys(reads.fresh), self._first),
            *_changed(reads.versions, self._versions),
        ]
        return any(now not in own for now in changed) or not reads.uploads <= self._uploads

    def _bring(self, draft: IntakeDraft) -> Iterator[_Noted]:
        """Record what a draft is the first to bring, of what some intake looked up."""
        message = draft.message
        if self._first:
            yield from _note(self._first, [message.correlation_id], message.id)
        if self._numbers:
            platforms = decisions.platforms_of(message, draft.deliveries)
            named = [_spelled((one, field, number)) for one in platforms for field, number in draft.numbers.items()]
            yield from _note(self._numbers, named, message.id)
        version = message.correlation_id, message.type
        if version in self._versions:
            yield self._versions, version, self._versions[version]
            self._versions[version] = message.id
        if self._facts:
            said = [(message.correlation_id, field) for field in decisions.facts_of(message)]
            yield from _note(self._facts, said, message.id)


def _spelled(named: NumberAsked) -> NumberAsked:
    """Give a number as the ledger looks it up: two spellings that come at the same time are one number."""
    platform, field, number = named
    return platform, field, comparison_key(number)


def _changed(read: Mapping[K, str | None], now: Mapping[K, str | None]) -> list[str | None]:
    return [now[key] for key, as_read in read.items() if now[key] != as_read]


def _note(known: dict[K, str | None], said: Iterable[K], message_id: str) -> Iterator[_Noted]:
    for each in said:
        if each in known and known[each] is None:
            known[each] = message_id
            yield known, each, None
