"""The kinds of value a canonical field may hold, and the one normal form of each.

A kind is metadata on `str` or `bool` (`Annotated[str, Scalar(...)]`): pydantic compiles it, the field
list and the published JSON Schema read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
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
    OutletCode,
    PermitNumber,
    PollutantCode,
    ProjectCode,
    RegionCode,
    number,
)
from schemas.identifiers.identifier import NoNumber, misshapen
from schemas.scalars import PLAIN, day, degrees, instant, moment, money, plain_decimal

_DAY_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
_INSTANT_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]*$"


Naming = type[Identifier]
"""A class of identifiers."""

Fault = type[Misshapen]
"""A class of errors that an identifier raises."""


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
class DayOrInstant(Scalar):
    """A day, or a moment with offset where the hour is known."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        arms = [
            {"type": "string", "pattern": _DAY_PATTERN, "format": "date"},
            {"type": "string", "pattern": _INSTANT_PATTERN, "format": "date-time"},
        ]
        return {"anyOf": arms, "x-type": self.type}


@dataclass(frozen=True, slots=True)
class Identified:
    """An identifier. The validation context, when it is a list, is told of each that is worth a second look.

    A second look is for an identifier that was not written in its normal form, or that has doubts.
    `drops` are the errors that leave the value out instead of refusing the document: every one for a
    field whose senders are known to fill it with junk, `NoNumber` for a number that need not be there.
    """

    identifier: Naming
    type: str = "identifier"
    drops: tuple[Fault, ...] = ()
    codes: str | None = None

    @property
    def lenient(self) -> bool:
        """Whether some values are left out instead of refused."""
        return bool(self.drops)

    def read(self, value: Any, info: ValidationInfo) -> str | None:
        """Bring an identifier to its normal form; raises Misshapen unless it is to be left out."""
        normal: str | None = None
        if isinstance(value, str):
            try:
                normal = self.identifier.normalise(value)
            except self.drops:
                pass
            else:
                if normal == value and not self.identifier.doubts(value):
                    return normal
        elif value is not None or not self.drops:
            raise misshapen("type.text", value, "应为文本。", "Expected text.")
        # Only what was written otherwise, was left out, or has doubts comes here.
        if info.context is not None and value is not None:
            info.context.append(normal)
        return normal

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", **self.identifier.json_schema(), "x-type": self.type}


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


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number, zero or more."""

    type: str = "integer"
    codes: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.int_schema(strict=True, ge=0, lt=10**15)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**15, "x-type": "integer"}


Item = TypeVar("Item")
Some = Annotated[list[Item], Field(min_length=1)]
"""A list with something in it: an optional one that is empty counts as absent."""

Prose = Annotated[str, Words()]
Line = Annotated[str, Words(longest=500)]
PlatformNumber = Annotated[str, Identified(number.PlatformNumber)]
OtherNumber = Annotated[str, Identified(number.PlatformNumber, drops=(NoNumber,))]
"""A number that the document may go without: what only says "none" is left out."""

Link = Annotated[str, Words("url", longest=2000)]
YesNo = Annotated[bool, Truth()]
Size = Annotated[int, Count()]
Day = Annotated[str, Scalar("date", day, _DAY_PATTERN, "date")]
Instant = Annotated[str, Scalar("datetime", instant, _INSTANT_PATTERN, "date-time")]
Moment = Annotated[str, DayOrInstant("moment", moment)]
"""A day or an instant: writs often name the day alone."""

Yuan = Annotated[str, Scalar("money", money, r"^(?:0|[1-9]\d{0,14})(?:\.\d?[1-9])?$")]
Quantity = Annotated[str, Scalar("decimal", plain_decimal, rf"^(?:{PLAIN.pattern})$")]
Longitude = Annotated[str, Scalar("decimal", degrees(180, "经度", "Longitude"), rf"^(?:{PLAIN.pattern})$")]
Latitude = Annotated[str, Scalar("decimal", degrees(90, "纬度", "Latitude"), rf"^(?:{PLAIN.pattern})$")]
Region = Annotated[str, Identified(RegionCode, "region")]
Credit = Annotated[str, Identified(CreditCode)]
OtherCredit = Annotated[str, Identified(CreditCode, drops=(NoNumber,))]
"""A credit code that need not be there: what only says "none" is left out, as in the others of the kind."""

OtherCitizen = Annotated[str, Identified(CitizenId, drops=(NoNumber,))]
Permit = Annotated[str, Identified(PermitNumber)]
OtherPermit = Annotated[str, Identified(PermitNumber, drops=(NoNumber,))]
OtherProject = Annotated[str, Identified(ProjectCode, drops=(NoNumber,))]
OwnProject = Annotated[str | None, Identified(ProjectCode, drops=(Misshapen,))]
Industry = Annotated[str, Identified(IndustryCode)]
Writ = Annotated[str, Identified(DocumentNumber)]
OtherWrit = Annotated[str, Identified(DocumentNumber, drops=(NoNumber,))]
"""A document number that need not be there: what only says "none" is left out."""

Outlet = Annotated[str, Identified(OutletCode)]
Pollutant = Annotated[str, Identified(PollutantCode)]
Badge = Annotated[str, Identified(OfficerNumber)]
OtherBadge = Annotated[str, Identified(OfficerNumber, drops=(NoNumber,))]
