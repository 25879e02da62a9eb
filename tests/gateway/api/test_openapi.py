"""The interface describes itself, completely, and without the internet."""

import re

import pytest

from gateway.api.inbound.answer import AcceptedMessage, DryRun
from gateway.api.models import Problem

PENALTY = "penalty.330000"


@pytest.fixture
async def document(caller):
    """The OpenAPI document as it is served."""
    return (await caller.call(None, "GET", "/openapi.json")).json()


def operations(document):
    """Give every operation with its method and path."""
    return [(method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()]


async def test_every_operation_is_explained(document):
    """Each has a summary, a description, a tag and its error responses as problem documents."""
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        errors = {status: one for status, one in operation["responses"].items() if status >= "400"}
        assert "500" in errors, where
        for status, error in errors.items():
            if path != "/health/ready" or status != "503":
                assert "application/problem+json" in error["content"], f"{where} {status}"


async def test_every_promised_call_is_there(document):
    """The calls of version 1 that are built."""
    there = {(method.upper(), path) for method, path, _ in operations(document)}
    promised = {
        ("POST", "/v1/inbound/{operation}"),
        ("POST", "/v1/messages"),
        ("GET", "/v1/messages"),
        ("GET", "/v1/messages/{message_id}"),
        ("GET", "/v1/messages/{message_id}/native"),
        ("GET", "/v1/messages/{message_id}/canonical"),
        ("GET", "/v1/messages/{message_id}/lineage"),
        ("GET", "/v1/deliveries"),
        ("GET", "/v1/deliveries/{delivery_id}/sent"),
        ("POST", "/v1/deliveries/{delivery_id}/replay"),
        ("POST", "/v1/deliveries/{delivery_id}/discard"),
        ("POST", "/v1/deliveries/{delivery_id}/hold"),
        ("POST", "/v1/deliveries/{delivery_id}/release"),
        ("GET", "/v1/rejections"),
        ("GET", "/v1/rejections/{rejection_id}"),
        ("GET", "/v1/rejections/{rejection_id}/native"),
        ("POST", "/v1/replays"),
        ("GET", "/v1/replays/{replay_id}"),
        ("GET", "/v1/enterprises/{credit_code}"),
        ("GET", "/v1/platforms"),
        ("PUT", "/v1/platforms/{platform_id}"),
        ("GET", "/v1/platforms/{platform_id}"),
        ("DELETE", "/v1/platforms/{platform_id}"),
        ("POST", "/v1/platforms/{platform_id}/pause"),
        ("POST", "/v1/platforms/{platform_id}/resume"),
        ("POST", "/v1/platforms/{platform_id}/ping"),
        ("POST", "/v1/platforms/{platform_id}/credentials"),
        ("GET", "/v1/adapters"),
        ("GET", "/v1/adapters/{name}/{version}"),
        ("POST", "/v1/adapters"),
        ("POST", "/v1/adapters/{name}/{version}/check"),
        ("POST", "/v1/adapters/{name}/{version}/shadow"),
        ("GET", "/v1/adapters/{name}/{version}/shadow"),
        ("POST", "/v1/adapters/{name}/{version}/activate"),
        ("POST", "/v1/adapters/{name}/{version}/retire"),
        ("POST", "/v1/adapters/{name}/{version}/translate"),
        ("POST", "/v1/adapters/{name}/rollback"),
        ("GET", "/v1/platforms/{platform_id}/drift"),
        ("GET", "/metrics"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/schemas/{document}/{version}"),
    }
    assert promised <= there


async def test_every_reference_leads_somewhere(document):
    """No schema is named that is not there."""
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"')))
    assert named <= set(document["components"]["schemas"])


async def test_inbound_examples_are_in_the_platforms_own_words(document):
    """JSON and XML samples of the bundles, by adapter and operation."""
    content = document["paths"]["/v1/inbound/{operation}"]["post"]["requestBody"]["content"]
    assert "penalty.decision" in content["application/json"]["examples"]
    permits = content["application/xml"]["examples"]["pollutant-permit.permit"]["value"]
    assert "<PWXKZBH>" in permits
    assert "�" not in permits


async def test_the_hot_paths_answer_what_they_describe(caller, document, execution):
    """What is written beside the hot paths fits what they really answer."""
    described = document["paths"]["/v1/inbound/{operation}"]["post"]["responses"]
    accepted = await caller.send(PENALTY, "execution", execution)
    preview = await caller.send(PENALTY, "execution", execution, params={"dry_run": "true"})
    rejected = await caller.send(PENALTY, "execution", {})
    AcceptedMessage.model_validate(accepted.json())
    DryRun.model_validate(preview.json())
    Problem.model_validate(rejected.json())
    assert {str(one.status_code) for one in (accepted, preview, rejected)} <= set(described)


async def test_the_documentation_needs_no_internet(caller):
    """The page names nothing outside, and everything it names is served under a strict policy."""
    page = await caller.call(None, "GET", "/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await caller.call(None, "GET", f"/{name}")).status_code == 200, name
    assert (await caller.call(None, "GET", "/docs/assets/nothing.js")).status_code == 404


@pytest.mark.parametrize("path", ["/schemas/penalty-decision/1", "/schemas/permit/1"])
async def test_documents_have_schemas(caller, path):
    """Each with the Chinese titles of its fields."""
    response = await caller.call(None, "GET", path)
    assert response.headers["Content-Type"] == "application/schema+json"
    assert response.json()["title"]


@pytest.mark.parametrize("path", ["/schemas/nothing/1", "/schemas/permit/9", "/schemas/permit/x"])
async def test_other_documents_have_none(caller, path):
    """404 with an example of what there is."""
    assert (await caller.call(None, "GET", path)).status_code == 404


async def test_health_and_metrics(caller, execution):
    """Alive, ready, and counting."""
    await caller.send(PENALTY, "execution", execution)
    assert (await caller.call(None, "GET", "/health/live")).json()["status"] == "ok"
    assert (await caller.call(None, "GET", "/health/ready")).json()["status"] == "ok"
    metrics = (await caller.call(None, "GET", "/metrics")).text
    assert 'hutong_messages_accepted_total{duplicate="false",platform="penalty.330000"' in metrics
    assert 'state="unrouted"' in metrics


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"])
async def test_what_can_be_got_can_be_asked_about(caller, path):
    """HEAD gives the headers of GET, without its body."""
    response = await caller.call(None, "HEAD", path)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 0


async def test_a_gateway_that_stops_is_not_ready(caller):
    """503 tells whoever balances the load to look elsewhere, while it is still alive."""
    await caller.hub.stop()
    assert (await caller.call(None, "GET", "/health/ready")).status_code == 503
    assert (await caller.call(None, "GET", "/health/live")).status_code == 200
