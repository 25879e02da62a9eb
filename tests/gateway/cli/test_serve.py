"""The gateway as a process: it greets, serves, ends gracefully, and says what keeps it from starting."""

import signal
import socket
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
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
    """The admin token is in the file that is named, not in what is printed, and opens the gateway."""
    assert served.token not in served.greeting
    assert "/docs" in served.greeting
    assert "/metrics" in served.greeting
    headers = {"Authorization": f"Bearer {served.token}"}
    assert httpx.get(f"{served.url}/v1/platforms", headers=headers).status_code == 200


def test_the_token_is_never_printed(begin, finish, tmp_path):
    """Neither by the first start in an empty folder nor by the second, which keeps it: only the file has it."""
    first = begin(tmp_path)
    assert stat.S_IMODE((tmp_path / "hutong.db.admin").stat().st_mode) == 0o600
    token = first.token
    assert finish(first) == 0
    again = begin(tmp_path)
    assert again.token == token
    assert "hutong_" not in first.log.read_text() + again.log.read_text()
    headers = {"Authorization": f"Bearer {token}"}
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


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_polls_that_wait_end_with_it(process, sign):
    """Asked to end while a platform waits for its inbox, it answers the platform with nothing, and ends at once."""
    headers = {"Authorization": f"Bearer {process.token}"}
    platform = f"{process.url}/v1/platforms/mobile-enforcement.330000"
    body = {"adapter": "canonical", "settings": {"token": "t"}, "mode": "pull"}
    httpx.put(platform, headers=headers, json=body).raise_for_status()
    own = {"Authorization": f"Bearer {httpx.post(f'{platform}/credentials', headers=headers).json()['credential']}"}
    with ThreadPoolExecutor() as pool:
        polls = [pool.submit(httpx.get, f"{process.url}/v1/inbox?wait=60", headers=own, timeout=90) for _ in range(3)]
        while "hutong_inbox_polls_now 3.0" not in httpx.get(f"{process.url}/metrics", headers=headers).text:
            pass
        asked = monotonic()
        process.process.send_signal(sign)
        assert process.process.wait(60) == 0
        assert monotonic() - asked < 12, "the grace of requests is 15 s, and they were not to wait for it"
        assert [poll.result().json() for poll in polls] == [{"deliveries": []}] * 3


def test_a_broken_connection_is_leased_nothing(served):
    """A platform asks, waits and breaks the connection: what comes then is there for whoever asks next."""
    headers = {"Authorization": f"Bearer {served.token}"}
    body = {"adapter": "canonical", "settings": {"token": "t"}, "mode": "pull"}
    address, credentials = f"{served.url}/v1/platforms", {}
    for platform in ("penalty.330000", "mobile-enforcement.330000"):
        httpx.put(f"{address}/{platform}", headers=headers, json=body).raise_for_status()
        issued = httpx.post(f"{address}/{platform}/credentials", headers=headers)
        credentials[platform] = {"Authorization": f"Bearer {issued.json()['credential']}"}
    host, port = served.url.removeprefix("http://").split(":")
    own = credentials["mobile-enforcement.330000"]
    with socket.create_connection((host, int(port))) as client:
        request = f"GET /v1/inbox?wait=60 HTTP/1.1\r\nhost: x\r\nauthorization: {own['Authorization']}\r\n\r\n"
        client.sendall(request.encode())
        while "hutong_inbox_polls_now 1.0" not in httpx.get(f"{served.url}/metrics", headers=headers).text:
            pass
    while "hutong_inbox_polls_now 0.0" not in httpx.get(f"{served.url}/metrics", headers=headers).text:
        pass
    document = {"case_number": "AJ-1", "node": "filed", "at": "2026-09-01T09:00:00+08:00"}
    submission = {"type": "case.progressed", "document": document}
    told = httpx.post(f"{served.url}/v1/messages", headers=credentials["penalty.330000"], json=submission)
    assert told.status_code == 202
    [leased] = httpx.get(f"{served.url}/v1/inbox", headers=own).json()["deliveries"]
    assert leased["attempt"] == 1


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
