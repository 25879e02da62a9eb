"""Every bundled adapter against the double made of it: they understand each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters import paths
from adapters.adapter import DeclarativeAdapter
from adapters.base import OutboundRequest, Reply, Sending, VerdictKind
from adapters.check.samples import Pair, pairs
from adapters.check.subject import subject
from adapters.formats import json
from gateway.sandbox.patterns import ReceivedCall
from gateway.sandbox.platform import PlatformDouble

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def call(request: OutboundRequest, key: str = "") -> ReceivedCall:
    """Give a request as the platform receives it."""
    parts = urlsplit(request.path)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return ReceivedCall(request.method, parts.path, parts.query, {**headers, "idempotency-key": key}, request.body)


def samples(adapter: DeclarativeAdapter, names: Any) -> Iterator[Pair]:
    """Give the samples of what an adapter sends, or asks."""
    return (pair for pair in pairs(subject(adapter.bundle), []) if pair.name in names)


def sendings(adapter: DeclarativeAdapter) -> Iterator[tuple[str, Sending]]:
    """Give every sample of every type it sends, with a key."""
    settings = subject(adapter.bundle).settings
    for pair in samples(adapter, adapter.sends):
        for n, document in enumerate(pair.canonical if isinstance(pair.canonical, list) else [pair.canonical]):
            key = f"{pair.file}-{n}"
            yield key, Sending(pair.name, document, settings, key, key, NOW)


def double_of(adapter: DeclarativeAdapter) -> PlatformDouble:
    """Give the platform of a bundle."""
    return PlatformDouble(adapter, lambda: NOW)


def test_what_an_adapter_writes_its_platform_takes(bundled: DeclarativeAdapter) -> None:
    """Valid by the platform's own schema, told apart by type, accepted, with a number of its own."""
    double, seen = double_of(bundled), set()
    for key, sending in sendings(bundled):
        answer, taken = double.answer(call(bundled.translate_out(sending), key))
        verdict = bundled.judge(sending.type, answer.written())
        received = double.memory.known(key)
        assert received is not None
        assert (received.type, received.problems, taken) == (sending.type, (), True)
        assert verdict.kind is VerdictKind.ACCEPTED
        assert verdict.reference in (received.reference, None)
        seen.add(sending.type)
    assert seen == bundled.sends


def test_what_its_platform_refuses_an_adapter_reads_as_a_no(bundled: DeclarativeAdapter) -> None:
    """Refused, with the reason; never accepted."""
    double = double_of(bundled)
    double.refusing = True
    for key, sending in sendings(bundled):
        answer, taken = double.answer(call(bundled.translate_out(sending), key))
        verdict = bundled.judge(sending.type, answer.written())
        assert not taken
        assert (verdict.kind, verdict.reason) == (VerdictKind.REFUSED, "业务校验未通过")


def test_questions_are_answered_from_memory(bundled: DeclarativeAdapter) -> None:
    """Before it came: resend. After it came: accepted, with the number it was given."""
    for key, sending in sendings(bundled):
        double, question = double_of(bundled), bundled.ask(sending)
        if question is None:
            continue
        before, _ = double.answer(call(question))
        assert bundled.judge_answer(sending.type, before.written()).kind is VerdictKind.RETRY
        double.answer(call(bundled.translate_out(sending), key))
        after, _ = double.answer(call(question))
        verdict = bundled.judge_answer(sending.type, after.written())
        received = double.memory.known(key)
        assert received is not None
        assert (verdict.kind, verdict.reference) == (VerdictKind.ACCEPTED, received.reference)


def test_queries_find_the_records_it_was_given(bundled: DeclarativeAdapter) -> None:
    """A dossier's question finds an enterprise's records, page after page, and nobody else's."""
    for name in bundled.queries:
        record, document = next(recorded(bundled, name))
        double = double_of(bundled)
        double.records = {name: [record] * 45}
        code = next(document[party]["credit_code"] for party in ("party", "holder", "builder") if party in document)
        assert len(asked(bundled, double, name, code)) == 45
        assert asked(bundled, double, name, "91330100MA27XXXX0A") == []


def recorded(adapter: DeclarativeAdapter, name: str) -> Iterator[tuple[Any, Any]]:
    """Give the records in the samples of a query, with their documents."""
    each = paths.in_body(adapter.bundle.manifest.queries[name].each)  # type: ignore[index]
    for pair in samples(adapter, {name}):
        documents = adapter.read_query(name, Reply(200, {}, pair.native)).whole()
        yield from zip(paths.values(json.parse(pair.native), each), (one.document for one in documents), strict=True)


def asked(adapter: DeclarativeAdapter, double: PlatformDouble, name: str, code: str) -> list[Any]:
    """Ask a query to its last page."""
    found: list[Any] = []
    for page in range(1, 10):
        request = adapter.query(name, {"credit_code": code}, {}, page)
        if request is None:
            break
        answer, _ = double.answer(call(request))
        told = adapter.read_query(name, answer.written(), page)
        translations, more = told.whole(), told.more
        found.extend(translations)
        if not more:
            break
    return found


@pytest.mark.parametrize("path", ["/api/progress/../progress", "/api/progress/%2e%2e", "/API/progress"])
def test_only_the_exact_address_is_its_own(plain: DeclarativeAdapter, path: str) -> None:
    """No guessing at paths."""
    answer, taken = double_of(plain).answer(ReceivedCall("POST", path, "", {}, b"{}"))
    assert (answer.status, taken) == (404, False)
