"""Where a request goes: the platform's address and the request's path, in characters that the wire knows."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from yarl import URL

from gateway.delivery.no_answer import NoAnswer

_SCHEMES = ("http", "https")
_UNWRITABLE = re.compile(r"[^\x21-\x7e]+")


def address_of(base_url: str, path: str) -> URL:
    """Give where a path below a platform's address is; NoAnswer `address.unusable` when that is none.

    A host in Chinese becomes its name in DNS (IDNA); whatever else ASCII has no character for is
    percent-encoded as UTF-8. What is encoded already stays as it is, byte by byte.
    """
    try:
        parts = urlsplit(base_url.rstrip("/"))
        host = ascii_host(parts.hostname or "")
        port = f":{parts.port}" if parts.port is not None else ""
        written = f"{parts.scheme}://{host}{port}{_encoded(parts.path + path)}"
        address = URL(written, encoded=True)
    except ValueError as error:
        raise NoAnswer("address.unusable", may_have_left=False, detail=str(error)) from None
    if address.scheme not in _SCHEMES or not address.host:
        raise NoAnswer("address.unusable", may_have_left=False, detail=f"{base_url!r} is no http(s) address")
    return address


def ascii_host(host: str) -> str:
    """Give a host's name as DNS has it; ValueError when it can have none."""
    if host.isascii():
        return f"[{host}]" if ":" in host else host
    return URL.build(scheme="http", host=host).raw_host or ""


def _encoded(path: str) -> str:
    return _UNWRITABLE.sub(lambda found: quote(found[0], safe=""), path)
