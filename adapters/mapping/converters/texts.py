"""Text converters: as it is, upper case, padded, stripped, prefixed."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Any

from adapters.mapping.converters.exact import plain
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen, plainly
from schemas.documents.characters import REWRITTEN
from schemas.findings import Text

MAX_ARGUMENT = 64
_TEXT = Text("文本", "text")
_LONG = 11
_WHOLE_NUMBER = Text("写全的数字，而不是科学计数", "a number with all its digits, not in scientific notation")


def text_of(value: Any) -> str:
    """Give a scalar as text: numbers without exponent. Raises `OutsideDomain` for anything else."""
    if value.__class__ is str:
        return value
    if value.__class__ is int:
        return str(value)
    if isinstance(value, Decimal):
        if value.is_finite() and value.as_tuple().exponent > 0 and value.adjusted() >= _LONG:  # type: ignore[operator]
            raise OutsideDomain(REWRITTEN, _WHOLE_NUMBER)
        return plain(value)
    raise OutsideDomain("value.text", _TEXT)


def argument_text(argument: Any, zh: str, en: str) -> str:
    """Check that a converter's argument is a text of 1 to 64 characters."""
    if isinstance(argument, int) and not isinstance(argument, bool):
        argument = str(argument)
    if not isinstance(argument, str) or not 0 < len(argument) <= MAX_ARGUMENT:
        raise BadArgument(f"参数应为{zh}（1 至 64 个字符）", f"the argument is {en} (1 to 64 characters)")
    return argument


def _text() -> Converter:
    return Converter("text", text_of, text_of)


def _upper() -> Converter:
    def forward(value: Any) -> str:
        return unicodedata.normalize("NFKC", text_of(value)).upper()

    return Converter("upper", forward, text_of)


def _pad(argument: Any, codes: Codes) -> Converter:
    if not isinstance(argument, int) or isinstance(argument, bool) or not 1 <= argument <= MAX_ARGUMENT:
        raise BadArgument("参数应为 1 至 64 的宽度", "the argument is a width from 1 to 64")
    width = argument
    wrong = Text(f"不超过 {width} 位、无前导零的文本", f"text of at most {width} characters without leading zeros")

    def forward(value: Any) -> str:
        found = text_of(value)
        return found.lstrip("0") or "0"

    def backward(value: Any) -> str:
        written = text_of(value)
        if len(written) > width or (written != "0" and written.startswith("0")):
            raise OutsideDomain("value.width", wrong)
        return written.rjust(width, "0")

    return Converter("pad", forward, backward, width)


def _strip(argument: Any, codes: Codes) -> Converter:
    characters = argument_text(argument, "要去掉的字符", "the characters to remove")
    wrong = Text(f"首尾不含 {characters} 的文本", f"text that neither starts nor ends with any of {characters}")

    def forward(value: Any) -> str:
        found = text_of(value).strip(characters)
        if not found:
            raise OutsideDomain("value.text", wrong)
        return found

    def backward(value: Any) -> str:
        written = text_of(value)
        if written.strip(characters) != written:
            raise OutsideDomain("value.text", wrong)
        return written

    return Converter("strip", forward, backward, characters, loosely=text_of)


def _prefix(argument: Any, codes: Codes) -> Converter:
    prefix = argument_text(argument, "原值的前缀", "the prefix of the native value")
    wrong = Text(f"以 {prefix} 开头的文本", f"text that starts with {prefix}")

    def forward(value: Any) -> str:
        found = text_of(value)
        if not found.startswith(prefix) or found == prefix:
            raise OutsideDomain("value.prefix", wrong)
        return found[len(prefix) :]

    return Converter("prefix", forward, lambda value: prefix + text_of(value), prefix)


def _suffix(argument: Any, codes: Codes) -> Converter:
    suffix = argument_text(argument, "原值的后缀", "the suffix of the native value")
    wrong = Text(f"以 {suffix} 结尾的文本", f"text that ends in {suffix}")

    def forward(value: Any) -> str:
        found = text_of(value)
        if not found.endswith(suffix) or found == suffix:
            raise OutsideDomain("value.suffix", wrong)
        return found[: -len(suffix)].rstrip()

    def backward(value: Any) -> str:
        written = text_of(value)
        if written != written.rstrip():
            raise OutsideDomain("value.suffix", Text("末尾没有空格的文本", "text that does not end in a space"))
        return written + suffix

    return Converter("suffix", forward, backward, suffix)


KINDS = (
    Kind(
        "text",
        Text("按文本读写；数字变为文本", "text as it is; a number becomes text"),
        Text("任何文本", "any text"),
        plainly(_text),
        (Specimen("浙环罚", "浙环罚"), Specimen(330110, "330110", written="330110")),
    ),
    Kind(
        "upper",
        Text("全角变半角，并变为大写", "half-width and upper case"),
        Text("半角大写文本", "half-width upper-case text"),
        plainly(_upper),
        (Specimen("91110000600037341l", "91110000600037341L", written="91110000600037341L"),),
    ),
    Kind(
        "pad",
        Text("原值以零补足宽度", "the native value is padded with leading zeros"),
        Text("不超过宽度、无前导零的文本", "text no longer than the width and without leading zeros"),
        _pad,
        (Specimen("0012", "12", 4),),
        Text("宽度", "a width"),
    ),
    Kind(
        "strip",
        Text("去掉首尾的字符", "removes characters from both ends"),
        Text("首尾不含这些字符的文本", "text that neither starts nor ends with them"),
        _strip,
        (Specimen("《现场检查笔录》", "现场检查笔录", "《》", written="现场检查笔录"),),
        Text("字符", "characters"),
    ),
    Kind(
        "prefix",
        Text("原值带有前缀", "the native value bears a prefix"),
        Text("非空文本", "text that is not empty"),
        _prefix,
        (Specimen("XK-2024001", "2024001", "XK-"),),
        Text("前缀", "a prefix"),
    ),
    Kind(
        "suffix",
        Text("原值带有后缀，如计量单位", "the native value bears a suffix, as a unit"),
        Text("非空、末尾没有空格的文本", "text that is not empty and does not end in a space"),
        _suffix,
        (Specimen("0.2万元", "0.2", "万元"), Specimen("85 %", "85", "%", written="85%")),
        Text("后缀", "a suffix"),
    ),
)
