"""Evidence: all that is kept of a message or a case, with its proofs and what verifies them, in one file."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import combinations
from typing import Any

import orjson
from msgspec.structs import asdict

from gateway.audit.bundle import check_bundle
from gateway.audit.hashing import sha256
from gateway.audit.leaf import ACCEPTED, ENDED
from gateway.audit.script import script
from gateway.audit.signatures import algorithm_of, head_text
from gateway.audit.signing import SignedHead
from gateway.clock import Clock
from gateway.errors import HutongError
from gateway.hub.sequencer import Sequencer
from gateway.ledger.base import Ledger
from gateway.ledger.errors import leaf_waits, no_message
from gateway.ledger.records import AuditEntry, KnownKey, ProvedLeaf
from gateway.message import Attempt, Delivery, Message, reached, with_value
from gateway.oversight.cases import CaseFinder
from schemas.catalog import TYPES
from schemas.findings import Text

MOST = 256 << 20
"""Bytes of all files of one bundle; a case with more is fetched message by message."""

READ = "evidence.read"
"""The entry of the audit when evidence is given out."""

_FORMAT = "hutong evidence 1"

_ENTRIES = 100_000
"""Entries of the audit about one message or delivery: all of them, for the verifier misses each that is left out."""

_TRIES = 3
"""How often a bundle is made: what is written while it is made is newer than its head, and has no proof yet."""


class Evidence:
    """Puts bundles of evidence together. Whoever gets one is recorded, before it is given out."""

    def __init__(self, ledger: Ledger, cases: CaseFinder, sequencer: Sequencer, clock: Clock) -> None:
        self._ledger = ledger
        self._cases = cases
        self._sequencer = sequencer
        self._clock = clock

    async def of_message(self, message_id: str, actor: str, *, seen: Sequence[int] = ()) -> bytes:
        """Give the bundle of a message: a zip; NotFound `leaf.waiting` while no head covers its leaf.

        `seen`: the sizes of heads that somebody kept; the bundle proves that its own head begins with theirs.
        """
        message = await self._ledger.message(message_id)
        if message is None:
            raise no_message(message_id)
        return await self._bundle([message], message_id, actor, seen)

    async def of_case(
        self, number: str, actor: str, *, issued_by: str | None = None, seen: Sequence[int] = ()
    ) -> bytes:
        """Give the bundle of a case, found as `CaseFinder.of` says; `seen` as for a message."""
        case = await self._cases.of(number, issued_by=issued_by)
        return await self._bundle(case.messages, case.correlation_id, actor, seen)

    async def _bundle(self, messages: Sequence[Message], subject: str, actor: str, seen: Sequence[int]) -> bytes:
        await self._ledger.note([AuditEntry(self._clock(), actor, READ, subject)])
        for _ in range(_TRIES):
            bundle = await self._made(messages, subject, seen)
            if not await asyncio.to_thread(check_bundle, BytesIO(bundle)):
                break
        return bundle

    async def _made(self, messages: Sequence[Message], subject: str, seen: Sequence[int]) -> bytes:
        await self._sequencer.grow()
        head = await self._ledger.newest_head()
        if head is None:
            raise leaf_waits()
        files = _Files()
        told = [await self._message(message, head, files) for message in messages]
        older = [await self._ledger.prove_consistency(size, head.size) for size in seen]
        keys = await self._ledger.signing_keys()
        public = next(key.public for key in keys if key.id == head.key_id)
        index = {
            "format": _FORMAT,
            "subject": subject,
            "made_at": self._clock(),
            "head": shown_head(head, public),
            "consistency": [{"size": one.old, "path": [each.hex() for each in one.path]} for one in older],
            "stamps": await self._stamps(told, head, keys, files),
            "keys": [shown_key(key) for key in keys],
            "messages": told,
        }
        return await asyncio.to_thread(files.zipped, index)

    async def _stamps(
        self, told: Sequence[Mapping[str, Any]], head: SignedHead, keys: Sequence[KnownKey], files: _Files
    ) -> list[dict[str, Any]]:
        """Give the first time-stamp of a head that covers all messages, and the newest, with what proves them.

        None where no head up to the bundle's own was stamped since.
        """
        places = [leaf["index"] for one in told for leaf in one["leaves"] if leaf["kind"] == ACCEPTED]
        least = 1 + max(places, default=0)
        found = {one.size: one for one in await self._ledger.stamps(least, 1)}
        newest = await self._ledger.newest_stamp()
        found |= {newest.size: newest} if newest is not None and newest.size >= least else {}
        shown = []
        for size, stamp in sorted(found.items()):
            if size > head.size:
                continue
            [stamped] = await self._ledger.signed_heads(size, 1)
            proof = await self._ledger.prove_consistency(size, head.size)
            public = next(key.public for key in keys if key.id == stamped.key_id)
            text = head_text(stamped.origin, stamped.size, stamped.root, stamped.at)
            shown.append(
                {
                    "at": stamp.at,
                    "head": shown_head(stamped, public),
                    "path": [each.hex() for each in proof.path],
                    "answer": files.add(f"stamps/{size}.tsr", stamp.answer),
                    "content": files.add(f"stamps/{size}.head", text),
                }
            )
        return shown

    async def _message(self, message: Message, head: SignedHead, files: _Files) -> dict[str, Any]:
        native = await self._ledger.native(message.id)
        received = files.add(f"received/{message.id}", native.body) if native is not None else None
        sent = as_sent(message)
        document = files.add(f"documents/{message.id}.json", sent) if sent is not None else None
        await self._ledger.prove_message(message.id)  # says what is the matter where it has no leaf, or none yet
        leaves = await self._ledger.proved_leaves(message.id, head.size)
        return {
            **{name: value for name, value in asdict(message).items() if name != "document"},
            "received": received,
            "content_type": native.content_type if native else None,
            "record": native.index if native else None,
            "document": document,
            "leaves": _shown(leaves),
            "audit": [asdict(entry) for entry in await self._ledger.audit(message.id, _ENTRIES, reads=True)],
            "deliveries": [
                await self._delivery(one, head, files) for one in await self._ledger.deliveries_of(message.id)
            ],
        }

    async def _delivery(self, delivery: Delivery, head: SignedHead, files: _Files) -> dict[str, Any]:
        sent = await self._ledger.sent(delivery.id)
        request = None
        if sent is not None:
            body = files.add(f"sent/{delivery.id}", sent.body)
            request = {"method": sent.method, "path": sent.path, "headers": dict(sent.headers), "body": body}
        leaves = await self._ledger.proved_leaves(delivery.id, head.size)
        attempts = _covered(await self._ledger.attempts_of(delivery.id), leaves)
        return {
            **asdict(delivery),
            "request": request,
            "attempts": [_attempt(one, files) for one in attempts],
            "levels": _reached(attempts),
            "leaves": _shown(leaves),
            "audit": [asdict(entry) for entry in await self._ledger.audit(delivery.id, _ENTRIES, reads=True)],
        }


class _Files:
    """The files of a bundle so far."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._size = 0

    def add(self, name: str, content: bytes) -> str:
        """Add a file; gives its name. HutongError `evidence.too-large`."""
        self._size += len(content)
        if self._size > MOST:
            raise HutongError(
                Text(
                    "证据超过 256 MB；请按报文逐一下载：GET /v1/messages/{id}/evidence。",
                    "The evidence has more than 256 MB; fetch it message by message: GET /v1/messages/{id}/evidence.",
                ),
                code="evidence.too-large",
            )
        self._files[name] = content
        return name

    def zipped(self, index: Mapping[str, Any]) -> bytes:
        """Write the bundle."""
        output = BytesIO()
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("evidence.json", orjson.dumps(index, default=str, option=orjson.OPT_INDENT_2))
            bundle.writestr("verify.py", script())
            for name, content in self._files.items():
                bundle.writestr(name, content)
        return output.getvalue()


def as_sent(message: Message) -> bytes | None:
    """Write a message's document as its digest was made of: in order, with the sender's own numbers.

    None when the document was let go of; one that cannot be written so is written as it is kept.
    """
    if not message.document:
        return None
    numbers = TYPES[message.type].numbers if message.type in TYPES else ()
    paths = [path for path in numbers if path.rpartition(".")[2] in message.raw_numbers]
    for count in range(len(paths) + 1):
        for own in combinations(paths, count):
            document = dict(message.document)
            for path in own:
                document = with_value(document, path, message.raw_numbers[path.rpartition(".")[2]])
            written = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
            if sha256(written).hex() == message.digest:
                return written
    return orjson.dumps(dict(message.document), option=orjson.OPT_SORT_KEYS)


def _covered(attempts: Sequence[Attempt], leaves: Sequence[ProvedLeaf]) -> Sequence[Attempt]:
    """Leave out attempts that ended since the head was signed; none, where a leaf tells of something else than is kept.

    Then it is in the bundle what is kept, and the verifier says that no leaf states it.
    """
    statements = [each.statement for each in leaves if each.leaf.kind == ENDED]
    if None in statements:
        return attempts
    stated = {orjson.loads(each or b"{}").get("number") for each in statements}
    return [one for one in attempts if one.number in stated]


def _attempt(attempt: Attempt, files: _Files) -> dict[str, Any]:
    reply = files.add(f"replies/{attempt.delivery_id}/{attempt.number}", attempt.reply) if attempt.reply else None
    answered = None if attempt.answered is None else attempt.answered.hex()
    return {**asdict(attempt), "reply": reply, "answered": answered}


def _reached(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    return [{**asdict(each), "digest": each.digest.hex()} for each in reached(attempts)]


def _shown(leaves: Sequence[ProvedLeaf]) -> list[dict[str, Any]]:
    return [
        {
            **shown_leaf(each),
            "statement": None if each.statement is None else each.statement.decode(),
        }
        for each in leaves
    ]


def shown_leaf(proved: Any) -> dict[str, Any]:
    """Show a leaf with its place and its proof (`number`, `leaf` and `path` of it), hashes as hexadecimal."""
    leaf = proved.leaf
    return {
        "kind": leaf.kind,
        "subject": leaf.subject,
        "digest": leaf.digest.hex(),
        "at": leaf.at,
        "leaf": leaf.hash.hex(),
        "index": proved.number,
        "path": [each.hex() for each in proved.path],
    }


def shown_head(head: SignedHead, public: bytes) -> dict[str, Any]:
    """Show a signed head as `verify.is_head` reads it."""
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "at": head.at,
        "algorithm": algorithm_of(public),
        "key_id": head.key_id,
        "public_key": public.hex(),
        "signature": head.signature.hex(),
    }


def shown_key(key: KnownKey) -> dict[str, Any]:
    """Show a public key."""
    at: datetime = key.at
    return {"id": key.id, "algorithm": key.algorithm, "public_key": key.public.hex(), "since": at}
