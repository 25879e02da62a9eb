"""Tell what is too heavy to be read on the event loop, before anything of it is read; pure."""

from __future__ import annotations

LARGE = 64 * 1024
"""Bytes. Whatever is larger is read elsewhere; for what is smaller, handing it over costs more than the work."""

MANY = 2_000
"""Marks that begin or part values. So many in a small body mean many values, and work without end for each."""

_MARKS = (b"<", b"=", b"{", b"[", b",", b"&", b"\n")

_ZIP = b"PK"
"""How a workbook begins: a few bytes of it may become any amount."""


def is_heavy(body: bytes) -> bool:
    """Tell whether a body or a reply may take more than a few milliseconds to read."""
    size = len(body)
    if size > LARGE or body.startswith(_ZIP):
        return True
    return size > MANY and sum(map(body.count, _MARKS)) > MANY  # else it has not so many bytes
