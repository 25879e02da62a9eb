"""Occurrences as they stand: kept with each message that tells of some, judged by each other, and tallied at once.

A row stands from `since` until `ended`. One that is judged otherwise ends, and another begins, so that how everything
stood at a moment can be told later. The same message again changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.ledger.occurrences import REGION, Judging, Occurrence, Seen, month_of
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, moment, write_words
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.dialects import Upserting
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, PreparedMany, PreparedRows, Statement, is_state
from gateway.ledger.sql.tables import OCCURRENCE
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import Message, State

_o, _h, _m, _d = tables.occurrences.c, tables.heard.c, tables.messages.c, tables.deliveries.c
_SEQ = OCCURRENCE.at("seq")
_STANDS = _o.ended.is_(None)
_COLUMNS = OCCURRENCE.select(tables.occurrences)

TallyKey = tuple[int, str, str, str, str, str, int]
"""Month, name, thing, traits, region, authority, and the month in which it came to stand like this."""


def _standing(column: sa.ColumnElement[str], name: str, *tied: sa.ColumnElement[bool]) -> PreparedMany:
    return PreparedMany(
        [name],
        lambda wanted: sa.select(*_COLUMNS).select_from(
            wanted.join(tables.occurrences, sa.and_(column == wanted.c[name], _STANDS, *tied))
        ),
    )


_OF_IDENTITY = _standing(_o.identity, "identity")
_OF_CASE = _standing(_o.lane, "lane", _o.lane != sa.literal_column("''"))
_OF_PARTY = _standing(_o.party, "party", _o.party != sa.literal_column("''"))
_OF_MESSAGE = PreparedMany(
    ["message"],
    lambda wanted: sa.select(*_COLUMNS, _o.ended).select_from(
        wanted.join(tables.occurrences, _o.message_id == wanted.c.message)
    ),
)
_ACCEPTED = PreparedMany(
    ["message"],
    lambda wanted: sa.select(_m.id, _d.kind).select_from(
        wanted.join(tables.messages, _m.id == wanted.c.message).join(
            tables.deliveries, sa.and_(_d.message == _m.seq, is_state(_d.state, State.DELIVERED))
        )
    ),
)
_REGISTERED = PreparedMany(
    ["what", "value"],
    lambda wanted: sa.select(_h.what, _h.value).select_from(
        wanted.join(tables.heard, sa.and_(_h.what == wanted.c.what, _h.value == wanted.c.value))
    ),
)
_UNCOUNTED = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS, _o.seq)
    .select_from(
        tables.occurrences.join(tables.messages, _m.id == _o.message_id).join(
            tables.documents, tables.documents.c.message == _m.seq
        )
    )
    .where(tables.IS_UNCOUNTED, _o.seq > sa.bindparam("after"), _m.body != REMNANT)
    .order_by(_o.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_END = Prepared(sa.update(tables.occurrences).where(_o.seq == sa.bindparam("seq_")), ("ended", "seq_"))
_DROP = Prepared(sa.delete(tables.occurrences).where(_o.seq == sa.bindparam("seq_")), ("seq_",))
_ADD = PreparedRows(tables.occurrences.insert(), OCCURRENCE.inserted)


def _add(insert: Upserting) -> Statement:
    adding = insert(tables.tallies)
    sums = {name: tables.tallies.c[name] + adding.excluded[name] for name in ("count", "amount")}
    added: Statement = adding.on_conflict_do_update(index_elements=list(tables.tallies.primary_key), set_=sums)
    return added


def _later(insert: Upserting) -> Statement:
    adding = insert(tables.heard)
    later: Statement = adding.on_conflict_do_update(
        index_elements=list(tables.heard.primary_key), set_={"at": adding.excluded.at}, where=adding.excluded.at > _h.at
    )
    return later


_TALLY = PreparedRows(lambda dialect: _add(dialect.insert), [column.name for column in tables.tallies.columns])
_HEAR = PreparedRows(lambda dialect: _later(dialect.insert), [column.name for column in tables.heard.columns])


class TallyChanges:
    """By how much tallies change in a transaction."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self.counts: Counter[TallyKey] = Counter()
        self.amounts: Counter[TallyKey] = Counter()

    def add(self, one: Occurrence, sign: int) -> None:
        """Count an occurrence, or take it out again."""
        if one.name not in self._judging.tallied:
            return
        month, arrived = month_of(one.day), self._judging.month(one.since)
        key = (month, one.name, "", write_words(one.traits), one.region, one.authority, arrived)
        self.counts[key] += sign
        self.amounts[key] += sign * one.amount
        for thing in self._judging.things(one):
            self.counts[month, one.name, thing, "", one.region, one.authority, 0] += sign

    def write(self, connection: sa.Connection) -> None:
        """Write what changed, in order of the keys."""
        keys = sorted(key for key in self.counts if self.counts[key] or self.amounts[key])
        _TALLY.run(connection, [(*key, self.counts[key], self.amounts[key]) for key in keys])


class _Row(Struct):
    """An occurrence as it is to stand: `seq` where it stands already, `kept` how it does; `one` None: it ends.

    `read`: its message was read just now, and so it is judged whatever else changed.
    """

    one: Occurrence | None
    seq: int = 0
    kept: Occurrence | None = None
    ended: datetime | None = None
    read: bool = False


class _Standing:
    """The occurrences that a change concerns, as they stood and as they are to stand."""

    def __init__(self, connection: sa.Connection, judging: Judging) -> None:
        self._connection = connection
        self._judging = judging
        self._rows: dict[int, _Row] = {}
        self._new: list[_Row] = []
        self._causes: dict[str, datetime] = {}

    def load(self, statement: PreparedMany, keys: Iterable[Row]) -> None:
        """Read what stands under some keys, unless it was read before."""
        for row in statement.rows(self._connection, sorted({tuple(key) for key in keys})):
            if row[_SEQ] not in self._rows:
                one = OCCURRENCE.read(row)
                self._rows[row[_SEQ]] = _Row(one, row[_SEQ], one)

    def add(self, one: Occurrence) -> None:
        """Let an occurrence begin."""
        self._new.append(_Row(one, read=True))
        self._cause(one, one.since)

    def change(self, row: _Row, one: Occurrence) -> None:
        """Let a row say something, from the beginning, that was read anew."""
        if row.one is not None:
            self._cause(row.one, one.since)
        self._cause(one, one.since)
        row.one, row.read = one, True

    def end(self, row: _Row, at: datetime) -> None:
        """Let a row end; what was added with this change has never been."""
        if row.one is not None:
            self._cause(row.one, at)
        row.one, row.ended = None, at

    def of(self, identity: str) -> list[_Row]:
        """Give the rows that stand of one document."""
        return [row for row in self.standing() if row.one is not None and row.one.identity == identity]

    def standing(self) -> list[_Row]:
        """Give the rows that stand."""
        return [row for row in (*self._rows.values(), *self._new) if row.one is not None]

    def touch(self, party: str, at: datetime) -> None:
        """Have everything of an enterprise judged again."""
        self._causes[f"party {party}"] = at

    def _cause(self, one: Occurrence, at: datetime) -> None:
        # What is of an enterprise is judged again only where its number is what it is judged by.
        for tie in _ties(one):
            if tie.startswith("case ") or one.name in self._judging.parties:
                self._causes[tie] = at

    def judge(self) -> None:
        """Judge again whatever is of a case or an enterprise that changed."""
        tied = [tie.partition(" ") for tie in self._causes]
        self.load(_OF_CASE, [(value,) for sort, _, value in tied if sort == "case"])
        self.load(_OF_PARTY, [(value,) for sort, _, value in tied if sort == "party"])
        groups: defaultdict[str, list[Occurrence]] = defaultdict(list)
        for row in self.standing():
            assert row.one is not None
            for tie in _ties(row.one):
                groups[tie].append(row.one)
        registers = self._registers()
        for row in self.standing():
            one = row.one
            assert one is not None
            causes = [self._causes[tie] for tie in _ties(one) if tie in self._causes]
            if not (causes or row.read):
                continue
            case, party = (groups[f"{sort} {value}"] for sort, value in (("case", one.lane), ("party", one.party)))
            traits = self._judging.judged(one, case, party, registers.get(one.party, frozenset()))
            if traits != one.traits:
                row.one = replace(one, traits=traits, since=max([one.since, *causes]))

    def _registers(self) -> Mapping[str, frozenset[str]]:
        parties = {row.one.party for row in self.standing() if row.one is not None} - {""}
        asked = [(what, party) for what in sorted(self._judging.registers) for party in sorted(parties)]
        found: defaultdict[str, set[str]] = defaultdict(set)
        for what, value in _REGISTERED.rows(self._connection, asked):
            found[value].add(what)
        return {party: frozenset(whats) for party, whats in found.items()}

    def write(self, tallied: TallyChanges) -> int:
        """Write what changed, and give how many rows that are."""
        ended: list[Row] = []
        dropped: list[Row] = []
        added: list[Occurrence] = []
        for row in (*self._rows.values(), *self._new):
            if row.one == row.kept:
                continue
            if row.kept is not None:
                tallied.add(row.kept, -1)
                end = row.ended if row.one is None else row.one.since
                assert end is not None
                # What did not stand for any time, or was read anew, leaves no row behind.
                if row.one is not None and end <= row.kept.since:
                    dropped.append((row.seq,))
                else:
                    ended.append((micros(end), row.seq))
            if row.one is not None:
                tallied.add(row.one, 1)
                added.append(row.one)
        _END.run(self._connection, ended)
        _DROP.run(self._connection, dropped)
        _ADD.run(self._connection, [OCCURRENCE.write(one, month=month_of(one.day)) for one in added])
        return len(ended) + len(dropped) + len(added)


def _ties(one: Occurrence) -> Iterator[str]:
    if one.lane:
        yield f"case {one.lane}"
    if one.party:
        yield f"party {one.party}"


# ── keeping ───────────────────────────────────────────────────────────────────────────────────
class Keep(Struct, frozen=True):
    """Messages to keep the occurrences of, in the order in which they were accepted, and how they are judged."""

    seen: Sequence[Seen]
    judging: Judging


def keep(transaction: Transaction, batch: Sequence[Keep]) -> Sequence[OperationResult]:
    """Keep the occurrences of messages: the group for `Ledger.keep_occurrences`."""
    return [_keep(transaction, each.seen, each.judging) for each in batch]


KEEP = Group(keep, lambda connection, batch: ("occurrences",))
"""Of the processes that share a ledger one at a time keeps; nobody else waits for that."""


def _keep(transaction: Transaction, seen: Sequence[Seen], judging: Judging) -> int:
    connection = transaction.connection
    tallied = TallyChanges(judging)
    accepted = _accepted(connection, seen, judging)
    changed = sum(_keep_apart(connection, each, accepted, judging, tallied) for each in _apart(seen))
    tallied.write(connection)
    return changed


def _apart(seen: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Give messages in stretches in which no two have to do with each other: each step of a case is a step here."""
    stretch: list[Seen] = []
    tied: set[str] = set()
    for each in seen:
        ties = {each.identity, each.corrects or "", *(f"party {each.party}" for _ in each.registers)} - {""}
        ties.update(tie for one in each.occurrences for tie in _ties(one))
        if not tied.isdisjoint(ties):
            yield stretch
            stretch, tied = [], set()
        stretch.append(each)
        tied |= ties
    if stretch:
        yield stretch


def _keep_apart(
    connection: sa.Connection,
    seen: Sequence[Seen],
    accepted: Mapping[str, frozenset[str]],
    judging: Judging,
    tallied: TallyChanges,
) -> int:
    standing = _Standing(connection, judging)
    known = _known(connection, seen)
    standing.load(_OF_IDENTITY, [(each.identity,) for each in seen if each.identity])
    standing.load(_OF_MESSAGE_STANDING, [(each.corrects,) for each in seen if each.corrects])
    for party, at in _enter(connection, seen, judging).items():
        standing.touch(party, at)
    for each in seen:
        # What a later version took the place of stays as it is.
        if known.get(each.message_id) is not False:
            own = tuple(_own(one, accepted, judging) for one in each.occurrences)
            _put(standing, replace(each, occurrences=own), judging)
    standing.judge()
    return standing.write(tallied)


_OF_MESSAGE_STANDING = _standing(_o.message_id, "message")


def _known(connection: sa.Connection, seen: Sequence[Seen]) -> Mapping[str, bool]:
    """Tell of each message that was kept before whether anything of it still stands."""
    found: dict[str, bool] = {}
    place = OCCURRENCE.at("message_id")
    for row in _OF_MESSAGE.rows(connection, sorted({(each.message_id,) for each in seen if each.identity})):
        found[row[place]] = found.get(row[place], False) or row[-1] is None
    return found


def _put(standing: _Standing, seen: Seen, judging: Judging) -> None:
    """Let what a message tells of take the place of what it, an earlier version, or what it corrects told of."""
    version = (seen.received_at, seen.message_id)
    rows = standing.of(seen.identity)
    # A document of a type that tells of nothing has no identity here: nothing stands of it.
    if any((row.one.received_at, row.one.message_id) > version for row in rows if row.one is not None):
        return
    told = {one.name: one for one in seen.occurrences}
    for row in rows:
        one = row.one
        assert one is not None
        new = told.get(one.name)
        if new is not None:
            new = told[one.name] = judging.succeeding(new, one)
        if new is None or one.message_id != seen.message_id:
            standing.end(row, seen.received_at)
        else:
            # Its case may have changed, or the rules: it says and is judged what it would be if it came now.
            told.pop(one.name)
            standing.change(row, replace(new, traits=one.traits, since=one.since))
    for row in standing.standing() if seen.corrects else ():
        if row.one is not None and row.one.message_id == seen.corrects:
            standing.end(row, seen.received_at)
    for new in told.values():
        standing.add(new)


def _accepted(connection: sa.Connection, seen: Sequence[Seen], judging: Judging) -> Mapping[str, frozenset[str]]:
    asked = {one.message_id for each in seen for one in each.occurrences if one.name in judging.accepting}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for message, kind in _ACCEPTED.rows(connection, [(one,) for one in sorted(asked)]):
        found[message].add(kind)
    return {message: frozenset(kinds) for message, kinds in found.items()}


def _own(one: Occurrence, accepted: Mapping[str, frozenset[str]], judging: Judging) -> Occurrence:
    kind, trait = judging.accepting.get(one.name, ("", ""))
    if kind not in accepted.get(one.message_id, ()):
        return one
    return replace(one, own=tuple(sorted({*one.own, trait})))


def _enter(connection: sa.Connection, seen: Sequence[Seen], judging: Judging) -> Mapping[str, datetime]:
    """Note what was heard of, and give the enterprises that were in no register before."""
    heard: dict[tuple[str, str], datetime] = {}
    for each in seen:
        for key in ((REGION, each.region), *((name, each.party) for name in each.registers if each.party)):
            heard[key] = max(each.received_at, heard.get(key, each.received_at))
    new = {key for key in heard if key[0] in judging.registers}
    new -= {(what, value) for what, value in _REGISTERED.rows(connection, sorted(new))}
    _HEAR.run(connection, [(*key, micros(at)) for key, at in sorted(heard.items())])
    return {party: heard[what, party] for what, party in new}


# ── acceptance ────────────────────────────────────────────────────────────────────────────────
def accepted_by(
    transaction: Transaction, accepted: Sequence[tuple[str, str, datetime]], judging: Judging, tallied: TallyChanges
) -> None:
    """Let occurrences know that platforms of a kind accepted their messages, each at a moment."""
    kinds = {kind for kind, _ in judging.accepting.values()}
    wanted = {(message, kind): at for message, kind, at in accepted if kind in kinds}
    standing = _Standing(transaction.connection, judging)
    standing.load(_OF_MESSAGE_STANDING, [(message,) for message, _ in wanted])
    for row in standing.standing():
        one = row.one
        assert one is not None
        kind, trait = judging.accepting.get(one.name, ("", ""))
        at = wanted.get((one.message_id, kind))
        if at is not None and trait not in one.own:
            own = tuple(sorted({*one.own, trait}))
            standing.change(row, replace(one, own=own, traits=tuple(sorted({*one.traits, trait})), since=at))
    standing.write(tallied)


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def uncounted(connection: sa.Connection, after: int, limit: int) -> tuple[Sequence[Message], int]:
    """Give messages of what stands and could not be counted, and the number of the last."""
    found = _UNCOUNTED.rows(connection, after, limit)
    return [rows.message(row) for row in found], found[-1][-1] if found else after


def heard_of(connection: sa.Connection, what: str) -> Sequence[tuple[str, datetime]]:
    """Give everything of one sort that was heard of, and when last."""
    return [(value, moment(at)) for value, at in _HEARD.rows(connection, what)]


_HEARD = Prepared(sa.select(_h.value, _h.at).where(_h.what == sa.bindparam("what")), ("what",))
