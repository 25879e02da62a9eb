"""GB 18030-2022 and GBK, on Python's codecs, which follow the edition of 2000."""

from __future__ import annotations

import re

_VERTICAL = "A6D9 A6DA A6DB A6DC A6DD A6DE A6DF A6EC A6ED A6F3"
_VERTICAL_NOW = (0xFE10, 0xFE12, 0xFE11, 0xFE13, 0xFE14, 0xFE15, 0xFE16, 0xFE17, 0xFE18, 0xFE19)
_IDEOGRAPHS = "FE59 FE61 FE66 FE67 FE6D FE7E FE90 FEA0"
_IDEOGRAPHS_NOW = range(0x9FB4, 0x9FBC)


def _moved() -> dict[int, int]:
    codes = f"{_VERTICAL} {_IDEOGRAPHS}".split()
    now = dict(zip(codes, (*_VERTICAL_NOW, *_IDEOGRAPHS_NOW), strict=True))
    now["A8BC"] = 0x1E3F  # moved by the edition of 2005 already
    return {ord(bytes.fromhex(code).decode("gb18030")): character for code, character in now.items()}


MOVED = _moved()
"""Private-use character that a two-byte code stood for in 2000 → the character it stands for since 2022."""

# The editions swapped the codes: the four bytes that were U+9FB4 are now the private-use U+E81E.
# One table therefore serves reading and writing.
_SWAPPED = {**MOVED, **{now: before for before, now in MOVED.items()}}
_ANY_SWAPPED = re.compile(f"[{''.join(map(chr, _SWAPPED))}]")

_GBK_BYTES = 2


def decode(body: bytes) -> str:
    """Decode GB 18030, of which GBK is a part; raises `UnicodeDecodeError`."""
    return _swapped(body.decode("gb18030"))


def encode(text: str, charset: str) -> bytes:
    """Encode to gb18030, gbk or gb2312; raises `UnicodeEncodeError` with the place in `text`.

    GBK is written as the two-byte part of GB 18030: Python's own codec lacks some of it.
    """
    if charset == "gb2312":
        return text.encode("gb2312")
    written = _swapped(text)
    encoded = written.encode("gb18030")
    if charset == "gbk" and not _is_gbk(written):
        _refuse_four_bytes(text, written)
    return encoded


def _refuse_four_bytes(text: str, written: str) -> None:
    for place, character in enumerate(written):
        if len(character.encode("gb18030")) > _GBK_BYTES:
            raise UnicodeEncodeError("gbk", text, place, place + 1, "not in GBK")


def _is_gbk(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _swapped(text: str) -> str:
    return text.translate(_SWAPPED) if _ANY_SWAPPED.search(text) else text
