"""Traces go to a receiver of OpenTelemetry's where one is configured, and cost nothing where none is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from trace_receiver import Receiver, receiving

from gateway.clock import system_clock
from gateway.telemetry.events import AttemptEnded, MessageAccepted, PlatformHeld
from gateway.telemetry.spans import SpanHook
from gateway.telemetry.trace import is_configured, span_id

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
P = "penalty.330000"
ACCEPTED = MessageAccepted("m-1", "case.transferred", P, "case", 0.4, keeping=0.3, trace_id=TRACE, caller_span=CALLER)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The environment says where traces go."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "hutong-浙江")
        yield receiver


def test_a_message_and_its_attempts_are_one_trace(configured: Receiver) -> None:
    """From the caller's span to the acceptance, the ledger below it, and each attempt, with times and outcome."""
    hook = SpanHook.configured(system_clock)
    hook(ACCEPTED)
    hook(PlatformHeld(P, "breaker"))
    now = system_clock()
    first = AttemptEnded("d-1", "m-1", P, "case.transferred", 1, "retry", None, 0.5, "timeout.read", TRACE, now)
    hook(first)
    hook(replace(first, number=2, verdict="accepted", status=200, code=None))
    hook.stop()
    accept, ledger, failed, delivered = configured.spans
    ids = [(one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex()) for one in configured.spans]
    assert ids == [
        (TRACE, span_id("m-1"), CALLER),
        (TRACE, span_id("m-1", 2), span_id("m-1")),
        (TRACE, span_id("d-1"), span_id("m-1")),
        (TRACE, span_id("d-1", 2), span_id("m-1")),
    ]
    assert (accept.name, ledger.name, delivered.name) == (
        "accept case.transferred",
        "ledger",
        "deliver case.transferred",
    )
    assert accept.end_time_unix_nano - accept.start_time_unix_nano == pytest.approx(0.4e9, rel=0.01)
    assert ledger.end_time_unix_nano - ledger.start_time_unix_nano == pytest.approx(0.3e9, rel=0.01)
    assert (failed.status.code, delivered.status.code) == (2, 0)
    told = {one.key: one.value for one in failed.attributes}
    assert (told["hutong.platform"].string_value, told["hutong.attempt"].int_value) == (P, 1)
    assert configured.services == ["hutong-浙江"]


def test_a_repeated_document_has_no_second_span(configured: Receiver) -> None:
    """Its message's span has been sent."""
    hook = SpanHook.configured(system_clock)
    hook(replace(ACCEPTED, duplicate=True))
    hook.stop()
    assert configured.spans == []


def test_the_sampler_decides_alike_for_all_of_a_trace(configured: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that is not sampled has no attempts that are, also in another process."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    here, there = SpanHook.configured(system_clock), SpanHook.configured(system_clock)
    traces = [f"{number * 0x0FFFFFFFFFFFFFFF + 1:032x}" for number in range(20)]
    for trace in traces:
        here(replace(ACCEPTED, trace_id=trace, message_id=f"m-{trace}"))
        there(AttemptEnded("d-1", f"m-{trace}", P, "case.transferred", 1, "accepted", 200, 0.5, None, trace))
    here.stop()
    there.stop()
    accepted = {one.trace_id.hex() for one in configured.spans if one.name.startswith("accept")}
    delivered = {one.trace_id.hex() for one in configured.spans if one.name.startswith("deliver")}
    assert accepted == delivered
    assert 0 < len(accepted) < len(traces)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318"}, False),
    ],
)
def test_opentelemetrys_own_settings_say_whether(environment: dict[str, str], expected: bool) -> None:
    """An address switches traces on; OpenTelemetry's switches switch them off."""
    assert is_configured(environment) is expected


def test_off_nothing_of_it_is_loaded() -> None:
    """A gateway without an address for traces does not even import what would send them."""
    code = "import gateway.cli.serve, gateway.bootstrap, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "opentelemetry.trace" in loaded
    assert "opentelemetry.sdk" not in loaded
    assert "opentelemetry.exporter" not in loaded
