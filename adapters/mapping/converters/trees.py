"""Converters of structure: trees embedded as text, columns joined to one value."""

from __future__ import annotations

from typing import Any

from adapters.formats import embedded
from adapters.formats.names import Names
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen
from adapters.mapping.converters.texts import argument_text, text_of
from schemas.findings import Rejected, Text

_NAMES = Names({})


def _embedded(argument: Any, codes: Codes) -> Converter:
    if argument not in embedded.KINDS:
        raise BadArgument("参数应为 json 或 xml", "the argument is json or xml")
    wrong = Text(f"{argument.upper()} 文本", f"{argument.upper()} text")

    def forward(value: Any) -> Any:
        if value.__class__ is not str:
            raise OutsideDomain("value.embedded", wrong)
        try:
            return embedded.read(argument, value, _NAMES)
        except Rejected:
            raise OutsideDomain("value.embedded", wrong) from None

    def backward(value: Any) -> str:
        try:
            return embedded.write(argument, value, _NAMES)
        except Rejected:
            raise OutsideDomain("value.embedded", wrong) from None

    return Converter("embedded", forward, backward, argument, gives="tree")


def _join(argument: Any, codes: Codes) -> Converter:
    separator = argument if argument == " " else argument_text(argument, "连接符", "the separator")
    wrong = Text(f"各列都有、且不含 {separator!r} 的值", f"values in every column that do not hold {separator!r}")

    def forward(value: Any) -> str:
        texts = [text_of(part) for part in value.values() if part is not None]
        if len(texts) != len(value) or any(separator in text for text in texts):
            raise OutsideDomain("value.parts", wrong)
        return str(separator).join(texts)

    return Converter("join", forward, lambda value: text_of(value).split(separator), separator, needs_parts=True)


KINDS = (
    Kind(
        "embedded",
        Text("以文本嵌入的 JSON 或 XML", "JSON or XML embedded as text"),
        Text("可写为该格式的树", "trees that the format can write"),
        _embedded,
        (
            Specimen('{"编号":"DA001"}', {"编号": "DA001"}, "json"),
            Specimen("<点位><编号>DA001</编号></点位>", {"点位": {"编号": "DA001"}}, "xml"),
        ),
        Text("json 或 xml", "json or xml"),
    ),
    Kind(
        "join",
        Text("几列按顺序连成一个值（用于 parts）", "several columns joined in order to one value (with parts)"),
        Text("各列都有、且不含连接符的值", "values in every column that do not hold the separator"),
        _join,
        (Specimen({"日期": "2025-08-06", "时间": "09:30"}, "2025-08-06 09:30", " "),),
        Text("连接符", "a separator"),
    ),
)
