"""One message type that an adapter sends: a document to a request, a reply to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from adapters import formats
from adapters.base import Lineage, OutboundRequest, Reply, Sending, Tree, Verdict
from adapters.bundle.grammar import InDoubt, Send
from adapters.exchange.reply import Replies
from adapters.exchange.request import body_writer, compile_envelope, compile_request, merged
from adapters.formats import codec
from adapters.formats.format import Format
from adapters.mapping import Program
from adapters.native import NativeSchema
from adapters.placeholders import Values, flatten
from schemas import documents
from schemas.budget import Budget
from schemas.findings import Rejected

_WITHOUT_BODY = frozenset({"GET", "DELETE"})


class CompiledSend:
    """A compiled `sends` entry. Same input, same bytes; what cannot be written raises `Rejected`."""

    def __init__(
        self,
        declared: Send,
        wire: Format,
        program: Program,
        schema: NativeSchema | None,
        settings: Mapping[str, Any],
        budget: Budget,
    ) -> None:
        self._format = wire
        self._program = program
        self._order = schema.shape if schema is not None else None
        self._settings = settings
        self._request = compile_request(declared.request, wire)
        self._wrap = compile_envelope(declared.envelope, self._record_text)
        answered = formats.answered(wire)
        reply_format = declared.reply_format.over(answered) if declared.reply_format else answered
        self._replies = Replies(declared.reply, reply_format, budget)
        self._doubt = (
            CompiledInDoubt(declared.in_doubt, wire, reply_format, budget) if declared.in_doubt is not None else None
        )

    def _record_text(self, record: Tree) -> str:
        return codec.write_text(self._format, record)

    def write(self, sending: Sending) -> OutboundRequest:
        """Write the request for a message, without authentication."""
        sending = self._mended(sending)
        values = self._values(sending)
        record = self._program.outward(sending.document, values)
        tree = self._wrap(values, record)
        wire = None if self._request.method in _WITHOUT_BODY else formats.write(self._format, tree, self._order)
        return self._request.write(values, wire)

    def judge(self, reply: Reply, budget: Budget | None = None) -> Verdict:
        """Read a reply by the declared rules, then the defaults."""
        return self._replies.judge(reply, budget)

    def ask(self, sending: Sending) -> OutboundRequest | None:
        """Write the question to put before resending; None when it cannot be asked."""
        try:
            return self._doubt.write(self._values(self._mended(sending))) if self._doubt is not None else None
        except Rejected:
            # The question needs a value that this document lacks: resend, as without `in_doubt`.
            return None

    def judge_answer(self, reply: Reply, budget: Budget | None = None) -> Verdict:
        """Read the answer to the question."""
        return self._doubt.judge(reply, budget) if self._doubt is not None else self.judge(reply, budget)

    def lineage(self) -> Sequence[Lineage]:
        """Tell where each canonical field goes."""
        return self._program.explain()

    def _mended(self, sending: Sending) -> Sending:
        # A message may have waited since before the check moved citizen ids, and may be replayed years later.
        document = documents.mended(self._program.document, sending.document)
        return sending if document is sending.document else replace(sending, document=dict(document))

    def _values(self, sending: Sending) -> Values:
        return values_of(sending, self._settings)


class CompiledInDoubt:
    """A compiled `in_doubt`: the question, and how its answer is read."""

    def __init__(self, declared: InDoubt, wire: Format, reply_format: Format, budget: Budget) -> None:
        self._format = wire
        self._request = compile_request(declared.request, wire)
        self._body = body_writer(declared.body, wire)
        self._replies = Replies(declared.reply, reply_format, budget)

    def write(self, values: Values) -> OutboundRequest:
        """Write the question."""
        return self._request.write(values, self._body(values))

    def judge(self, reply: Reply, budget: Budget | None = None) -> Verdict:
        """Read the answer."""
        return self._replies.judge(reply, budget)


def values_of(sending: Sending, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Give what placeholders may name: the document's fields, the settings, and the facts of the delivery."""
    # A later one wins: a setting over a field of the same name, and the facts over both.
    return {
        **flatten(sending.document),
        **merged(defaults, sending.settings),
        "delivery_id": sending.delivery_id,
        "message_id": sending.message_id,
        "accepted_at": sending.accepted_at,
        "count": 1,
    }
