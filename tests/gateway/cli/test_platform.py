"""Values typed on a command line become what their settings need."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from gateway.cli.platform import typed


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("8", "int", 8),
        ("-3", "int", -3),
        ("eight", "int", "eight"),
        ("true", "bool", True),
        ("False", "bool", False),
        ("perhaps", "bool", "perhaps"),
        ("true", "text", "true"),
        ("007", "secret", "007"),
    ],
)
def test_a_value_is_read_as_its_settings_type(value, kind, expected):
    """What cannot be read goes as it is, so that the gateway rejects it in its own words."""
    read = typed(value, kind)
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(("holds", "code"), [([], 0), (["credentials"], 1), (["breaker"], 1)])
def test_resuming_says_what_still_holds(hutong, holds, code):
    """A pause is all that it lifts: of another hold it says what ends it, and that is no success."""
    hold = {"since": "2026-09-01T00:00:00Z", "reason": "http.401", "type": None}
    platform = {
        **dict.fromkeys(("id", "region", "region_name", "adapter", "version", "dossier", "held_since"), "2026-09-01"),
        "settings": {},
        "mode": "push",
        "secrets": [],
        "covers": [],
        "mandates": [],
        "allow": [],
        "holds": holds,
        "hold_details": [{**hold, "by": by} for by in holds],
    }

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(platform).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        said = hutong("platform", "resume", "penalty.330000", "--reason", "x", "--url", url)
    assert said.code == code, said.err
    assert all(by in said.err for by in holds)
    assert ("hutong platform add" in said.err) == (holds == ["credentials"])


def test_a_platform_that_fetches(remote):
    """It is added without an address, listed and shown as one that is not called, and kept so by later changes."""
    added = remote("platform", "add", "penalty.110000", "--adapter", "town", "--mode", "pull", "--set", "key=k")
    assert added.code == 0, added.err
    assert "/v1/inbox" in added.out
    assert "(fetches: pull)" in remote("platform", "list").out
    assert remote("platform", "add", "penalty.110000", "--dossier").code == 0
    shown = remote("platform", "show", "penalty.110000")
    assert "pull: it fetches from /v1/inbox" in shown.out
    pinged = remote("platform", "ping", "penalty.110000")
    assert (pinged.code, "platform.pull" in pinged.err) == (1, True)


def test_a_double_that_fetches_needs_a_credential(hutong):
    """Exit code 2, and how to get one."""
    said = hutong("sandbox", "--adapter", "penalty", "--pull", "http://127.0.0.1:8080")
    assert said.code == 2
    assert "platform credentials" in said.err
