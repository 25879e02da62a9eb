"""The kinds of value a canonical field may hold, and the one normal form of each.

A kind is metadata on `str` or `bool` (`Annotated[str, Scalar(...)]`): pydantic compiles it, the field
list and the published JSON Schema read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from schemas.codes import table
from schemas.identifiers import (
    CitizenId,
    CreditCode,
    DocumentNumber,
    Identifier,
    IndustryCode,
    Misshapen,
    OfficerNumber,
    OrganisationCode,
    PermitNumber,
    ProjectCode,
    RegionCode,
)
from schemas.identifiers.base import misshapen

CHINA_TIME = timezone(timedelta(hours=8))
"""The one offset of canonical times, +08:00: China has had no other since 1991."""

_PLAIN = re.compile(r"(?:0|-?[1-9]\d{0,14})(?:\.\d{0,9}[1-9])?|-0\.\d{0,9}[1-9]", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?(?:E[+-]?\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})", re.ASCII | re.IGNORECASE
)
_CANONICAL_INSTANT = re.compile(r"[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+08:00", re.ASCII)
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]*$"


Naming = type[Identifier]
"""A class of identifiers."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text with a normal form of its own: `read` brings it there or raises Misshapen."""

    type: str
    read: Callable[[Any], str]
    pattern: str | None = None
    format: str | None = None
    codes: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        published = {"type": "string", "pattern": self.pattern, "format": self.format, "x-type": self.type}
        return {key: value for key, value in published.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Identified:
    """An identifier. The validation context, when it is a list, is told of each that is worth a second look.

    A second look is for an identifier that was not written in its normal form, or that has doubts.
    `lenient` drops what cannot be one, for a field whose senders are known to fill it with junk.
    """

    identifier: Naming
    type: str = "identifier"
    lenient: bool = False
    codes: str | None = None

    def read(self, value: Any, info: ValidationInfo) -> str | None:
        """Bring an identifier to its normal form; raises Misshapen unless lenient."""
        normal = self._normal(value)
        if info.context is not None and (normal != value or (normal is not None and self.identifier.doubts(normal))):
            info.context.append(normal)
        return normal

    def _normal(self, value: Any) -> str | None:
        if not isinstance(value, str):
            if self.lenient and value is None:
                return None
            raise misshapen("type.text", value, "应为文本。", "Expected text.")
        try:
            normal: str = self.identifier.normalise(value)
        except Misshapen:
            if self.lenient:
                return None
            raise
        return normal

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.identifier.pattern.pattern})$", "x-type": self.type}


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: trimmed, not empty, no control characters, at most `longest` characters."""

    type: str = "text"
    longest: int = 20_000
    codes: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.str_schema(
            strict=True, strip_whitespace=True, min_length=1, max_length=self.longest, pattern=_PRINTABLE
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "x-type": self.type}


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of the canonical table `codes`."""

    codes: str
    type: str = "code"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(table(self.codes).codes))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        rows = table(self.codes)
        titles = {row.code: row.title for row in rows}
        return {"type": "string", "enum": list(rows.codes), "x-type": "code", "x-codes": self.codes, "x-titles": titles}


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no."""

    type: str = "bool"
    codes: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.bool_schema(strict=True)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "boolean", "x-type": "bool"}


def plain_decimal(value: Any) -> str:
    """Return a number (text, int or Decimal) without exponent and trailing zeros; raises Misshapen.

    A float is refused: it has already lost what was written.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    number = _decimal(value)
    text = f"{number.normalize():f}"
    if number.is_zero():
        return "0"
    if not _PLAIN.fullmatch(text):
        raise misshapen(
            "decimal.range", value, "数值超出范围：整数最多15位，小数最多10位。", "Out of range: 15.10 digits."
        )
    return text


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip().upper()):
        return Decimal(value.strip())
    zh = "不是十进制数：请用不带单位和千分位的数字，例如“20000”或“0.2”。"
    raise misshapen("decimal.shape", value, zh, 'Not a decimal number: write digits only, such as "20000" or "0.2".')


def money(value: Any) -> str:
    """Return an amount in yuan, not negative, no finer than a fen; raises Misshapen."""
    text = plain_decimal(value)
    if text[0] == "-":
        raise misshapen("money.negative", value, "金额不能为负。", "An amount of money cannot be negative.")
    if "." in text and len(text) - text.index(".") > 3:
        zh = "金额（元）精确到分，最多两位小数；如原值为万元请先换算。"
        raise misshapen("money.fraction", value, zh, "Yuan with at most two decimals; convert from 10,000 yuan first.")
    return text


def _degrees(limit: int, zh: str, en: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = plain_decimal(value)
        if not -limit <= float(text) <= limit:
            raise misshapen(
                "location.range", value, f"{zh}应在±{limit}度之内。", f"{en} must be within ±{limit} degrees."
            )
        return text

    return read


def day(value: Any) -> str:
    """Return a date as `YYYY-MM-DD`; raises Misshapen."""
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise misshapen("date.shape", value, "不是有效日期：应为 YYYY-MM-DD。", "Not a date: expected YYYY-MM-DD.")


def instant(value: Any) -> str:
    """Return a time as `YYYY-MM-DDTHH:MM:SS+08:00`, a fraction only when it is not zero; raises Misshapen."""
    if isinstance(value, str) and _CANONICAL_INSTANT.fullmatch(value) and _is_time(value):
        return value
    found = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        try:
            local = datetime.fromisoformat("T".join(found.groups()[:2]) + found[3].upper()).astimezone(CHINA_TIME)
            return local.isoformat()
        except (ValueError, OverflowError):
            pass
    zh = "不是有效时间：应为带时区的 YYYY-MM-DDTHH:MM:SS+08:00。"
    raise misshapen("datetime.shape", value, zh, "Not a time: expected YYYY-MM-DDTHH:MM:SS+08:00, offset included.")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


Prose = Annotated[str, Words()]
Line = Annotated[str, Words(longest=500)]
PlatformNumber = Annotated[str, Words("identifier", longest=100)]
Link = Annotated[str, Words("url", longest=2000)]
YesNo = Annotated[bool, Truth()]
Day = Annotated[str, Scalar("date", day, r"^\d{4}-\d{2}-\d{2}$", "date")]
Instant = Annotated[str, Scalar("datetime", instant, r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", "date-time")]
Yuan = Annotated[str, Scalar("money", money, r"^(?:0|[1-9]\d{0,14})(?:\.\d?[1-9])?$")]
Longitude = Annotated[str, Scalar("decimal", _degrees(180, "经度", "Longitude"), rf"^(?:{_PLAIN.pattern})$")]
Latitude = Annotated[str, Scalar("decimal", _degrees(90, "纬度", "Latitude"), rf"^(?:{_PLAIN.pattern})$")]
Region = Annotated[str, Identified(RegionCode, "region")]
Credit = Annotated[str, Identified(CreditCode)]
Organisation = Annotated[str, Identified(OrganisationCode)]
Citizen = Annotated[str, Identified(CitizenId)]
Permit = Annotated[str, Identified(PermitNumber)]
Project = Annotated[str, Identified(ProjectCode)]
OwnProject = Annotated[str | None, Identified(ProjectCode, lenient=True)]
Industry = Annotated[str, Identified(IndustryCode)]
Writ = Annotated[str, Identified(DocumentNumber)]
Badge = Annotated[str, Identified(OfficerNumber)]
