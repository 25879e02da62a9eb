"""A document is one trace, from its sender's call to its platform's answer."""

from __future__ import annotations

import pytest
from trace_receiver import receiving

from gateway.telemetry.trace import span_id, traceparent

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def configured(monkeypatch):
    """The environment says where traces go, before the gateway is made."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        yield receiver


async def test_a_document_is_followed_through_the_gateway(configured, caller, execution):
    """From the caller's span through acceptance and ledger to the platform, whose request names its attempt's span."""
    headers = {"traceparent": traceparent(TRACE, CALLER)}
    message = await caller.send("penalty.330000", "execution", execution, headers=headers)
    await caller.outcome()
    accepted = message.json()
    delivery = next(one["id"] for one in accepted["deliveries"] if one["platform"])
    await caller.hub.stop()
    spans = configured.shown()
    assert spans["accept penalty.executed"] == (TRACE, span_id(accepted["message_id"]), CALLER)
    assert spans["ledger"][2] == spans["deliver penalty.executed"][2] == span_id(accepted["message_id"])
    [request] = caller.sender.sent
    assert request.headers["traceparent"] == traceparent(TRACE, spans["deliver penalty.executed"][1])
    assert spans["deliver penalty.executed"][1] == span_id(delivery)
    assert "20000.5" not in str(configured.spans)
