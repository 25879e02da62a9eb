"""An issuer's keys over a real socket: within bounds, and only what is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from signers import Issuer

from gateway.access import KeySets, Unfetched
from gateway.delivery.key_fetcher import KeyFetcher
from gateway.delivery.sender import Sender


class Server:
    """A real server that answers one thing."""

    def __init__(self) -> None:
        self.status, self.body, self.paths = 200, b"{}", list[str]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                self.send_response(outer.status)
                self.send_header("location", "http://127.0.0.1:1/")
                self.send_header("content-length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks?v=1"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs."""
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
async def sender() -> Any:
    """The one socket outward."""
    made = Sender()
    yield made
    await made.close()


def clock() -> datetime:
    """Stand still."""
    return datetime(2026, 9, 1, tzinfo=UTC)


async def test_the_keys_of_an_issuer_are_fetched_where_they_are(server: Server, sender: Sender) -> None:
    """With the query that the address has."""
    issuer = Issuer()
    server.body = json.dumps(issuer.jwks()).encode()
    keys = await KeySets(KeyFetcher(sender, clock)).of(server.url)
    assert [key.kid for key in keys] == ["k1"]
    assert server.paths == ["/jwks?v=1"]


@pytest.mark.parametrize(("status", "body"), [(302, b""), (404, b"{}"), (500, b"{}"), (200, b"x" * 100_000)])
async def test_anything_else_is_no_set_of_keys(server: Server, sender: Sender, status: int, body: bytes) -> None:
    """No redirect is followed, and nothing large is read."""
    server.status, server.body = status, body
    with pytest.raises(Unfetched):
        await KeyFetcher(sender, clock)(server.url)
    assert len(server.paths) == 1


async def test_nobody_there_is_told(sender: Sender) -> None:
    """As any failure to fetch; and an address that no platform may have is not called for keys either."""
    for url in ("http://127.0.0.1:1/jwks", "https://169.254.169.254/jwks"):
        with pytest.raises(Unfetched):
            await KeyFetcher(sender, clock)(url)
