"""The interface describes itself, completely, and without the internet."""

import re
from pathlib import Path

import orjson
import pytest

from adapters.adapter import DeclarativeAdapter, bundled, load
from adapters.bundle import assemble
from adapters.bundle.files import read
from gateway.api.inbound import openapi as inbound
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


def test_only_bundled_samples_are_published():
    """What a province uploads is not for everybody, even under the name and version of a bundled adapter."""
    files = dict(read(Path(bundled()["penalty"])))
    name = "samples/decision/1.native.json"
    files[name] = orjson.dumps({**orjson.loads(files[name]), "zz": "a province's own"})
    uploaded = DeclarativeAdapter(assemble(files))
    ours = load(bundled()["penalty"])
    assert "penalty.decision" in orjson.dumps(inbound.paths([ours])).decode()
    assert "penalty.decision" not in orjson.dumps(inbound.paths([uploaded])).decode()
