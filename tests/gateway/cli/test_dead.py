"""`hutong dead replay`: tried dry, followed, cancelled by Ctrl-C, and asked for once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import typer

from gateway.cli.dead import replay_in_bulk
from gateway.cli.remote import KEY, Gateway

WANTED = {"filter": {"state": "dead"}, "reason": "平台已修复", "stale_ok": False, "dry_run": False}
AT = "2026-09-01T00:00:00Z"


def progress(**changed: Any) -> dict[str, Any]:
    """Give a bulk replay as the gateway tells of it."""
    return {
        "id": "r-1",
        "dry_run": False,
        "total": 3,
        "replayed": 1,
        "skipped": 0,
        "counts": [],
        "finished_at": None,
        "cancelled_at": None,
    } | changed


class Answers:
    """A gateway that answers by method and path, and remembers what it was asked."""

    def __init__(self, **answers: Callable[[], Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append((request.method, request.url.path, request.headers.get(KEY)))
        name = "cancel" if request.url.path.endswith("/cancel") else request.method.lower()
        return httpx.Response(200, json=self.answers[name]())

    def gateway(self) -> Gateway:
        """Give it as the commands see it."""
        return Gateway("http://gateway", "token", transport=httpx.MockTransport(self))


def interrupt(seconds: float) -> None:
    """Press Ctrl-C while waiting."""
    raise KeyboardInterrupt


def go_on(seconds: float) -> None:
    """Wait no time at all."""


def test_it_is_followed_to_its_end(capsys):
    """The last line says what was done."""
    answers = Answers(post=progress, get=lambda: progress(replayed=3, finished_at=AT))
    replay_in_bulk(answers.gateway(), WANTED, False, go_on)
    assert "3 replayed, 0 skipped" in capsys.readouterr().out


def test_an_interrupt_asks_the_gateway_to_cancel(capsys):
    """The gateway does the replaying: without being told it would go on."""
    answers = Answers(post=progress, cancel=lambda: progress(cancelled_at=AT))
    with pytest.raises(typer.Exit) as ended:
        replay_in_bulk(answers.gateway(), WANTED, False, interrupt)
    assert ended.value.exit_code == 1
    assert [path for _, path, _ in answers.asked] == ["/v1/replays", "/v1/replays/r-1/cancel"]
    assert "cancelled" in capsys.readouterr().out


def test_what_was_skipped_is_told_with_its_reason(capsys):
    """Exit code 1: a person should look."""
    answers = Answers(post=lambda: progress(replayed=2, skipped=1, finished_at=AT))
    with pytest.raises(typer.Exit):
        replay_in_bulk(answers.gateway(), WANTED, False, go_on)
    assert "1 skipped (a later one of their lane is there" in capsys.readouterr().out


def test_a_dry_run_tells_what_would_be_replayed(capsys):
    """By platform, type and code; exit code 0 whatever it finds."""
    counts = [{"platform": "penalty.330000", "type": "case.transferred", "code": "http.500", "count": 2}]
    found = progress(id=None, dry_run=True, replayed=0, skipped=1, counts=counts, finished_at=AT)
    replay_in_bulk(Answers(post=lambda: found).gateway(), {**WANTED, "dry_run": True}, False, go_on)
    said = capsys.readouterr().out
    assert "penalty.330000" in said
    assert "would replay 2, and skip 1" in said


def test_a_lost_answer_is_asked_for_again_under_the_same_key():
    """Each invocation has a key of its own, so that it is done once however often it is asked."""
    keys: list[str | None] = []

    def lose_the_first(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get(KEY))
        if len(keys) == 1:
            raise httpx.ReadError("reset")
        return httpx.Response(200, json={})

    gateway = Gateway("http://gateway", "token", transport=httpx.MockTransport(lose_the_first))
    gateway.post("/v1/deliveries/d-1/replay", {"reason": "x"})
    gateway.post("/v1/deliveries/d-1/replay", {"reason": "x"})
    first, again, other = keys
    assert first == again
    assert other not in (first, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dead", "replay", "d-1", "--dry-run", "--reason", "x"],
        ["dead", "replay", "d-1", "--platform", "penalty.330000", "--reason", "x"],
    ],
)
def test_filters_go_with_all(hutong, arguments):
    """Exit code 2, and nothing is asked of a gateway."""
    said = hutong(*arguments)
    assert said.code == 2
    assert "--all" in said.err
