"""Cutting a stream of any length into bodies of one record each: what passes, and what every cutter promises."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from msgspec import Struct

from adapters.base import Cutter, Tree
from adapters.formats import charsets, rejections
from adapters.formats.format import Format
from adapters.paths import Path
from schemas.budget import Budget
from schemas.findings import Rejected, Text

MOST_AROUND = 16 * 1024
"""Characters that may stand around the records: every record is read with them, so they are to cost little."""


class PackagePlan(Struct, frozen=True):
    """What an operation says of its packages.

    `split`: where the records stand, None when a body is one document. `around`: the values that must
    stand around the records, as they are around one alone; `counts` are those of them that tell how
    many records there are. `check` judges what stands around the records, with their number (None:
    the end is not reached, so what is missing may still come); it raises `Rejected`.
    """

    split: Path | None
    around: tuple[tuple[Path, str], ...]
    counts: tuple[tuple[Path, str], ...]
    check: Callable[[Tree, int | None], None]


class StreamFormat(Struct, frozen=True):
    """One way to send many records of a body format in a stream.

    `body` is the format's name, `media_types` how the stream is called, the usual one first; `cut`
    makes a cutter, and `packages` tells that it needs an operation with `split`.
    """

    body: str
    media_types: tuple[str, ...]
    cut: Callable[[Format, str | None, Budget, PackagePlan], Cutter]
    packages: bool = False


class StreamDecoder:
    """Decodes a stream to text from which `encoded` gives back the very bytes, those that are no text included.

    A broken byte becomes a lone surrogate, which no text holds: the record that it is in is refused by
    its reader, and those around it are not.
    """

    def __init__(self, charset: str) -> None:
        self._charset = charset
        self._codec = charsets.FAMILY[charset]
        self._decoder = codecs.getincrementaldecoder(self._codec)("surrogateescape")
        self._begun = False

    def decoded(self, piece: bytes, *, last: bool = False) -> str:
        """Decode the next bytes; what may be half a character is kept for the next time. Drops a byte-order mark."""
        # Told that its input ends, Python's decoder of GB 18030 loses bytes. Line feeds are no part of any
        # character, and as many as a character may have bytes leave nothing undecided before them.
        end = _END if last else b""
        text = self._decoder.decode(piece + end).removesuffix(_END.decode() if last else "")
        if text and not self._begun:
            self._begun = True
            if text[0] == "\ufeff" and self._codec != "utf-8":
                raise rejections.other_charset("utf-8", self._charset)
            return text.removeprefix("\ufeff")
        return text

    def encoded(self, text: str) -> bytes:
        """Give the bytes that a text was decoded from."""
        return text.encode(self._codec, "surrogateescape")

    def check(self, text: str) -> None:
        """Refuse a text that holds broken bytes: Rejected `body.charset`."""
        broken = _SURROGATE.search(text)
        if broken:
            raise rejections.undecodable(self._charset, len(self.encoded(text[: broken.start()])))


class TextBuffer:
    """Text that comes in pieces, however small: it takes little more room than the text, and none beyond `most`.

    `size` is how many characters came, also when they were too many to be kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[str] = []
        self._joined: list[str] = []
        self.size = 0

    @property
    def too_long(self) -> bool:
        """Whether more came than is kept."""
        return self.size > self._most

    def add(self, piece: str) -> None:
        """Add a piece."""
        self.size += len(piece)
        if self.too_long:
            self._pieces, self._joined = [], []
            return
        self._pieces.append(piece)
        if len(self._pieces) >= _TOGETHER:
            self._joined.append("".join(self._pieces))
            self._pieces = []

    def take(self) -> str:
        """Give the text, nothing of one that is too long, and begin a new one."""
        text = "".join((*self._joined, *self._pieces))
        self._pieces, self._joined, self.size = [], [], 0
        return text


_TOGETHER = 256
_END = b"\n" * 3

_SURROGATE = re.compile("[\ud800-\udfff]")


def too_long(budget: Budget) -> Rejected:
    """Refuse one record that is larger than a body may be."""
    limit = budget.body
    return Rejected(
        "body.too-large",
        Text(
            f"这条记录超过 {limit} 字节的上限，未予受理；其余记录照常处理",
            f"This record is larger than the {limit} bytes allowed and was not taken; the others are",
        ),
        status=413,
    )


def around_too_large() -> Rejected:
    """Refuse a package in which too much stands around its records."""
    return Rejected(
        "envelope.too-large",
        Text(
            f"记录之外的内容超过 {MOST_AROUND} 个字符；请只保留报文头，再从这里继续发送",
            f"More than {MOST_AROUND} characters stand around the records; keep only the head, and go on from here",
        ),
        status=413,
    )


def media_type(content_type: str | None) -> str:
    """Give the media type that a Content-Type names, in lower case; empty without one."""
    return (content_type or "").partition(";")[0].strip().lower()
