"""Identifier converters: what platforms write around a number, brought to its normal form."""

from __future__ import annotations

from typing import Any

from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen, plainly
from adapters.mapping.converters.texts import text_of
from schemas.findings import Text
from schemas.identifiers import DocumentNumber, Identifier, IndustryCode, Misshapen, RegionCode
from schemas.identifiers.identifier import NoNumber

STATISTICAL_WIDTHS = (6, 9, 12)


def _normal(kind: type[Identifier]) -> Converter:
    def normalise(value: Any) -> str:
        try:
            return kind.normalise(text_of(value))
        except Misshapen as error:
            if kind is DocumentNumber and isinstance(error, NoNumber):
                return text_of(value)  # the document knows whether it may go without
            raise OutsideDomain(f"{kind.name}.shape", kind.form) from None

    return Converter(kind.name, normalise, normalise)


def _region_code(argument: Any, codes: Codes) -> Converter:
    width = 6 if argument is None else argument
    if width not in STATISTICAL_WIDTHS:
        raise BadArgument("参数应为 6、9 或 12", "the argument is 6, 9 or 12")
    normal = _normal(RegionCode)

    def backward(value: Any) -> str:
        return str(normal.backward(value)).ljust(width, "0")

    return Converter("region-code", normal.forward, backward, argument)


KINDS = (
    Kind(
        "document-number",
        Text("文号：括号、“第”、前导零归一", "a document number: brackets, 第 and leading zeros made one"),
        Text("标准形式的文号", "document numbers in normal form"),
        plainly(lambda: _normal(DocumentNumber)),
        (Specimen("浙环罚字[2025]第012号", "浙环罚字〔2025〕12号", written="浙环罚字〔2025〕12号"),),
    ),
    Kind(
        "industry-code",
        Text("行业代码（GB/T 4754），去掉重复和名称", "an industry code (GB/T 4754) without repetition and name"),
        Text("门类字母加数字的行业代码", "industry codes with their section letter"),
        plainly(lambda: _normal(IndustryCode)),
        (
            Specimen("C2624-C2624-复混肥料制造", "C2624", written="C2624"),
            Specimen("2624", "C2624", written="C2624"),
        ),
    ),
    Kind(
        "region-code",
        Text("行政区划代码（GB/T 2260），可为 9 或 12 位统计代码", "a region code (GB/T 2260), also as 9 or 12 digits"),
        Text("6 位行政区划代码", "six-digit region codes"),
        _region_code,
        (Specimen("330110", "330110"), Specimen("330110005000", "330110", 12, written="330110000000")),
        Text("写出的位数：6、9 或 12", "the digits to write: 6, 9 or 12"),
        optional=True,
    ),
)
