"""A receiver that costs next to nothing: reads each POST whole, answers a JSON yes, and counts (GET /count)."""

from __future__ import annotations

import asyncio
import sys

import httptools
import uvloop

_YES = b'{"code":"0000","msg":"ok","data":{"id":"R1"}}'


def _response(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Sink(asyncio.Protocol):
    """One connection."""

    received = 0
    _answer = _response(_YES)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to read."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_url(self, path: bytes) -> None:
        """Note what is asked for."""
        self._path = path

    def on_message_complete(self) -> None:
        """Answer a whole request."""
        if self._path == b"/count":
            self._transport.write(_response(b'{"received":%d}' % Sink.received))
            return
        Sink.received += 1
        self._transport.write(self._answer)


async def serve(port: int) -> None:
    """Receive until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
