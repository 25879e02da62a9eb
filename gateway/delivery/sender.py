"""The only module with an outgoing socket: sends a request to a platform, and reads its whole reply.

pyreqwest was chosen over aiohttp by measurement (34 against 65 µs of CPU a request, 64 in flight);
it also repeats by itself what a stale kept-alive connection never carried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ClientClosedError,
    DecodeError,
    PoolTimeoutError,
    PyreqwestError,
    RequestError,
    RequestTimeoutError,
)
from pyreqwest.request import StreamRequest

from adapters.base import OutboundRequest, Reply
from gateway.ledger.values import Platform

_CHUNK = 65_536
_CONNECT = timedelta(seconds=5)
_IDLE = timedelta(seconds=55)
_NEVER_LEFT = "client error (Connect)"
USER_AGENT = f"hutong/{version('hutong')}"


class NoAnswer(Exception):
    """A platform gave no answer that can be read.

    `may_have_left`: it may have received the request all the same (in doubt). `reason` is a stable
    word: `connection.failed`, `connection.lost`, `timeout`, `reply.broken`, `address.unusable`.
    """

    def __init__(self, reason: str, *, may_have_left: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_left = may_have_left


class Unsendable(Exception):
    """The request itself cannot be put on the wire (a header with a line break, say)."""


class Sender:
    """Sends requests, with a pool of connections of its own for each platform.

    No redirects followed, no proxies and no cookies from the environment; a reply is read up to
    `reply_limit` bytes after decompression and cut there. The timeout is for the whole exchange:
    a body that drips is a timeout too.
    """

    def __init__(self, *, connections: int = 64, reply_limit: int = 1024 * 1024) -> None:
        self._connections = connections
        self._reply_limit = reply_limit
        self._clients: dict[str, Client] = {}

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> Reply:
        """Send and wait for the whole reply; NoAnswer when there is none, Unsendable when it cannot leave."""
        built = self._build(platform, request, timeout)
        async with _border(), built as response:
            body = bytearray()
            while len(body) < self._reply_limit and (chunk := await response.body_reader.read(_CHUNK)) is not None:
                body += chunk
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, headers, bytes(body[: self._reply_limit]))

    def _build(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> StreamRequest:
        address = str(platform.settings.get("base_url", "")).rstrip("/") + request.path
        try:
            builder = self._client(platform.id).request(request.method, address)
        except ValueError:
            raise NoAnswer("address.unusable", may_have_left=False) from None
        try:
            builder = builder.headers(dict(request.headers)).timeout(timeout)
        except (ValueError, PyreqwestError) as error:
            raise Unsendable(str(error)) from None
        if request.body:
            builder = builder.body_bytes(request.body)
        return builder.streamed_read_buffer_limit(_CHUNK).build_streamed()

    def _client(self, platform_id: str) -> Client:
        client = self._clients.get(platform_id)
        if client is None:
            client = self._clients[platform_id] = self._new_client()
        return client

    def _new_client(self) -> Client:
        builder = ClientBuilder().user_agent(USER_AGENT).http1_only().no_proxy().follow_redirects(False)
        builder = builder.referer(False).max_connections(self._connections)
        return builder.connect_timeout(_CONNECT).pool_idle_timeout(_IDLE).build()

    async def forget(self, platform_id: str) -> None:
        """Close the connections to a platform that is no more."""
        client = self._clients.pop(platform_id, None)
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Close every connection."""
        for platform_id in list(self._clients):
            await self.forget(platform_id)


@asynccontextmanager
async def _border() -> AsyncIterator[None]:
    try:
        yield
    except PoolTimeoutError:
        raise NoAnswer("timeout", may_have_left=False) from None
    except BuilderError:
        raise NoAnswer("address.unusable", may_have_left=False) from None
    except ClientClosedError:
        raise NoAnswer("connection.failed", may_have_left=False) from None
    except RequestError as error:
        raise _translated(error) from None


def _translated(error: RequestError) -> NoAnswer:
    causes = error.details.get("causes") or ()
    left = not any(cause["message"] == _NEVER_LEFT for cause in causes)
    if isinstance(error, RequestTimeoutError):
        return NoAnswer("timeout", may_have_left=left)
    if isinstance(error, DecodeError):
        return NoAnswer("reply.broken", may_have_left=True)
    return NoAnswer("connection.lost" if left else "connection.failed", may_have_left=left)
