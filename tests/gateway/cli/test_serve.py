"""The gateway as a process: it greets, serves, ends gracefully, and says what keeps it from starting."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture
def process(begin: Callable[..., Any], tmp_path: Path, ledger_at: Callable[[Path], str]) -> Iterator[Any]:
    """A gateway of this test's own, on a ledger whose tables exist already."""
    ledger_at(tmp_path / "hutong.db")
    running = begin(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_the_greeting_names_addresses_and_token(served):
    """The admin token is shown at the first start, and opens the gateway."""
    assert "/docs" in served.greeting
    assert "/metrics" in served.greeting
    headers = {"Authorization": f"Bearer {served.token}"}
    assert httpx.get(f"{served.url}/v1/platforms", headers=headers).status_code == 200


def test_the_token_is_shown_once(begin, finish, tmp_path):
    """The first start in an empty folder shows it; a second one keeps the token and does not show it."""
    first = begin(tmp_path)
    assert finish(first) == 0
    again = begin(tmp_path, expect="health")
    assert "hutong_" not in again.greeting
    headers = {"Authorization": f"Bearer {first.token}"}
    assert httpx.get(f"{again.url}/v1/platforms", headers=headers).status_code == 200
    assert finish(again) == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_gracefully(process, sign):
    """Asked to end, it does, with exit code 0 and no traceback."""
    process.process.send_signal(sign)
    assert process.process.wait(20) == 0
    assert "Traceback" not in process.log.read_text()


def test_ten_megabytes_over_a_real_connection(served):
    """The caller reads its 413, although it was still sending, and the gateway goes on."""
    headers = {"Authorization": f"Bearer {served.token}"}
    address = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9", "key": "k"}}
    httpx.put(f"{served.url}/v1/platforms/penalty.330000", headers=headers, json=address)
    issued = httpx.post(f"{served.url}/v1/platforms/penalty.330000/credentials", headers=headers)
    own = {"Authorization": f"Bearer {issued.json()['credential']}"}
    response = httpx.post(f"{served.url}/v1/inbound/execution", headers=own, content=b"x" * 10_000_000)
    assert response.status_code == 413
    assert response.json()["code"] == "body.too-large"
    assert httpx.get(f"{served.url}/health/ready").status_code == 200


def test_a_port_in_use_is_explained(hutong):
    """Exit code 1, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = hutong("serve", "--port", taken.getsockname()[1])
    assert said.code == 1
    assert "HUTONG_PORT" in said.err


def test_an_unknown_log_level_is_misuse(hutong):
    """Exit code 2 with the levels there are."""
    said = hutong("serve", "--log-level", "loud")
    assert said.code == 2
    assert "warning" in said.err


def test_a_file_has_one_process(hutong):
    """Exit code 2, with the reason and what to do."""
    said = hutong("serve", "--workers", "2")
    assert said.code == 2
    assert "a file has one process" in said.err
    assert "HUTONG_LEDGER=postgresql" in said.err


def test_many_processes_need_one_token(hutong, monkeypatch):
    """Exit code 2: each would make its own."""
    monkeypatch.setenv("HUTONG_LEDGER", "postgresql+psycopg://hutong@nowhere.invalid/hutong")
    said = hutong("serve", "--workers", "2")
    assert said.code == 2
    assert "HUTONG_ADMIN_TOKEN" in said.err
