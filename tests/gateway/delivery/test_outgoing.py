from __future__ import annotations

from datetime import UTC, datetime

from adapters.base import OutboundRequest
from gateway.delivery.outgoing import keyed, outbound, stamped
from gateway.ledger.records import Platform, Work
from gateway.message import Delivery, Enriched, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PLATFORM = Platform("penalty.330100", "penalty", "330100", "plain", {"token": "t"}, NOW)
MESSAGE = Message(
    id="m-1",
    type="case.transferred",
    document={"case_number": "A-1", "party": {"name": "某公司"}},
    source="mobile-enforcement.330000",
    operation="case",
    adapter="plain@1.2.0",
    region="330000",
    ordering_key="A-1",
    correlation_id="A-1",
    received_at=NOW,
    identity="A-1",
    digest="x",
    enriched={"party.credit_code": Enriched("91330100MA27XXXX0A", "m-0")},
)
DELIVERY = Delivery("d-1", "m-1", "case.transferred", "penalty", PLATFORM.id, "A-1", State.READY, NOW)


def test_the_document_goes_out_as_the_case_knows_it_in_the_platforms_own_numbers() -> None:
    """What was enriched is filled in, what the platform calls otherwise is called so; what was kept stays as it is."""
    out = outbound(Work(DELIVERY, MESSAGE, aliases={"case_number": "CF-9"}), PLATFORM)
    assert out.document == {
        "case_number": "CF-9",
        "party": {"name": "某公司", "credit_code": "91330100MA27XXXX0A"},
    }
    assert MESSAGE.document == {"case_number": "A-1", "party": {"name": "某公司"}}
    assert (out.delivery_id, out.message_id, out.accepted_at, out.settings) == ("d-1", "m-1", NOW, {"token": "t"})


def test_what_every_call_carries_is_added_to_what_the_adapter_wrote() -> None:
    """Key and trace are fixed with the request; the time is that of the attempt."""
    written = OutboundRequest("POST", "/a", {"X-Own": "1"}, b"body")
    fixed = keyed(written, "d-1", "4bf92f3577b34da6a3ce929d0e0e4736")
    assert fixed.headers["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert {**fixed.headers, "traceparent": ""} == {
        "X-Own": "1",
        "Idempotency-Key": "d-1",
        "webhook-id": "d-1",
        "traceparent": "",
    }
    assert stamped(fixed, NOW).headers["webhook-timestamp"] == "1788220800"
    assert (fixed.method, fixed.path, fixed.body) == ("POST", "/a", b"body")
