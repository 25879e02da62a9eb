"""Where requests go and how they are authenticated."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from adapters import DeclarativeAdapter
from adapters.base import Document, OutboundRequest, Sending

Adapters = Callable[[str], DeclarativeAdapter]
Write = Callable[[DeclarativeAdapter, str, Document], OutboundRequest]

NAMES = (
    "mobile-enforcement",
    "pollutant-permit",
    "construction-project",
    "penalty",
    "credit-publicity",
    "canonical",
)


def test_the_same_message_is_written_with_the_same_bytes(golden_sends: Any, write: Write) -> None:
    """A resend is the same request."""
    first, again = (write(golden_sends.adapter, golden_sends.name, golden_sends.canonical) for _ in range(2))
    assert first == again
    assert first.method == "POST"


def test_each_platform_is_authenticated_in_its_own_way(adapter_of: Adapters) -> None:
    """With the settings its operator fills in."""
    request = OutboundRequest("POST", "/x")
    given = {"token": "t0", "account": "a", "password": "p", "app_key": "k", "key": "q 1"}
    made = {name: adapter_of(name).authorise(request, given) for name in NAMES}
    assert made["mobile-enforcement"].headers == {"Authorization": "Bearer t0"}
    assert made["canonical"].headers == {"Authorization": "Bearer t0"}
    basic = f"Basic {base64.b64encode(b'a:p').decode()}"
    assert made["pollutant-permit"].headers == made["construction-project"].headers == {"Authorization": basic}
    assert made["penalty"].headers == {"X-App-Key": "k"}
    assert made["credit-publicity"].path == "/x?key=q%201"


def test_soap_names_its_action(golden_sends: Any, write: Write) -> None:
    """And its charset."""
    if golden_sends.adapter.name == "construction-project":
        headers = {
            name.lower(): value
            for name, value in write(golden_sends.adapter, golden_sends.name, golden_sends.canonical).headers.items()
        }
        assert headers["content-type"] == "text/xml; charset=UTF-8"
        assert headers["soapaction"].startswith('"urn:submit')


def test_a_question_in_doubt_names_the_document(golden_sends: Any) -> None:
    """By its own number, escaped."""
    adapter, name, document = golden_sends.adapter, golden_sends.name, golden_sends.canonical
    at = datetime(2026, 8, 1, tzinfo=UTC)
    question = adapter.ask(Sending(name, document, {}, "delivery-1", "message-1", at))
    if adapter.bundle.manifest.sends[name].in_doubt is not None:
        assert question is not None
        numbers = {document.get(key) for key in ("case_number", "inspection_number", "order_number")}
        assert question.path.rpartition("/")[2] in numbers
    else:
        assert question is None


def test_queries_ask_with_what_is_known(adapter_of: Adapters) -> None:
    """Parameters that were not given are left out; none given, nothing asked."""
    permits = adapter_of("pollutant-permit").query("permits", {"credit_code": "91330110MA2KQ7XH9P"}, {}, 2)
    assert permits is not None
    assert permits.path == "/pwxk/jkfw/xkzxx?tyshxydm=91330110MA2KQ7XH9P&pageNo=2&pageSize=20"
    assert adapter_of("penalty").query("penalties", {}, {}) is None


def test_settings_without_defaults_are_all_an_operator_fills_in(adapter: DeclarativeAdapter) -> None:
    """Each has a Chinese title; what authenticates is a secret."""
    named = json.dumps(adapter.bundle.manifest.auth.model_dump(), ensure_ascii=False)
    for name, setting in adapter.settings.items():
        assert setting.title
        if setting.type == "secret":
            assert f"{{{name}}}" in named
