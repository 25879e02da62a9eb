"""One message type that an adapter sends: a document to a request, a reply to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters import formats
from adapters.base import Lineage, OutboundRequest, Reply, Sending, Tree, Verdict
from adapters.bundle.manifest import InDoubt, Send
from adapters.envelope import compile_envelope, compile_tree
from adapters.formats import codec
from adapters.formats.format import EncodedBody, Format
from adapters.mapping import Program
from adapters.native import NativeSchema
from adapters.placeholders import Values, flatten
from adapters.replies import Replies
from adapters.requests import compile_request, merged
from schemas.findings import Rejected

_WITHOUT_BODY = frozenset({"GET", "DELETE"})


class Outgoing:
    """A compiled `sends` entry. Same input, same bytes; what cannot be written raises `Rejected`."""

    def __init__(
        self,
        declared: Send,
        wire: Format,
        program: Program,
        schema: NativeSchema | None,
        settings: Mapping[str, Any],
        limit: int,
    ) -> None:
        self._format = wire
        self._program = program
        self._order = schema.shape if schema is not None else None
        self._settings = settings
        self._request = compile_request(declared.request, wire)
        self._wrap = compile_envelope(declared.envelope, self._record_text)
        heard = declared.reply_format.over(formats.answered(wire)) if declared.reply_format else formats.answered(wire)
        self._replies = Replies(declared.reply, heard, limit)
        self._doubt = Doubt(declared.in_doubt, wire, heard, limit) if declared.in_doubt is not None else None

    def _record_text(self, record: Tree) -> str:
        return codec.write_text(self._format, record)

    def write(self, sending: Sending) -> OutboundRequest:
        """Write the request for a message, without authentication."""
        values = self._values(sending)
        record = self._program.outward(sending.document, values)
        tree = self._wrap(values, record)
        wire = None if self._request.method in _WITHOUT_BODY else formats.write(self._format, tree, self._order)
        return self._request.write(values, wire)

    def judge(self, reply: Reply) -> Verdict:
        """Read a reply by the declared rules, then the defaults."""
        return self._replies.judge(reply)

    def ask(self, sending: Sending) -> OutboundRequest | None:
        """Write the question to put before resending; None when it cannot be asked."""
        try:
            return self._doubt.write(self._values(sending)) if self._doubt is not None else None
        except Rejected:
            return None

    def judge_answer(self, reply: Reply) -> Verdict:
        """Read the answer to the question."""
        return self._doubt.judge(reply) if self._doubt is not None else self.judge(reply)

    def lineage(self) -> Sequence[Lineage]:
        """Tell where each canonical field goes."""
        return self._program.explain()

    def _values(self, sending: Sending) -> Values:
        return values_of(sending, self._settings)


class Doubt:
    """A compiled `in_doubt`: the question, and how its answer is read."""

    def __init__(self, declared: InDoubt, wire: Format, heard: Format, limit: int) -> None:
        self._format = wire
        self._request = compile_request(declared.request, wire)
        self._body = body_writer(declared.body, wire)
        self._replies = Replies(declared.reply, heard, limit)

    def write(self, values: Values) -> OutboundRequest:
        """Write the question."""
        return self._request.write(values, self._body(values))

    def judge(self, reply: Reply) -> Verdict:
        """Read the answer."""
        return self._replies.judge(reply)


def values_of(sending: Sending, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Give what placeholders may name: the document's fields, the settings, and the facts of the delivery."""
    return {
        **flatten(sending.document),
        **merged(defaults, sending.settings),
        "delivery_id": sending.delivery_id,
        "message_id": sending.message_id,
        "accepted_at": sending.accepted_at,
        "count": 1,
    }


def body_writer(body: Tree, wire: Format) -> Callable[[Values], EncodedBody | None]:
    """Compile a constant body with placeholders; None writes none."""
    if body is None:
        return lambda values: None
    build = compile_tree(body)
    return lambda values: formats.write(wire, build(values))
