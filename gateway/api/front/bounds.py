"""How much a connection may send, and how slowly, before anybody knows whose it is."""

from __future__ import annotations

from msgspec import Struct

from gateway.settings import Settings

_SHARE_OF_FILES = 4
"""Of so many files that the process may open, one is kept for the ledger and for calls to platforms."""


class FrontBounds(Struct, frozen=True):
    """The bounds of connections; times in seconds, sizes in bytes.

    `header_bytes` counts the request line and all headers. `idle_seconds`: no request has begun.
    `body_seconds`: no byte of a body came, or none of an answer could be written. `body_rate` is the
    least average, after a body had `grace` to get going.
    """

    connections: int = 1000
    per_address: int = 250
    header_bytes: int = 32 * 1024
    headers: int = 100
    url_bytes: int = 8 * 1024
    header_seconds: float = 10.0
    body_seconds: float = 15.0
    idle_seconds: float = 20.0
    body_rate: int = 1000
    grace: float = 10.0


def bounds_of(settings: Settings, files: int) -> FrontBounds:
    """Give the bounds that an operator set, in a process that may open so many `files`.

    Connections leave some files free: without a file nobody could be answered, nothing be delivered.
    """
    most = files - files // _SHARE_OF_FILES
    return FrontBounds(
        connections=min(settings.connections, most),
        per_address=min(settings.connections_per_address, most),
        header_bytes=settings.header_kilobytes * 1024,
        headers=settings.headers,
        url_bytes=settings.url_bytes,
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
        body_rate=settings.body_rate,
    )
