"""How the platform of a bundle behaves: takes documents, remembers them by key, confirms them, serves its records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from adapters import formats, paths, placeholders
from adapters.adapter import DeclarativeAdapter
from adapters.base import Tree
from adapters.bundle.grammar import PARAMETERS, Send
from adapters.bundle.signed import OAuth2Client
from adapters.exchange.request import record_path
from adapters.formats import codec
from adapters.formats.format import Body, Format, as_text
from adapters.mapping import Program
from adapters.native import NativeSchema
from adapters.placeholders import RECORD_TEXT
from gateway.clock import Clock
from gateway.sandbox.patterns import ReceivedCall, RequestPattern, Use, request_patterns
from gateway.sandbox.wording import (
    NOT_FOUND,
    REFUSED,
    DoubleAnswer,
    page_answer,
    plain_answer,
    reply_format,
    verdict_answer,
)
from schemas.findings import Rejected

_BODY = 16 * 1024 * 1024
_TOKEN_SECONDS = 600
_OTHER_BYTES = "同一 Idempotency-Key 重发的内容不同 （other bytes under the same key）"


@dataclass(slots=True)
class Received:
    """One document as it came. `answer` is the first one given, `times` how often the key came.

    `arrivals` are those times: when it came, and when the whole answer had been handed to the connection (None: never).
    """

    key: str
    type: str
    at: datetime
    call: ReceivedCall
    problems: tuple[str, ...] = ()
    accepted: bool = False
    reference: str | None = None
    answer: DoubleAnswer | None = None
    times: int = 1
    arrivals: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Tell whether the platform's own schema allows it."""
        return not self.problems


@dataclass(slots=True)
class Memory:
    """Everything received, in order of first arrival."""

    _all: list[Received] = field(default_factory=list)
    _by_key: dict[str, Received] = field(default_factory=dict)

    def known(self, key: str) -> Received | None:
        """Give what came under a key before."""
        return self._by_key.get(key)

    def keep(self, received: Received) -> None:
        """Remember a document; one without a key is never recognised again."""
        self._all.append(received)
        if received.key:
            self._by_key[received.key] = received

    def accepted(self, message_type: str) -> Iterator[Received]:
        """Give the accepted documents of a type, newest first."""
        return (one for one in reversed(self._all) if one.accepted and one.type == message_type)

    def __iter__(self) -> Iterator[Received]:
        return iter(self._all)

    def clear(self) -> None:
        """Forget everything."""
        self._all.clear()
        self._by_key.clear()


def _reference_for(key: str) -> str:
    """Invent the platform's own number for a document: the same for the same key, digits only."""
    return f"{int.from_bytes(sha256(key.encode()).digest()[:8], 'big') % 10**16:016d}"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The platform's side of one `sends` entry: how a document is read, and how it is answered."""

    type: str
    send: Send
    wire: Format
    heard: Format
    schema: NativeSchema | None
    program: Program

    def read(self, call: ReceivedCall) -> tuple[Body | None, tuple[str, ...]]:
        """Read a document; give it, and what the platform's own schema has against it."""
        if not call.body:
            return Body({}), ()
        try:
            body = formats.read(self.wire, call.body, call.headers.get("content-type"), limit=_BODY)
        except Rejected as rejected:
            return None, (rejected.detail.zh,)
        if self.schema is None:
            return body, ()
        return body, tuple(f"{finding.path} {finding.message.zh}".strip() for _, finding in self.schema.faults(body))

    def accept(self, reference: str) -> DoubleAnswer:
        """Say yes."""
        said = verdict_answer(self.send.reply, "accepted", self.heard, reference=reference)
        return said or plain_answer(200, self.heard)

    def refuse(self) -> DoubleAnswer:
        """Say no, as a business answer where the platform has one."""
        said = verdict_answer(self.send.reply, "refused", self.heard, reason=REFUSED)
        return said or plain_answer(422, self.heard, reason=REFUSED)

    def confirm(self, reference: str | None) -> DoubleAnswer:
        """Say that a document did arrive; None: that it did not."""
        rules = self.send.in_doubt.reply if self.send.in_doubt is not None else ()
        if reference is None:
            said = verdict_answer(rules, "retry", self.heard, reason=NOT_FOUND)
            return said or plain_answer(404, self.heard, reason=NOT_FOUND)
        return verdict_answer(rules, "accepted", self.heard, reference=reference) or plain_answer(200, self.heard)

    def leaves(self, call: ReceivedCall) -> Mapping[str, str]:
        """Give the canonical leaves of a document that was accepted, as far as the mapping reads them back."""
        body, _ = self.read(call)
        record = self._record(body.tree) if body is not None else None
        document = self.program.code.inward(record)[0] if isinstance(record, dict) else {}
        return {path: as_text(value) for path, value in placeholders.flatten(document).items()}

    def _record(self, tree: Tree) -> Tree:
        where = record_path(self.send.envelope)
        if where is not None:
            return paths.first(tree, where)
        text = next((said for name, said in _embedded(self.send.envelope, tree) if name == RECORD_TEXT), "")
        return formats.read(codec.inner(self.wire), text.encode("utf-8")).tree


def _embedded(envelope: Tree, tree: Tree) -> Iterator[tuple[str, str]]:
    if isinstance(envelope, dict) and isinstance(tree, dict):
        for name, inner in envelope.items():
            yield from _embedded(inner, tree.get(name))
    elif isinstance(envelope, str) and isinstance(tree, str):
        yield placeholders.parse(envelope).alone or "", tree


def counterparts(adapter: DeclarativeAdapter) -> Mapping[str, Counterpart]:
    """Give every counterpart of a bundle, by message type."""
    compiled = adapter.compiled
    return {
        name: Counterpart(
            type=name,
            send=send,
            wire=compiled.formats["sends", name],
            heard=reply_format(send, compiled.formats["sends", name]),
            schema=compiled.schemas.get(("sends", name)),
            program=compiled.programs[send.mapping],
        )
        for name, send in adapter.bundle.manifest.sends.items()
    }


@dataclass
class PlatformDouble:
    """A platform without a socket: a call in, an answer out.

    `refusing`: every document gets a business no. `records` are what its queries find, by query.
    """

    adapter: DeclarativeAdapter
    clock: Clock
    memory: Memory = field(default_factory=Memory)
    records: dict[str, list[Tree]] = field(default_factory=dict)
    refusing: bool = False

    def __post_init__(self) -> None:
        self._patterns = tuple(request_patterns(self.adapter.bundle.manifest))
        self._counterparts = counterparts(self.adapter)

    def counterpart(self, message_type: str) -> Counterpart:
        """Give the counterpart of a message type."""
        return self._counterparts[message_type]

    def answer(self, call: ReceivedCall) -> tuple[DoubleAnswer, bool]:
        """Answer a call; and tell whether it was a document that was accepted just now."""
        if self._asks_token(call):
            return self._token(), False
        candidates = [pattern for pattern in self._patterns if pattern.fits(call)]
        if not candidates:
            return plain_answer(404, Format(), reason=NOT_FOUND), False
        pattern = self._best(candidates, call)
        if pattern.use is Use.SEND:
            return self._take(self._counterparts[pattern.name], call)
        if pattern.use is Use.ASK:
            return self._confirm(pattern, self._counterparts[pattern.name], call), False
        return self._serve(pattern, call), False

    def _best(self, candidates: Sequence[RequestPattern], call: ReceivedCall) -> RequestPattern:
        """Of several patterns at one address, the one whose schema allows what came."""
        if len(candidates) > 1:
            for pattern in candidates:
                if pattern.use is Use.SEND and not self._counterparts[pattern.name].read(call)[1]:
                    return pattern
        return candidates[0]

    # ── tokens ────────────────────────────────────────────────────────────────────────────────
    def _asks_token(self, call: ReceivedCall) -> bool:
        auth = self.adapter.bundle.manifest.auth
        return isinstance(auth, OAuth2Client) and (call.method, call.path) == ("POST", auth.path)

    def _token(self) -> DoubleAnswer:
        auth = self.adapter.bundle.manifest.auth
        assert isinstance(auth, OAuth2Client)
        tree: dict[str, Any] = {}
        for path, value in ((auth.token, "token-of-the-double"), (auth.expires, _TOKEN_SECONDS)):
            *above, last = path.split(".")
            place = tree
            for name in above:
                place = place.setdefault(name, {})
            place[last] = value
        return DoubleAnswer(200, tree, Format())

    # ── documents ─────────────────────────────────────────────────────────────────────────────
    def _take(self, counterpart: Counterpart, call: ReceivedCall) -> tuple[DoubleAnswer, bool]:
        key = call.headers.get("idempotency-key", "")
        known = self.memory.known(key)
        if known is not None:
            known.times += 1
            known.arrivals.append((self.clock(), None))
        # Only an accepted key is repeated: a refused or failed document may be corrected and sent under its key.
        if known is not None and known.accepted and known.answer is not None:
            if known.call.body != call.body and _OTHER_BYTES not in known.problems:
                known.problems = (*known.problems, _OTHER_BYTES)
            return known.answer, False
        received = known or self._new(key, counterpart, call)
        received.call = call
        _, received.problems = counterpart.read(call)
        return self._decide(received, counterpart)

    def _new(self, key: str, counterpart: Counterpart, call: ReceivedCall) -> Received:
        now = self.clock()
        received = Received(key, counterpart.type, now, call, arrivals=[(now, None)])
        self.memory.keep(received)
        return received

    def _decide(self, received: Received, counterpart: Counterpart) -> tuple[DoubleAnswer, bool]:
        received.accepted = received.valid and not self.refusing
        if received.accepted:
            received.reference = _reference_for(received.key or str(id(received)))
            received.answer = counterpart.accept(received.reference)
        else:
            received.answer = counterpart.refuse()
        return received.answer, received.accepted

    def answered(self, call: ReceivedCall, arrival: int) -> None:
        """Take note that the answer to the n-th arrival of a call's key has left as a whole."""
        known = self.memory.known(call.headers.get("idempotency-key", ""))
        if known is not None and 0 <= arrival < len(known.arrivals):
            known.arrivals[arrival] = (known.arrivals[arrival][0], self.clock())

    def arrivals(self, call: ReceivedCall) -> int:
        """Give how often a call's key has come."""
        known = self.memory.known(call.headers.get("idempotency-key", ""))
        return len(known.arrivals) if known is not None else 0

    # ── questions ─────────────────────────────────────────────────────────────────────────────
    def _confirm(self, pattern: RequestPattern, counterpart: Counterpart, call: ReceivedCall) -> DoubleAnswer:
        asked = pattern.values(call, self._tree(counterpart.wire, call))
        found = next(
            (one for one in self.memory.accepted(pattern.name) if _agrees(asked, counterpart.leaves(one.call))), None
        )
        return counterpart.confirm(found.reference if found is not None else None)

    def _serve(self, pattern: RequestPattern, call: ReceivedCall) -> DoubleAnswer:
        query = self.adapter.bundle.manifest.queries[pattern.name]  # type: ignore[index]
        wire = self.adapter.compiled.formats["queries", pattern.name]
        asked = pattern.values(call, self._tree(wire, call))
        wanted = [asked[name] for name in PARAMETERS if asked.get(name)]
        found = [record for record in self.records.get(pattern.name, ()) if _holds(record, wanted)]
        if query.pages is None:
            return page_answer(query, wire, found, len(found))
        number = asked.get(query.pages.number, "1")
        first = (max(1, int(number)) - 1 if number.isdecimal() else 0) * query.pages.size
        return page_answer(query, wire, found[first : first + query.pages.size], len(found))

    def _tree(self, wire: Format, call: ReceivedCall) -> Tree:
        if not call.body:
            return None
        try:
            return formats.read(wire, call.body, call.headers.get("content-type"), limit=_BODY).tree
        except Rejected:
            return None

    # ── what was received ─────────────────────────────────────────────────────────────────────
    def received(self) -> list[dict[str, Any]]:
        """Give everything received, in order of first arrival, as it is shown."""
        return [self._shown(one) for one in self.memory]

    def _shown(self, one: Received) -> dict[str, Any]:
        native = self._tree(self._counterparts[one.type].wire, one.call)
        return {
            "key": one.key,
            "type": one.type,
            "at": one.at.isoformat(),
            "valid": one.valid,
            "problems": list(one.problems),
            "native": native if native is not None else one.call.body.decode("utf-8", "replace"),
            "times": one.times,
            "accepted": one.accepted,
            "reference": one.reference,
            "arrivals": [
                {"at": at.isoformat(), "answered": answered.isoformat() if answered is not None else None}
                for at, answered in one.arrivals
            ],
        }


def _agrees(asked: Mapping[str, str], leaves: Mapping[str, str]) -> bool:
    """Tell whether a document is the one asked for: what the question says of it is so."""
    about = {name: value for name, value in asked.items() if name in leaves}
    return bool(about) and all(leaves[name] == value for name, value in about.items())


def _holds(record: Tree, wanted: Sequence[str]) -> bool:
    texts = list(_texts(record))
    return all(any(value in text for text in texts) for value in wanted)


def _texts(tree: Tree) -> Iterator[str]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _texts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _texts(value)
    else:
        yield as_text(tree)
