"""What a native schema's fault says: the limit and what was found against it, in both languages, never the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from schemas.findings import Text

MAX_OPTIONS = 20
MAX_LIMIT = 300

_SAID: Mapping[str, tuple[str, str]] = {
    "maxLength": ("有 {actual} 个字符，最多 {limit} 个", "has {actual} characters, at most {limit} are allowed"),
    "minLength": ("有 {actual} 个字符，至少 {limit} 个", "has {actual} characters, at least {limit} are needed"),
    "length": ("有 {actual} 个字符，应为 {limit} 个", "has {actual} characters, exactly {limit} are needed"),
    "pattern": ("不符合格式 {limit}", "does not match the pattern {limit}"),
    "enum": ("不在允许的取值之中：{limit}", "is not one of {limit}"),
    "const": ("应为 {limit}", "must be {limit}"),
    "maximum": ("大于最大值 {limit}", "is greater than the maximum {limit}"),
    "minimum": ("小于最小值 {limit}", "is less than the minimum {limit}"),
    "exclusiveMaximum": ("应小于 {limit}", "must be less than {limit}"),
    "exclusiveMinimum": ("应大于 {limit}", "must be greater than {limit}"),
    "totalDigits": ("超过 {limit} 位数字", "has more than {limit} digits"),
    "fractionDigits": ("小数超过 {limit} 位", "has more than {limit} digits after the point"),
    "multipleOf": ("不是 {limit} 的倍数", "is not a multiple of {limit}"),
    "maxItems": ("有 {actual} 项，最多 {limit} 项", "has {actual} items, at most {limit} are allowed"),
    "minItems": ("有 {actual} 项，至少 {limit} 项", "has {actual} items, at least {limit} are needed"),
    "maxProperties": ("有 {actual} 个字段，最多 {limit} 个", "has {actual} fields, at most {limit} are allowed"),
    "minProperties": ("有 {actual} 个字段，至少 {limit} 个", "has {actual} fields, at least {limit} are needed"),
    "uniqueItems": ("列表中有重复的项", "holds an item twice"),
    "unique": ("该值应唯一，但已出现过", "must be unique and was there before"),
    "contains": ("列表中没有规定的项", "lacks an item that must be in it"),
    "type": ("类型应为 {limit}", "must be of type {limit}"),
    "format": ("不是合格的 {limit}", "is not a valid {limit}"),
    "value": ("不是合格的值，应为{limit}", "is not a valid value, expected {limit}"),
    "required": ("缺少 {limit}", "{limit} is missing"),
    "additionalProperties": ("不应有 {limit}", "{limit} is not allowed here"),
    "misplaced": ("此处不应有该元素，应为 {limit}", "is not expected here, expected {limit}"),
    "unexpected": ("此处不应有该元素", "is not expected here"),
    "propertyNames": ("有不允许的字段名", "holds a field whose name is not allowed"),
    "alternatives": ("不符合任何一种允许的形式", "takes none of the allowed forms"),
    "several": ("同时符合几种只能取一种的形式", "takes several forms of which only one is allowed"),
    "not": ("是不允许的值", "is a value that is not allowed"),
    "falseSchema": ("不应有该字段，或其中不应有内容", "must not be there, or must hold nothing"),
    "text": ("不应直接写文字", "must hold no text of its own"),
    "empty": ("应为空", "must be empty"),
    "leaf": ("应是一个值，不应含有元素", "is a single value and must hold no elements"),
    "nil": ("不能为空（xsi:nil）", "cannot be nil"),
    "root": ("平台模式没有声明该元素", "is not declared by the schema"),
}
_OTHERWISE = ("不符合平台模式", "does not satisfy the schema")


def _written(key: str, limit: object = "", actual: object = "") -> Text:
    zh, en = _SAID.get(key, _OTHERWISE)
    said = {"limit": str(limit)[:MAX_LIMIT], "actual": actual}
    remedy = Text("请按平台模式改正", "correct it as the platform's schema says")
    return Text(f"{zh.format(**said)}；{remedy.zh}", f"{en.format(**said)}; {remedy.en}")


def _options(values: Iterable[object]) -> str:
    listed = [str(value) for value in values]
    shown = "、".join(listed[:MAX_OPTIONS])
    return shown if len(listed) <= MAX_OPTIONS else f"{shown} … ({len(listed)})"


# ── JSON Schema ───────────────────────────────────────────────────────────────────────────────────

_SIZED = frozenset({"maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"})
_LIMITED: Mapping[str, str] = {
    "enum": "options",
    "const": "expected_value",
    "pattern": "pattern",
    "type": "types",
    "format": "format",
    "multipleOf": "multiple_of",
    "required": "property",
    "additionalProperties": "unexpected",
    "unevaluatedProperties": "unexpected",
    "unevaluatedItems": "unexpected",
}


def of_json(error: Any, length: int | None = None) -> Text:
    """Say an error of jsonschema-rs, whose own sentence quotes the value.

    `length` is that of the value, where the validator saw only a part of it.
    """
    kind = error.kind
    name: str = kind.name
    said: Mapping[str, Any] = kind.as_dict()
    if name in ("anyOf", "oneOf"):
        return _alternatives(said["context"])
    limit = said.get(_LIMITED.get(name, "limit"), "")
    key = "additionalProperties" if name.startswith("unevaluated") else name
    actual: object = length if length is not None else len(error.instance) if name in _SIZED else ""
    return _written(key, _options(limit) if isinstance(limit, list) else limit, actual)


def _alternatives(branches: list[list[Any]]) -> Text:
    """Alternatives that are single values (codes with titles) are told like an enumeration."""
    if not all(branches):
        return _written("several")
    fixed = [one.kind.as_dict()["expected_value"] for branch in branches for one in branch if one.kind.name == "const"]
    return _written("enum", _options(fixed)) if len(fixed) == len(branches) else _written("alternatives")


# ── XML Schema ────────────────────────────────────────────────────────────────────────────────────

_LENGTH = re.compile(r"length of '(\d+)';[^']*length of '(\d+)'\.\s*$")
_BOUND = re.compile(r"(?:allowed \('|than ')([^']*)'\)?\.\s*$")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*) \)\.\s*$", re.DOTALL)
_BUILT_IN = re.compile(r"'xs:(\w+)'\.\s*$")
_QUALIFIED = re.compile(r"\{[^{}]*\}[^\s,]+")

_LENGTHS = {
    "SCHEMAV_CVC_MAXLENGTH_VALID": "maxLength",
    "SCHEMAV_CVC_MINLENGTH_VALID": "minLength",
    "SCHEMAV_CVC_LENGTH_VALID": "length",
}
_BOUNDS = {
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "maximum",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "minimum",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "exclusiveMaximum",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "exclusiveMinimum",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "totalDigits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "fractionDigits",
}
_AFTER = {
    "SCHEMAV_CVC_PATTERN_VALID": ("pattern", "is not accepted by the pattern '", "'."),
    "SCHEMAV_CVC_ENUMERATION_VALID": ("enum", "is not an element of the set {", "}."),
}
_PLAIN = {
    "SCHEMAV_CVC_ELT_1": "root",
    "SCHEMAV_CVC_ELT_3_1": "nil",
    "SCHEMAV_CVC_IDC": "unique",
    "SCHEMAV_CVC_TYPE_3_1_2": "leaf",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": "empty",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text",
}
_ATTRIBUTES = {
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "required",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "additionalProperties",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "additionalProperties",
    "SCHEMAV_CVC_TYPE_3_1_1": "additionalProperties",
}
_ATTRIBUTE = re.compile(r"The attribute '([^']*)' is (?:required but missing|not allowed)\.\s*$")

_TYPES: Mapping[str, tuple[str, str]] = {
    "date": (" YYYY-MM-DD 的日期", "a date YYYY-MM-DD"),
    "dateTime": (" YYYY-MM-DDThh:mm:ss 的时间", "a time YYYY-MM-DDThh:mm:ss"),
    "time": (" hh:mm:ss 的时刻", "a time of day hh:mm:ss"),
    "gYear": ("四位年份", "a year of four digits"),
    "boolean": (" true、false、1 或 0", "true, false, 1 or 0"),
    "anyURI": ("网址", "an address"),
    "base64Binary": (" Base64", "Base64"),
    **dict.fromkeys(("decimal", "double", "float"), ("数字", "a number")),
    **dict.fromkeys(
        ("integer", "int", "long", "short", "byte", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte"),
        ("整数", "a whole number"),
    ),
    "nonNegativeInteger": ("非负整数", "a whole number not below 0"),
    "positiveInteger": ("正整数", "a whole number above 0"),
}


def of_xsd(error: Any, base: str, short: Callable[[str], str]) -> Text:
    """Say an error of libxml2, whose own sentence quotes the value.

    `base` is the built-in type of the element, where the error does not name it; `short` writes a
    qualified name as paths do.
    """
    name, message = error.type_name, error.message
    if name in _LENGTHS and (found := _LENGTH.search(message)):
        return _written(_LENGTHS[name], found[2], found[1])
    if name in _BOUNDS and (found := _BOUND.search(message)):
        return _written(_BOUNDS[name], found[1])
    if name in _AFTER:
        key, before, after = _AFTER[name]
        limit = message.rpartition(before)[2].strip().removesuffix(after)
        return _written(key, _options(limit[1:-1].split("', '")) if key == "enum" else limit)
    if name in _ATTRIBUTES and (found := _ATTRIBUTE.search(message)):
        return _written(_ATTRIBUTES[name], f"@{short(found[1])}")
    if name.startswith("SCHEMAV_CVC_DATATYPE"):
        return _value(message, base)
    if name == "SCHEMAV_ELEMENT_CONTENT":
        return _content(message, short)
    return _written(_PLAIN.get(name, ""))


def _value(message: str, base: str) -> Text:
    named = _BUILT_IN.search(message)
    known = _TYPES.get(named[1] if named else base)
    if known is None:
        return _written("")
    return Text(_written("value", known[0]).zh, _written("value", known[1]).en)


def _content(message: str, short: Callable[[str], str]) -> Text:
    expected = _EXPECTED.search(message)
    if expected is None:
        return _written("unexpected")
    names = _QUALIFIED.sub(lambda found: short(found[0]), expected[1])
    return _written("required" if "Missing child element" in message else "misplaced", names.replace(", ", "、"))
