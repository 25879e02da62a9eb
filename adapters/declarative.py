"""A bundle with its mappings compiled is an adapter: no code but the declarations in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from adapters import bundle as bundles
from adapters.base import (
    Answer,
    Limits,
    Lineage,
    OutboundRequest,
    Package,
    Record,
    Reply,
    RetrySchedule,
    Sending,
    Setting,
    Translation,
    Verdict,
)
from adapters.bundle import Bundle
from adapters.compiled import Compiled, compile_bundle
from adapters.receiving import Receiving
from adapters.requests import merged
from adapters.sending import Outgoing
from schemas.findings import Rejected, Text

_T = TypeVar("_T")


class DeclarativeAdapter:
    """An adapter made of a bundle alone; raises `adapters.source.BrokenBundle` when it does not compile.

    Immutable once made; every method is pure and safe from any thread.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._compiled: Compiled = compile_bundle(bundle)
        self._settings = bundle.manifest.operator_settings()
        self._limits = bundle.manifest.limits.value()
        self._retry = bundle.manifest.retry.value()

    @property
    def bundle(self) -> Bundle:
        """What it was made of."""
        return self._bundle

    @property
    def compiled(self) -> Compiled:
        """The compiled parts, for the check and the sandbox."""
        return self._compiled

    @property
    def name(self) -> str:
        return self._bundle.manifest.adapter

    @property
    def version(self) -> str:
        return self._bundle.manifest.version

    @property
    def title(self) -> str:
        return self._bundle.manifest.title

    @property
    def kind(self) -> str:
        return self._bundle.manifest.kind

    @property
    def digest(self) -> str:
        return self._bundle.digest

    @property
    def settings(self) -> Mapping[str, Setting]:
        return self._settings

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def retry(self) -> RetrySchedule:
        return self._retry

    @property
    def receives(self) -> Mapping[str, str]:
        return {name: operation.type for name, operation in self._compiled.receives.items()}

    @property
    def sends(self) -> frozenset[str]:
        return frozenset(self._compiled.sends)

    @property
    def queries(self) -> frozenset[str]:
        return frozenset(self._compiled.queries)

    def read(self, operation: str, body: bytes, content_type: str | None = None) -> Package:
        return _known(self._compiled.receives, operation).read(body, content_type)

    def translate_in(self, operation: str, record: Record) -> Translation:
        return _known(self._compiled.receives, operation).translate_in(record)

    def answer(self, operation: str, *, accepted: bool, values: Mapping[str, str]) -> Answer | None:
        return _known(self._compiled.receives, operation).answer(accepted=accepted, values=values)

    def translate_out(self, sending: Sending) -> OutboundRequest:
        return _known(self._compiled.sends, sending.type).write(sending)

    def authorise(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        return self._bundle.manifest.auth.apply(request, merged(self._compiled.defaults, settings))

    def judge(self, message_type: str, reply: Reply) -> Verdict:
        return _known(self._compiled.sends, message_type).judge(reply)

    def ask(self, sending: Sending) -> OutboundRequest | None:
        return _known(self._compiled.sends, sending.type).ask(sending)

    def judge_answer(self, message_type: str, reply: Reply) -> Verdict:
        return _known(self._compiled.sends, message_type).judge_answer(reply)

    def query(
        self, name: str, parameters: Mapping[str, str], settings: Mapping[str, Any], page: int = 1
    ) -> OutboundRequest | None:
        return _known(self._compiled.queries, name).write(parameters, settings, page)

    def read_query(self, name: str, reply: Reply, page: int = 1) -> tuple[Sequence[Translation], bool]:
        return _known(self._compiled.queries, name).read(reply, page)

    def lineage(self, name: str) -> Sequence[Lineage]:
        spoken: Mapping[str, Receiving | Outgoing] = {**self._compiled.sends, **self._compiled.receives}
        return _known(spoken, name).lineage()


def load(path: Path | str) -> DeclarativeAdapter:
    """Load the adapter in a folder or a zip; raises `adapters.source.BrokenBundle` with every fault."""
    return DeclarativeAdapter(bundles.load(path))


def _known(entries: Mapping[str, _T], name: str) -> _T:
    found = entries.get(name)
    if found is None:
        known = "、".join(sorted(entries)) or "—"
        text = Text(f"此适配器没有 {name}；有：{known}", f"this adapter has no {name}; it has: {known}")
        raise Rejected("operation.unknown", text, status=404)
    return found
