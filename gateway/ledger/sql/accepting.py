"""Keeping intakes: decided one after the other, written table by table for the whole batch."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.audit.signing import Seals
from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.records import Accepted, AuditEntry, Intake, IntakeDraft, Moved, Receipt, Rejection, Work
from gateway.ledger.sql import (
    auditing,
    counts,
    lanes,
    leaves,
    numbers,
    overlay,
    packages,
    pruned_cases,
    pruned_receipts,
    pruned_rejections,
    receipts,
    tables,
    unwanted,
    uploads,
)
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, unpack_list
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.dialects import ITS_SYMBOL, NUL
from gateway.ledger.sql.packages import Chunk, IntakeBody, ReadyDraft, ReadyRejection
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.receipts import Receipts
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting, inserting_first, putting
from gateway.ledger.sql.store import Store
from gateway.ledger.sql.tables import DELIVERY, MESSAGE, REJECTION
from gateway.ledger.sql.verifying import Verification
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import Delivery, Message
from schemas.identifiers.folding import comparison_key

_Scope = tuple[str, str, str]

_m, _l = tables.messages.c, tables.latest.c

_LATEST = PreparedMany(
    ["identity", "operation", "source"],
    lambda wanted: sa.select(wanted, _m.id, _m.digest, _m.seq, _m.body).select_from(
        wanted.join(
            tables.latest,
            (_l.identity == wanted.c.identity) & (_l.operation == wanted.c.operation) & (_l.source == wanted.c.source),
        ).join(tables.messages, _l.message == _m.seq)
    ),
)
_MESSAGES = inserting(tables.messages, MESSAGE.inserted)
_DOCUMENTS = inserting(tables.documents)
_LATEST_NOW = putting(tables.latest)
_KEYS = inserting_first(tables.search_keys)
_FACTS = inserting_first(tables.facts)
_REJECTIONS = inserting(tables.rejections, REJECTION.inserted)
_IN_ORDER = (
    packages.ADD,
    _MESSAGES,
    _DOCUMENTS,
    lanes.ADD,
    uploads.ATTACH,
    uploads.NAME,
    _LATEST_NOW,
    _KEYS,
    numbers.NUMBERS,
    _FACTS,
    _REJECTIONS,
)
"""The order of the foreign keys: bodies, messages, then what names a message."""


class _Latest(Struct, frozen=True):
    """A message that was the latest of its identity."""

    id: str
    digest: str
    seq: int
    body: int


# ── in the event loop ─────────────────────────────────────────────────────────────────────────
async def accept_in_chunks(store: Store, intake: Intake) -> Receipt:
    """Keep an intake: at once, or a large package chunk by chunk, so that others are kept in between."""
    if packages.is_large(intake):
        return await _accept_large(store, intake)
    return await _hand_in(store, packages.chunk(packages.ready(intake), 0))


async def _accept_large(store: Store, intake: Intake) -> Receipt:
    """Keep a large intake; each chunk is made ready beside the event loop, and committed before the next."""
    package = await asyncio.to_thread(packages.ready, intake)
    entries: list[Accepted | Rejection] = []
    accepted = False
    for start in range(0, len(intake.entries) or 1, packages.CHUNK):
        chunk = await asyncio.to_thread(packages.chunk, package, start, accepted)
        receipt = await _hand_in(store, chunk)
        if receipt.repeated:
            return receipt
        entries.extend(receipt.entries)
        accepted = accepted or any(isinstance(entry, Accepted) for entry in receipt.entries)
    return Receipt(tuple(entries))


async def accept_in_order(store: Store, intakes: Sequence[Intake]) -> Sequence[Receipt | HutongError]:
    """Keep small intakes one after the other in one commit, up to the first that moved."""
    long = len(intakes) > packages.FEW or any(map(packages.is_large, intakes))
    chunks = await asyncio.to_thread(_wholes, intakes) if long else _wholes(intakes)
    answers: list[Receipt | HutongError] = []
    for chunk, answer in zip(chunks, await _write(store, chunks), strict=False):
        known = answer if isinstance(answer, HutongError) else await _read(store, answer)
        pruned = isinstance(known, Receipt) and not known.entries and chunk.entries
        answers.append(await _hand_in(store, chunk) if pruned else known)
    return answers


def _wholes(intakes: Sequence[Intake]) -> list[Chunk]:
    return [packages.chunk(packages.ready(intake), 0) for intake in intakes]


async def _hand_in(store: Store, chunk: Chunk) -> Receipt:
    while True:
        [answer] = await _write(store, [chunk])
        if isinstance(answer, HutongError):
            raise answer
        receipt = await _read(store, answer)
        # All that a receipt named may have been pruned before it was read, and the receipt with it.
        if receipt.entries or not chunk.entries:
            return receipt


async def _write(store: Store, chunks: Sequence[Chunk]) -> Sequence[receipts.Answer | HutongError]:
    rows, size = sum(len(chunk.entries) for chunk in chunks), sum(chunk.size for chunk in chunks)
    answers: Sequence[receipts.Answer | HutongError] = await store.write(ACCEPT, chunks, rows=rows, size=size)
    return answers


async def _read(store: Store, kept: receipts.Answer) -> Receipt:
    """Read a receipt that is kept, a chunk of it at a time: the reader answers others too."""
    if isinstance(kept, Receipt):
        return kept
    large = len(kept.content) > packages.LONG
    essentials = await asyncio.to_thread(unpack_list, kept.content) if large else unpack_list(kept.content)
    entries: list[Accepted | Rejection] = []
    for start in range(0, len(essentials), packages.CHUNK):
        part = essentials[start : start + packages.CHUNK]
        entries.extend(await store.read(receipts.read, part, store.key))
    return Receipt(tuple(entries), repeated=kept.whole)


# ── in the writer ─────────────────────────────────────────────────────────────────────────────
def accept(transaction: Transaction, batch: Sequence[Sequence[Chunk]]) -> Sequence[OperationResult]:
    """Keep a batch of sequences of chunks, each as far as it gets: for `Ledger.accept` and `accept_all`."""
    intakes = _Batch(transaction, list(chain.from_iterable(batch)))
    results = [intakes.accept(chunks) for chunks in batch]
    intakes.write()
    return results


def _locks(_: sa.Connection, batch: Sequence[Sequence[Chunk]]) -> Iterable[str]:
    """Name what a batch reads or changes: keys, packages, identities, cases, lanes and numbers.

    Cases, lanes and numbers are named by their words alone: they are often one word, and then one lock.
    """
    for chunk in chain.from_iterable(batch):
        intake = chunk.package.intake
        if intake.key is not None:
            yield f"key {intake.platform} {intake.operation} {intake.key}"
        if not chunk.whole:
            yield "packages"  # where one begins, those that were given up are forgotten
            yield f"rejections {intake.platform}"  # with its oldest rejections go bodies that no message keeps yet
        for entry in chunk.entries:
            if isinstance(entry, ReadyRejection):
                yield f"rejections {entry.rejection.platform}"
            else:
                yield from _locks_of(entry.draft)


def _locks_of(draft: IntakeDraft) -> Iterable[str]:
    message, reads = draft.message, draft.reads
    yield " ".join(("identity", *_scope(message)))
    yield message.correlation_id
    yield from (delivery.lane for delivery in draft.deliveries)
    yield from map(comparison_key, draft.numbers.values())
    yield from (comparison_key(number) for _, _, number in reads.numbers)
    yield from (correlation_id for correlation_id, _ in reads.facts)
    yield from reads.fresh
    yield from (correlation_id for correlation_id, _ in reads.versions)
    yield from (f"upload {id}" for id in reads.uploads)


ACCEPT = Group(accept, _locks)


class _Batch:
    """One batch's chunks: what was decided so far is known to those that come after."""

    def __init__(self, transaction: Transaction, batch: Sequence[Chunk]) -> None:
        self._transaction = transaction
        connection = transaction.connection
        drafts = [draft for chunk in batch for draft in chunk.drafts()]
        latest = _LATEST.rows(connection, list({_scope(draft.message) for draft in drafts}))
        self._before = {(row[0], row[1], row[2]): _Latest(*row[3:]) for row in latest}
        self._verification = Verification(connection, (draft.reads for draft in drafts))
        routed = {lanes.lane_of(each) for draft in drafts for each in draft.deliveries if each.platform}
        self._lanes = lanes.occupied(transaction, routed)
        self._aliases = numbers.aliases(connection, _named(drafts))
        self._holds = overlay.holds(connection)
        unrouted = any(each.platform is None for draft in drafts for each in draft.deliveries)
        self._unwanted = unwanted.unwanted(connection) if unrouted else ()
        self._kept = self._earlier(drafts)
        self._receipts = Receipts(connection)
        self._rows: defaultdict[Prepared, list[Row]] = defaultdict(list)
        self._latest: dict[_Scope, Accepted] = {}
        self._totals: dict[str, int] = {}
        self._known = {each.id: each for each in self._before.values()}
        self._outlived: list[int] = []
        self._audited: list[AuditEntry] = []
        self._seals = Seals(transaction.key) if transaction.key else None
        self._at = micros(transaction.at)

    def _earlier(self, drafts: Sequence[IntakeDraft]) -> dict[str, receipts.KeptMessage]:
        """Read the messages that drafts are duplicates of, with their deliveries as they are shown."""
        latest = [(self._before.get(_scope(draft.message)), draft.message.digest) for draft in drafts]
        ids = {before.id for before, digest in latest if before and decisions.is_duplicate(before.digest, digest)}
        found = receipts.stored(self._transaction.connection, ids)
        routed = {lanes.lane_of(each) for kept in found.values() for each in kept.deliveries if each.platform}
        dead = lanes.first_dead(self._transaction, routed)
        return {
            id: replace(kept, deliveries=[self._shown(each, dead.get(lanes.lane_of(each))) for each in kept.deliveries])
            for id, kept in found.items()
        }

    def _shown(self, delivery: Delivery, dead: int | None) -> Delivery:
        parked = dead is not None and dead < delivery.position
        return decisions.shown(delivery, self._holds.get(delivery.platform or "", ()), parked=parked)

    # ── deciding ──────────────────────────────────────────────────────────────────────────────
    def accept(self, chunks: Sequence[Chunk]) -> OperationResult:
        """Give the answers up to the first chunk that moved; Moved itself when that is the first of all."""
        answers: list[receipts.Answer | HutongError] = []
        for chunk in chunks:
            try:
                answers.append(self._receipts.known(chunk) or self._take(chunk))
            except HutongError as error:
                answers.append(error)
            except Moved as moved:
                # What stands behind it keeps its place: it is not kept before this one is.
                return answers or moved
        return answers

    def _take(self, chunk: Chunk) -> Receipt:
        new = self._new(chunk)
        # Only new documents are verified: a repeated one always gets its answer.
        if new and not self._stands(chunk, new):
            raise Moved(self._verification.revision)
        body = IntakeBody(self._transaction, chunk, self._receipts.body(chunk))
        received = chunk.package.received
        receipt = Receipt(tuple(self._entry(entry, body, received) for entry in chunk.entries))
        written = body.row()
        if written is not None:
            self._rows[packages.ADD].append(written)
        self._receipts.keep(chunk, receipt, body.seq, self._named(receipt))
        return receipt

    def _named(self, receipt: Receipt) -> int | None:
        """Give the seq of a message that a receipt names: the first that is more than a remnant."""
        known = [self._known[each.message.id] for each in receipt.entries if isinstance(each, Accepted)]
        known.sort(key=lambda one: one.body == REMNANT)
        return known[0].seq if known else None

    def _new(self, chunk: Chunk) -> list[IntakeDraft]:
        """Give the drafts that are no duplicates, also of one another."""
        digests: dict[_Scope, str] = {}
        new: list[IntakeDraft] = []
        for draft in chunk.drafts():
            scope = _scope(draft.message)
            if not decisions.is_duplicate(digests.get(scope) or self._digest(scope), draft.message.digest):
                digests[scope] = draft.message.digest
                new.append(draft)
        return new

    def _digest(self, scope: _Scope) -> str | None:
        here, before = self._latest.get(scope), self._before.get(scope)
        return here.message.digest if here else before.digest if before else None

    def _stands(self, chunk: Chunk, new: Sequence[IntakeDraft]) -> bool:
        package = chunk.package
        return package.intake.revision == self._verification.revision and self._verification.stands(new, package.ids)

    def _entry(self, entry: ReadyDraft | ReadyRejection, body: IntakeBody, received: bytes) -> Accepted | Rejection:
        if isinstance(entry, ReadyRejection):
            total = self._counted(entry.rejection.platform, body)
            self._rows[_REJECTIONS].append((*entry.row[:-2], body.needed(by_record=None), total))
            return entry.rejection
        return self._duplicate(entry.draft) or self._keep(entry, body, received)

    def _counted(self, platform: str, body: IntakeBody) -> int:
        """Give the bytes of all rejections of a platform, with the one that comes now."""
        if platform not in self._totals:
            self._totals[platform] = pruned_rejections.total(self._transaction.connection, platform)
        self._totals[platform] += body.counted()
        return self._totals[platform]

    def _duplicate(self, draft: IntakeDraft) -> Accepted | None:
        scope = _scope(draft.message)
        if not decisions.is_duplicate(self._digest(scope), draft.message.digest):
            return None
        here = self._latest.get(scope)
        if here is not None:
            return replace(here, index=draft.index, duplicate=True, heads=())
        kept = self._kept[self._before[scope].id]
        word = kept.acceptance(self._seals)
        return Accepted(draft.index, kept.message, tuple(kept.deliveries), duplicate=True, acceptance=word)

    # ── keeping ───────────────────────────────────────────────────────────────────────────────
    def _keep(self, ready: ReadyDraft, body: IntakeBody, received: bytes) -> Accepted:
        draft, message = ready.draft, ready.draft.message
        seq = next(self._transaction.sequences.messages)
        kept_in = body.needed(by_record=draft.index)
        self._rows[_MESSAGES].append(
            MESSAGE.write(
                message,
                seq=seq,
                headers=ready.headers,
                body=kept_in,
                record=draft.index,
                accepted_at=self._transaction.at,
                received=received,
            )
        )
        leaf = leaves.accepted(message, received, draft.index, self._at)
        leaves.add(self._transaction, [leaf])
        self._rows[_DOCUMENTS].append((seq, ready.document))
        scope = _scope(message)
        self._rows[_LATEST_NOW].append((*scope, seq))
        self._known[message.id] = _Latest(message.id, message.digest, seq, kept_in)
        before = self._before.get(scope)
        if before is not None and before.body == REMNANT and scope not in self._latest:
            self._outlived.append(before.seq)
        self._rows[_KEYS].extend((comparison_key(value), name, seq) for name, value in message.keys.items())
        said = decisions.facts_of(message)
        self._rows[_FACTS].extend((message.correlation_id, field, value, seq) for field, value in said.items())
        for platform in decisions.platforms_of(message, draft.deliveries):
            self._rows[numbers.NUMBERS].extend(numbers.number_rows(platform, draft.numbers, seq))
        self._audited.extend(draft.audited)
        self._rows[uploads.ATTACH].extend((upload, seq) for upload in draft.reads.uploads)
        self._rows[uploads.NAME].extend((upload,) for upload in draft.reads.uploads)
        heads: list[Work] = []
        deliveries = tuple(self._deliver(delivery, seq, draft, heads) for delivery in draft.deliveries)
        word = receipts.word(received, leaf.hash, self._seals)
        accepted = Accepted(draft.index, message, deliveries, heads=tuple(heads), acceptance=word)
        self._latest[scope] = accepted
        return accepted

    def _deliver(self, delivery: Delivery, message: int, draft: IntakeDraft, heads: list[Work]) -> Delivery:
        placed = replace(delivery, position=next(self._transaction.sequences.deliveries))
        if placed.platform is None:
            placed = decisions.marked(placed, draft.message.region, self._unwanted)
        lane = lanes.lane_of(placed)
        occupied, parked = self._lanes[lane] if placed.platform else (True, False)
        self._rows[lanes.ADD].append(DELIVERY.write(placed, message=message, head=not occupied))
        counts.step(self._transaction, None, placed, parked_after=parked)
        if placed.platform is None:
            return placed
        self._lanes[lane] = (True, parked)
        shown = decisions.shown(placed, self._holds.get(placed.platform, ()), parked=parked)
        if not occupied and shown.held_by is None:
            aliases = numbers.known_as(self._aliases, draft.message.correlation_id, placed.platform, draft.numbers)
            heads.append(Work(shown, draft.message, aliases=aliases))
        return shown

    # ── writing ───────────────────────────────────────────────────────────────────────────────
    def write(self) -> None:
        for statement in _IN_ORDER:
            statement.run(self._transaction.connection, self._rows[statement])
        if self._audited:
            auditing.append(self._transaction, self._audited)
        self._receipts.write()
        pruned_rejections.forget_beyond(self._transaction, sorted(self._totals))
        pruned_receipts.forget(self._transaction, self._outlived)
        pruned_cases.forget_rows(self._transaction, self._outlived)


def _named(drafts: Sequence[IntakeDraft]) -> set[numbers.Named]:
    """Give the numbers of drafts that a platform may call otherwise; those of a case that is new, none can."""
    return {
        (draft.message.correlation_id, delivery.platform, field, number)
        for draft in drafts
        if draft.message.correlation_id != draft.message.id
        for delivery in draft.deliveries
        if delivery.platform is not None
        for field, number in draft.numbers.items()
    }


_LONGEST = 600
"""Characters of an identity that is found by itself; an index of PostgreSQL takes no more than 2700 bytes."""


def _scope(message: Message) -> _Scope:
    # Found again in memory, it must be as the database gives it back.
    identity = message.identity.replace(NUL, ITS_SYMBOL) if NUL in message.identity else message.identity
    if len(identity) > _LONGEST:
        identity = f"sha256:{sha256(identity.encode()).hexdigest()}"
    return identity, message.operation, message.source
