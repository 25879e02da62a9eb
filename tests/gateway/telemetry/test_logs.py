from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from gateway.telemetry.events import (
    AttemptEnded,
    AuthenticationFailed,
    ClaimLost,
    CommitEnded,
    ConnectionRefused,
    DeliverySettled,
    DeliveryStopped,
    DeliveryWaits,
    EndpointHeld,
    MessageAccepted,
    PlatformHeld,
)
from gateway.telemetry.logs import LogHook, Repeats, configure

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def written(level: str, *events: Any) -> list[dict[str, Any]]:
    """Give what the hook wrote, line by line."""
    stream = io.StringIO()
    configure(level, stream=stream)
    hook = LogHook()
    for event in events:
        hook(event)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


ACCEPTED = MessageAccepted("m-1", "case.transferred", "penalty.330000", "case", 0.004)
DELIVERED = DeliverySettled("d-1", "m-1", "penalty.330000", "case.transferred", "delivered", 1, 0.2, trace_id="t-1")
DEAD = DeliverySettled("d-1", "m-1", "penalty.330000", "case.transferred", "dead", 3, 9.0, "gave-up", "t-1")


def test_the_ordinary_flow_writes_nothing() -> None:
    """No line for each request or delivery: the ledger and the metrics know."""
    assert written("info", ACCEPTED, DELIVERED) == []


def test_a_dead_delivery_is_a_warning_with_message_and_trace() -> None:
    """One JSON object a line, with everything needed to find the message."""
    (line,) = written("info", DEAD)
    assert line["event"] == "delivery.settled"
    assert line["level"] == "warning"
    assert (line["message_id"], line["trace_id"], line["code"]) == ("m-1", "t-1", "gave-up")
    assert line["timestamp"].endswith("+08:00"), "people read it beside the clock on the wall"


def test_a_strangers_text_moves_no_cursor() -> None:
    """Escapes, and what turns the direction of writing, are neutralised in the line; Chinese stays."""
    stream = io.StringIO()
    configure("info", stream=stream)
    logging.getLogger("aiohttp").warning("平台说 \x9b31m\u202eEVIL\x7f\u2028\x1b[2J")
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert json.loads(line)["event"].startswith("平台说 ")


def test_a_held_platform_is_an_error() -> None:
    """Somebody has to do something."""
    (line,) = written("info", PlatformHeld("penalty.330000", "credentials", "http.401"))
    assert (line["level"], line["by"]) == ("error", "credentials")


def test_what_comes_too_often_is_not_written_by_a_logger_that_is_not_configured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A logger that takes every level has no name for one that is none."""
    structlog.reset_defaults()
    LogHook()(CommitEnded(5, 0.01))
    assert capsys.readouterr().out == ""


def test_what_waits_for_long_is_a_warning_with_its_id() -> None:
    """Here stands the id that no metric has; commits come too often for a line of their own."""
    waits = DeliveryWaits("d-1", "penalty.330000", "penalty", "held", "lane", 3, 900.0)
    (line,) = written("debug", waits, CommitEnded(5, 0.01))
    assert (line["event"], line["level"], line["delivery_id"]) == ("delivery.waits", "warning", "d-1")
    assert (line["held_by"], line["count"], line["seconds"]) == ("lane", 3, 900.0)


def test_moments_are_written_for_people() -> None:
    """When an attempt was sent stands in its line as ISO 8601."""
    sent = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    attempt = AttemptEnded("d-1", "m-1", "p", "case.transferred", 1, "retry", 500, 0.01, started_at=sent)
    (line,) = written("info", attempt)
    assert line["started_at"] == "2026-09-01T08:00:00.000+00:00"


def test_delivery_that_stopped_is_the_worst_there_is() -> None:
    """Nothing leaves any more until people act; a lost claim or a held endpoint is an error."""
    stopped, lost, held = written(
        "info", DeliveryStopped("ledger.superseded"), ClaimLost("penalty.330000"), EndpointHeld("penalty.330000", "x")
    )
    assert (stopped["level"], stopped["event"], stopped["code"]) == (
        "critical",
        "delivery.stopped",
        "ledger.superseded",
    )
    assert [lost["level"], held["level"]] == ["error", "error"]


def test_debug_shows_the_ordinary_flow_too() -> None:
    """For looking closely on a test system."""
    attempt = AttemptEnded("d-1", "m-1", "penalty.330000", "case.transferred", 1, "accepted", 200, 0.01)
    assert [line["event"] for line in written("debug", ACCEPTED, attempt)] == ["message.accepted", "attempt.ended"]


def test_foreign_logs_come_out_as_json_too() -> None:
    """One stream, one format."""
    stream = io.StringIO()
    configure("info", stream=stream)
    logging.getLogger("somebody.else").warning("hello %s", "there")
    assert json.loads(stream.getvalue())["event"] == "hello there"


def test_what_strangers_do_does_not_fill_the_log() -> None:
    """The first of equal ones is told, then one in a while with how many there were."""
    now = [0.0]
    repeats = Repeats(lambda: now[0], every=10)
    knock = AuthenticationFailed("unknown", "GET /v1/platforms", "192.0.2.7")
    assert [repeats(knock) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert repeats(ConnectionRefused("header.slow", "192.0.2.7")) == 1
    now[0] = 11
    assert [repeats(knock), repeats(knock)] == [5, 0]


def test_who_knocks_from_everywhere_is_not_remembered_for_ever() -> None:
    """Of too many different ones the oldest is forgotten."""
    repeats = Repeats(lambda: 0.0, most=3)
    knocks = [ConnectionRefused("header.slow", f"192.0.2.{n}") for n in range(4)]
    assert [repeats(one) for one in knocks] == [1, 1, 1, 1]
    assert [repeats(knocks[3]), repeats(knocks[0])] == [0, 1]


def test_a_failed_authentication_is_a_warning_with_its_address() -> None:
    """Why, which call and from where; there is no token in the event."""
    (line,) = written("info", AuthenticationFailed("unknown", "GET /v1/platforms", "192.0.2.7"))
    assert (line["level"], line["event"], line["why"]) == ("warning", "authentication.failed", "unknown")
    assert (line["address"], line["times"]) == ("192.0.2.7", 1)
