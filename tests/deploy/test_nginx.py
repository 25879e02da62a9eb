"""The front door as it is configured: TLS for all, mutual TLS for platforms, and nobody says who somebody else is."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from deployed import DEPLOY, tool

CONFIG = DEPLOY / "nginx" / "nginx.conf"


@dataclass
class Door:
    """A running nginx before a gateway's stand-in, and what came through."""

    folder: Path
    open_port: int
    mutual_port: int
    came: list[dict[str, str]] = field(default_factory=list)

    def call(self, port: int, path: str = "/v1/messages", *, certified: bool = False, **headers: str) -> httpx.Response:
        """Call through the door, with a platform's certificate or without one."""
        context = ssl.create_default_context(cafile=str(self.folder / "server.pem"))
        if certified:
            context.load_cert_chain(self.folder / "platform.pem", self.folder / "platform.key")
        return httpx.get(f"https://localhost:{port}{path}", verify=context, headers=headers)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    """nginx with the file as it is deployed, but for where things are."""
    with tempfile.TemporaryDirectory(prefix="door") as name:
        folder = Path(name)
        folder.chmod(0o755)  # its workers are somebody else
        made = Door(folder, _free(), _free())
        _certificates(folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), _gateway(made)) as gateway:
            Thread(target=gateway.serve_forever, daemon=True).start()
            (folder / "nginx.conf").write_text(_config(made, gateway.server_port))
            process = subprocess.Popen([tool("nginx"), "-c", folder / "nginx.conf", "-g", "daemon off;"])
            try:
                _wait(made.mutual_port, process)
                yield made
            finally:
                process.terminate()
                process.wait(20)
                gateway.shutdown()


def _config(door: Door, gateway: int) -> str:
    text = CONFIG.read_text(encoding="utf-8")
    for given, here in {
        "/tmp/": f"{door.folder}/",
        "/run/secrets": str(door.folder),
        "hutong-1:8080": f"127.0.0.1:{gateway}",
        "hutong-2:8080": f"127.0.0.1:{_free()}",  # this one is down
        "listen 8443": f"listen 127.0.0.1:{door.open_port}",
        "listen 9443": f"listen 127.0.0.1:{door.mutual_port}",
        "worker_processes auto": "worker_processes 1",
    }.items():
        assert given in text
        text = text.replace(given, here)
    return text


def _gateway(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            door.came.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _certificates(folder: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl makes the certificates of this test: sudo apt-get install openssl"
    for name, subject in (("server", "/CN=localhost"), ("platforms", "/CN=authority"), ("stranger", "/CN=stranger")):
        _openssl(
            openssl, folder, f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {name}.key -out {name}.pem", subject
        )
    _openssl(
        openssl, folder, "req -newkey rsa:2048 -nodes -keyout platform.key -out platform.csr", "/CN=penalty.330000"
    )
    signing = (
        "x509 -req -in platform.csr -CA platforms.pem -CAkey platforms.key -CAcreateserial -days 2 -out platform.pem"
    )
    _openssl(openssl, folder, signing)


def _openssl(openssl: str, folder: Path, arguments: str, subject: str | None = None) -> None:
    named = ["-subj", subject] if subject else []
    alternative = ["-addext", "subjectAltName=DNS:localhost"] if subject == "/CN=localhost" else []
    command = [openssl, *arguments.split(), *named, *alternative]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until nginx listens; its own exit is told by its exit code."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "nginx ended"
        else:
            return


def test_everybody_comes_in_by_tls(door: Door) -> None:
    """To a gateway that is up, whichever is down; with the caller's address, and no certificate."""
    door.came.clear()
    for _ in range(4):
        assert door.call(door.open_port).status_code == 200
    assert len(door.came) == 4
    assert {one["x-forwarded-for"] for one in door.came} == {"127.0.0.1"}
    assert {one["x-forwarded-proto"] for one in door.came} == {"https"}
    assert not any(one.get("x-client-certificate") for one in door.came)


def test_who_has_no_certificate_is_no_platform(door: Door) -> None:
    """On the port of mutual TLS nothing passes without one that the authority signed."""
    door.came.clear()
    assert door.call(door.mutual_port).status_code == 400
    context = ssl.create_default_context(cafile=str(door.folder / "server.pem"))
    context.load_cert_chain(door.folder / "stranger.pem", door.folder / "stranger.key")
    assert httpx.get(f"https://localhost:{door.mutual_port}/v1/messages", verify=context).status_code == 400
    assert door.came == []


def test_a_platform_is_known_by_its_certificate(door: Door) -> None:
    """It is handed on, as it was verified."""
    door.came.clear()
    assert door.call(door.mutual_port, certified=True).status_code == 200
    [came] = door.came
    assert came["x-client-certificate"].startswith("-----BEGIN%20CERTIFICATE")


def test_nobody_says_who_he_is_by_a_header(door: Door) -> None:
    """What a caller writes into the headers that the door fills is not passed on."""
    door.came.clear()
    forged = {"X-Client-Certificate": "forged", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "http"}
    for port, certified in ((door.open_port, False), (door.mutual_port, True)):
        assert door.call(port, certified=certified, **forged).status_code == 200
    assert not any("forged" in one.get("x-client-certificate", "") for one in door.came)
    assert {(one["x-forwarded-for"], one["x-forwarded-proto"]) for one in door.came} == {("127.0.0.1", "https")}


def test_metrics_stay_inside(door: Door) -> None:
    """They are for Prometheus, which does not come by this door; a trace goes on."""
    assert door.call(door.open_port, "/metrics").status_code == 404
    assert door.call(door.mutual_port, "/metrics", certified=True).status_code == 404
    door.came.clear()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    door.call(door.open_port, traceparent=trace)
    assert door.came[0]["traceparent"] == trace


def test_old_protocols_are_refused(door: Door) -> None:
    """TLS 1.2 or newer."""
    context = ssl.create_default_context(cafile=str(door.folder / "server.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", door.open_port)) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname="localhost")
