"""The head of a reply, as servers really write it: made one that every parser reads, and bounded in size; pure."""

from __future__ import annotations

import re

LARGEST = 128 * 1024
"""Bytes of a head, what was sent before it included."""

MOST_INTERIM = 16
"""Interim answers (1xx) that may come before the answer (RFC 9110, 15.2)."""

_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_END = 4
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
_BEGIN = b"HTTP/"
_LENGTH = b"content-length"
_CODED = b"transfer-encoding"
_ODD = (b" :", b"\t:", b"\n ", b"\n\t")


class TooMuch(Exception):
    """A head is larger than there may be, or too many interim answers came before it."""


class ReplyHead:
    """Gathers what comes before the body, passes over interim answers, and mends what parsers stumble over.

    Mended is what RFC 9112 lets a receiver mend: white space before a colon (5.1), folded lines
    (5.2), the same Content-Length twice, and one beside Transfer-Encoding (6.3).
    """

    def __init__(self) -> None:
        self._gathered = bytearray()
        self._bytes = 0
        self._interim = 0
        self.complete = False

    def take(self, data: bytes) -> bytes:
        """Give what a parser may see now: nothing, or the whole head and what follows it. TooMuch."""
        if self.complete:
            return data
        searched = max(0, len(self._gathered) - _LONGEST_END)
        self._gathered += data
        while True:
            self._pass_blank_lines()
            if not self._gathered.startswith(_BEGIN[: len(self._gathered)]):
                return self.rest()  # no HTTP: the parser says what is wrong
            end = _END.search(self._gathered, searched)
            size = end.end() if end else len(self._gathered)
            if self._bytes + size > LARGEST:
                raise TooMuch(f"the head of the reply is larger than {LARGEST} bytes")
            if end is None:
                return b""
            head, searched = bytes(self._gathered[: end.start()]), 0
            del self._gathered[: end.end()]
            if not _is_interim(head):
                self.complete = True
                return _mended(head) + self.rest()
            self._bytes += size
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise TooMuch(f"more than {MOST_INTERIM} interim answers came before the reply")

    def _pass_blank_lines(self) -> None:
        """Drop blank lines before a head, which mean nothing and may never end: they count."""
        if self._gathered.startswith((b"\r", b"\n")):
            begun = self._gathered.lstrip(b"\r\n")
            self._bytes += len(self._gathered) - len(begun)
            self._gathered = begun

    def rest(self) -> bytes:
        """Give what was gathered, as it is: nothing more comes of the head."""
        self.complete = True
        rest, self._gathered = bytes(self._gathered), bytearray()
        return rest


def _is_interim(head: bytes) -> bool:
    found = _STATUS.match(head)
    return found is not None and found[1].startswith(b"1") and found[1] != b"101"


def _is_odd(head: bytes) -> bool:
    """Tell whether there is anything to mend; hardly ever is."""
    lower = head.lower()
    lengths = lower.count(_LENGTH)
    listed = lengths == 1 and b"," in lower.partition(_LENGTH)[2].partition(b"\n")[0]
    return lengths > 1 or listed or (lengths == 1 and _CODED in lower) or any(one in lower for one in _ODD)


def _mended(head: bytes) -> bytes:
    if not _is_odd(head):
        return head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n\r\n"
    lines = _unfolded(head)
    fields = [(name.rstrip(b" \t"), colon, value) for name, colon, value in (one.partition(b":") for one in lines[1:])]
    lengths = {one.strip() for name, _, value in fields if name.lower() == _LENGTH for one in value.split(b",")}
    coded = [value.lower() for name, _, value in fields if name.lower() == _CODED]
    chunked = any(b"chunked" in value for value in coded)
    left_out = (_LENGTH,) if chunked else (_LENGTH, _CODED)  # `identity` says nothing
    kept = [b"".join(field) for field in fields if field[0].lower() not in left_out]
    if not chunked:
        kept += [b"Content-Length: " + one for one in sorted(lengths)]  # different ones: the parser refuses them
    return b"\r\n".join([lines[0], *kept, b"", b""])


def _unfolded(head: bytes) -> list[bytes]:
    lines: list[bytes] = []
    for line in head.replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t") and len(lines) > 1:
            lines[-1] += b" " + line.strip()
        else:
            lines.append(line)
    return lines
