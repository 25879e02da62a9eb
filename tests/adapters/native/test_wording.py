"""What is said of a body that breaks a platform's schema: the limit in both languages, never the library's word."""

from __future__ import annotations

import re

import pytest

from adapters.formats import Format, read
from adapters.native import compile_schema

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="R"><xs:complexType><xs:sequence>
<xs:element name="a" {kind}</xs:sequence>
<xs:attribute name="id" type="xs:int"{use}/></xs:complexType></xs:element></xs:schema>"""


def _restricted(base: str, facets: str) -> str:
    return f'><xs:simpleType><xs:restriction base="xs:{base}">{facets}</xs:restriction></xs:simpleType></xs:element>'


TEXT = 'type="xs:string"/>'
SECRET = "110105194912310021"


@pytest.mark.parametrize(
    ("kind", "inside", "zh", "en"),
    [
        (_restricted("string", '<xs:maxLength value="17"/>'), SECRET, "有 18 个字符，最多 17 个", "at most 17"),
        (_restricted("string", '<xs:minLength value="19"/>'), SECRET, "有 18 个字符，至少 19 个", "at least 19"),
        (_restricted("string", '<xs:length value="5"/>'), SECRET, "有 18 个字符，应为 5 个", "exactly 5"),
        (_restricted("string", '<xs:pattern value="[A-Z]+"/>'), SECRET, "不符合格式 [A-Z]+", "pattern [A-Z]+"),
        (
            _restricted("string", '<xs:enumeration value="1"/><xs:enumeration value="2"/>'),
            SECRET,
            "不在允许的取值之中：1、2",
            "is not one of 1、2",
        ),
        (_restricted("long", '<xs:maxInclusive value="9"/>'), SECRET, "大于最大值 9", "greater than the maximum 9"),
        (_restricted("long", '<xs:maxExclusive value="9"/>'), SECRET, "应小于 9", "less than 9"),
        (_restricted("decimal", '<xs:minInclusive value="9"/>'), "1.5", "小于最小值 9", "less than the minimum 9"),
        (_restricted("decimal", '<xs:minExclusive value="9"/>'), "1.5", "应大于 9", "greater than 9"),
        (_restricted("decimal", '<xs:totalDigits value="3"/>'), SECRET, "超过 3 位数字", "more than 3 digits"),
        (_restricted("decimal", '<xs:fractionDigits value="1"/>'), "1.555", "小数超过 1 位", "more than 1 digits"),
        (_restricted("date", ""), SECRET, "YYYY-MM-DD 的日期", "a date YYYY-MM-DD"),
        ('type="xs:integer"/>', "x9", "应为整数", "a whole number"),
        ('type="xs:dateTime"/>', SECRET, "YYYY-MM-DDThh:mm:ss", "YYYY-MM-DDThh:mm:ss"),
    ],
)
def test_a_value_is_told_by_its_limit(kind: str, inside: str, zh: str, en: str) -> None:
    """Every facet of XML Schema."""
    [(path, said)] = _xsd(kind, f"<R><a>{inside}</a></R>")
    assert path == "a"
    assert zh in said.zh
    assert en in said.en
    assert inside not in said.zh + said.en


@pytest.mark.parametrize(
    ("kind", "use", "body", "path", "zh", "en"),
    [
        (TEXT, "", "<R/>", "", "缺少 a", "a is missing"),
        (TEXT, "", "<R><b/></R>", "b", "应为 a", "expected a"),
        (TEXT, "", "<R><a/><a/></R>", "a[1]", "此处不应有该元素", "not expected here"),
        (TEXT, "", "<R><a><b/></a></R>", "a", "不应含有元素", "no elements"),
        (TEXT, "", "<R>x<a/></R>", "", "不应直接写文字", "no text"),
        (TEXT, ' use="required"', "<R><a/></R>", "", "缺少 @id", "@id is missing"),
        (TEXT, "", '<R id="x"><a/></R>', "@id", "应为整数", "a whole number"),
        ("><xs:complexType/></xs:element>", "", "<R><a>x</a></R>", "a", "应为空", "must be empty"),
    ],
)
def test_a_place_is_told_by_what_belongs_there(kind: str, use: str, body: str, path: str, zh: str, en: str) -> None:
    """Elements and attributes."""
    [(found, said)] = _xsd(kind, body, use)
    assert found == path
    assert zh in said.zh
    assert en in said.en


def _xsd(kind: str, body: str, use: str = "") -> list[tuple[str, object]]:
    declared = Format("xml", root="R")
    schema = compile_schema(XSD.format(kind=kind, use=use).encode(), "native/x.xsd", declared)
    found = [(one.path, one.message) for _, one in schema.faults(read(declared, body.encode()))]
    assert not any(re.search(r"SCHEMA|CVC|facet", said.zh + said.en) for _, said in found)
    return found


@pytest.mark.parametrize(
    ("schema", "value", "zh", "en"),
    [
        ('{"maxLength":2}', '"abc"', "有 3 个字符，最多 2 个", "has 3 characters, at most 2"),
        ('{"minLength":4}', '"abc"', "至少 4 个", "at least 4"),
        ('{"pattern":"^[0-9]+$"}', '"abc"', "不符合格式 ^[0-9]+$", "pattern ^[0-9]+$"),
        ('{"enum":["1","2"]}', '"abc"', "1、2", "1、2"),
        ('{"const":"1"}', '"abc"', "应为 1", "must be 1"),
        ('{"oneOf":[{"const":"1","title":"x"},{"const":"2"}]}', '"abc"', "取值之中：1、2", "not one of 1、2"),
        ('{"anyOf":[{"type":"integer"},{"maxLength":1}]}', '"abc"', "任何一种", "none of the allowed"),
        ('{"oneOf":[{"type":"string"},{"minLength":1}]}', '"abc"', "几种", "several"),
        ('{"type":["integer","null"]}', '"abc"', "类型应为", "must be of type"),
        ('{"format":"date"}', '"abc"', "不是合格的 date", "not a valid date"),
        ('{"maximum":2}', "3", "大于最大值 2", "greater than the maximum 2"),
        ('{"minimum":4}', "3", "小于最小值 4", "less than the minimum 4"),
        ('{"exclusiveMaximum":3}', "3", "应小于 3", "less than 3"),
        ('{"exclusiveMinimum":3}', "3", "应大于 3", "greater than 3"),
        ('{"multipleOf":2}', "3", "不是 2 的倍数", "multiple of 2"),
        ('{"maxItems":1}', "[1,2]", "有 2 项，最多 1 项", "has 2 items, at most 1"),
        ('{"minItems":3}', "[1,2]", "有 2 项，至少 3 项", "has 2 items, at least 3"),
        ('{"uniqueItems":true}', "[1,1]", "重复", "twice"),
        ('{"contains":{"const":3}}', "[1]", "没有规定的项", "lacks an item"),
        ('{"maxProperties":0}', '{"x":1}', "有 1 个字段，最多 0 个", "has 1 fields, at most 0"),
        ('{"propertyNames":{"maxLength":1}}', '{"xx":1}', "字段名", "name is not allowed"),
        ('{"properties":{"y":{}},"additionalProperties":false}', '{"x":1}', "不应有 x", "x is not allowed"),
        ('{"additionalProperties":false}', '{"x":1}', "不应有内容", "must hold nothing"),
        ('{"required":["x"]}', "{}", "缺少 x", "x is missing"),
        ('{"not":{"type":"string"}}', '"abc"', "不允许", "not allowed"),
        ("false", '"abc"', "不应有该字段", "must not be there"),
    ],
)
def test_every_keyword_of_json_schema_has_words(schema: str, value: str, zh: str, en: str) -> None:
    """With its limit, and without the value."""
    compiled = compile_schema(f'{{"properties":{{"a":{schema}}}}}'.encode(), "native/x.schema.json", Format())
    [(_, finding)] = compiled.faults(read(Format(), f'{{"a":{value}}}'.encode()))
    assert zh in finding.message.zh
    assert en in finding.message.en
    assert "abc" not in finding.message.zh + finding.message.en


def test_a_long_list_of_values_is_cut() -> None:
    """Twenty are enough to see what is meant."""
    options = ",".join(f'"{number}"' for number in range(500))
    compiled = compile_schema(f'{{"properties":{{"a":{{"enum":[{options}]}}}}}}'.encode(), "x.schema.json", Format())
    [(_, finding)] = compiled.faults(read(Format(), b'{"a":"x"}'))
    assert finding.message.en.startswith("is not one of 0、1、2")
    assert "… (500)" in finding.message.en
