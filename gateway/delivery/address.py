"""Where a request goes: the platform's address and the request's path, in characters that the wire knows."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import idna

from gateway.delivery.no_answer import NoAnswer

_PORTS = {"http": 80, "https": 443}
_UNWRITABLE = re.compile(r"[^\x21-\x7e]+")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+")


class Origin(NamedTuple):
    """Where connections go: what is spoken there, the host as DNS has it (an IPv6 one without brackets), the port."""

    scheme: str
    host: str
    port: int

    @property
    def named(self) -> str:
        """The host as a Host header has it (RFC 9112, 3.2): with its port, unless that is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Address(NamedTuple):
    """An origin, and what is asked for there: a path with its query."""

    origin: Origin
    target: str

    def __str__(self) -> str:
        return f"{self.origin.scheme}://{self.origin.named}{self.target}"


def address_of(base_url: str, path: str) -> Address:
    """Give where a path below a platform's address is; NoAnswer `address.unusable` when that is none.

    A host in Chinese becomes its name in DNS (IDNA); whatever else ASCII has no character for is
    percent-encoded as UTF-8. What is encoded already stays as it is, byte by byte. A fragment is left out.
    """
    try:
        origin, before = _base(base_url)
    except ValueError as error:
        raise NoAnswer("address.unusable", may_have_left=False, detail=str(error)) from None
    return Address(origin, _encoded(before + path.partition("#")[0]) or "/")


@lru_cache(maxsize=4096)
def _base(base_url: str) -> tuple[Origin, str]:
    parts = urlsplit(base_url.rstrip("/"))
    host = ascii_host(parts.hostname or "")
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise ValueError(f"{base_url!r} is no http(s) address")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    return Origin(parts.scheme, host.strip("[]"), port), parts.path


def ascii_host(host: str) -> str:
    """Give a host's name as DNS has it; ValueError when it can have none."""
    if host.isascii():
        return f"[{host}]" if ":" in host else host
    return idna.encode(host, uts46=True).decode()


def _encoded(path: str) -> str:
    return path if path.isascii() and path.isprintable() and " " not in path else _UNWRITABLE.sub(_percent, path)


def _percent(found: re.Match[str]) -> str:
    return quote(found[0], safe="")
