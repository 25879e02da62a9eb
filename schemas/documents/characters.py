"""What a text shows of the way it came: private-use characters, and numbers that a spreadsheet rewrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from schemas.budget import at_most
from schemas.documents.field import Field
from schemas.documents.masking import shown
from schemas.findings import Finding, Text

_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_REWRITTEN = re.compile(r"[1-9](?:\.[0-9]{1,30})?[eE]\+?[0-9]{2,3}")
# The same two in the bytes of JSON, where a search is much cheaper than a walk over the document: private-use
# characters begin with EE, with EF and a byte up to A3, or (beyond the first plane) with F3 or F4.
_ALIKE = bytes.maketrans(b"123456789e" + bytes(range(0x81, 0xA4)), b"0" * 9 + b"E" + b"\x80" * 35)
"""Every digit as 0, every exponent as E, and every byte that can follow EF in a private-use character as 80."""

_REWRITTEN_VALUE = re.compile(rb'" *[1-9](?:\.[0-9]{1,30})?[eE]\+?[0-9]{2,3} *"')

Named = Callable[[str], Field | None]


def written(tree: Any) -> bytes:
    """Give a tree as JSON, to search in; empty for one that cannot be written so."""
    try:
        return orjson.dumps(tree, default=str)
    except orjson.JSONEncodeError:
        return b""


def strange(content: bytes) -> bool:
    """Whether a document, as `written`, may have anything that `rewritten` or `private` would tell."""
    if b"\xee" in content or b"\xf3" in content or b"\xf4" in content or not content:
        return True
    # One translated copy is searched for fixed bytes, which costs a tenth of a pattern: most documents end here.
    alike = content.translate(_ALIKE)
    if b"\xef\x80" in alike:
        return True
    return b"0E" in alike and _REWRITTEN_VALUE.search(content) is not None


def rewritten(document: Any, named: Named) -> list[Finding]:
    """Tell the numbers that a spreadsheet rewrote as quantities: their last digits are lost."""
    return at_most(_rewritten(path, text, named) for path, text in _texts(document, "") if is_rewritten(text))


def private(document: Any, named: Named) -> list[Finding]:
    """Tell the first private-use character of each text: other systems show it as a blank or another character."""
    found = (
        _private(path, text, first.start(), named)
        for path, text in _texts(document, "")
        if (first := _PRIVATE.search(text)) is not None
    )
    return at_most(found)


def is_rewritten(value: Any) -> bool:
    """Whether this is a long number as a spreadsheet shows it: `3.30110202605060E+17`."""
    return isinstance(value, str) and _REWRITTEN.fullmatch(value.strip()) is not None


REWRITTEN = "value.spreadsheet"
"""The code of a number that a spreadsheet rewrote."""


def rewritten_text(title: str) -> Text:
    """Say what happened to such a number, and what to do."""
    return Text(
        f"“{title}”是电子表格（Excel）把长数字改写成的科学计数，末尾的数字已丢失；请将该列设为文本格式，重新填写后再发送。",
        f"{title}: a spreadsheet (Excel) rewrote a long number in scientific notation, and its last digits are lost; "
        "make the column text, fill it in again and send it again.",
    )


def _rewritten(path: str, text: str, named: Named) -> Finding:
    field = named(path)
    title = field.title if field else path
    value = shown(text, personal=field is None or field.personal)
    return Finding(REWRITTEN, rewritten_text(title), field=path, title=title, value=value)


def _private(path: str, text: str, place: int, named: Named) -> Finding:
    field = named(path)
    title = field.title if field else path
    said = f"{text[place]} (U+{ord(text[place]):04X})"
    message = Text(
        f"“{title}”的第 {place + 1} 个字符 {said} 是自定义区字符，在别的系统中会显示为空白或另一个字；请改用标准字符。",
        f"character {place + 1} of {path}, {said}, is a private-use one: other systems show a blank or another "
        "character; use the standard one.",
    )
    value = shown(text, personal=field is None or field.personal)
    return Finding("text.private-use", message, field=path, title=title, value=value)


def _texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, f"{path}[{index}]")
