"""Schemas inferred from samples: what was always there is required, what may come is let in."""

import json

import jsonschema_rs
import pytest

from adapters import formats
from adapters.native import compile_schema
from adapters.suggest import native_schema, read_sample
from adapters.suggest.envelope import envelope, records
from adapters.suggest.native_schema import ENUM_SEEN


def inferred(*bodies: object) -> dict:
    """The schema of some bodies."""
    return json.loads(native_schema.json_schema(list(bodies), "样例", {}))


def test_types_and_what_is_always_there():
    """A number that is once a decimal is a number; null and absent are no promise."""
    made = inferred({"a": 1, "b": "x", "c": None}, {"a": 2, "c": "y", "d": [{"e": True}]})
    assert made["required"] == ["a", "c"]
    assert made["properties"]["a"]["type"] == "integer"
    assert made["properties"]["c"]["type"] == ["null", "string"]
    assert made["properties"]["d"]["items"]["properties"]["e"]["type"] == "boolean"
    jsonschema_rs.validate(made, {"a": 3, "c": "z", "new": "column"})


def test_a_date_has_a_pattern_and_may_be_blank():
    """Every text was such a date."""
    made = inferred({"on": "2026-05-13"}, {"on": "2026-05-14"})
    assert jsonschema_rs.is_valid(made, {"on": ""})
    assert not jsonschema_rs.is_valid(made, {"on": "昨天"})


def test_few_samples_make_no_enumeration():
    """Two values seen are not all there are; a dozen repeated ones may be."""
    assert "enum" not in inferred({"x": "1"}, {"x": "2"})["properties"]["x"]
    many = [{"x": str(n % 2)} for n in range(ENUM_SEEN)]
    assert inferred(*many)["properties"]["x"]["enum"] == ["0", "1"]


PACKAGE = """<?xml version="1.0" encoding="{charset}"?>
<数据包 版本="1"><包头><记录数>1</记录数></包头>
<记录列表><记录><编号>A1</编号><日期>20260513</日期><名称>甲</名称></记录></记录列表></数据包>"""


@pytest.mark.parametrize("charset", ["GBK", "UTF-8"])
def test_an_xml_schema_takes_what_it_was_made_of(charset: str):
    """Chinese tags, attributes, GBK; new elements and any order are let in, a broken date is not."""
    sample = read_sample("1.xml", PACKAGE.format(charset=charset).encode(charset))
    made = native_schema.xml_schema([sample.content], sample.format, "样例", {"编号": "案件编号"})
    assert made is not None
    assert "案件编号" in made.decode()
    schema = compile_schema(made, "native/x.xsd", sample.format)
    assert list(schema.faults(formats.read(sample.format, sample.content))) == []
    more = PACKAGE.format(charset=charset).replace("<编号>", "<新列>1</新列><编号>").encode(charset)
    assert list(schema.faults(formats.read(sample.format, more))) == []
    bad = PACKAGE.format(charset=charset).replace("20260513", "昨天").encode(charset)
    assert list(schema.faults(formats.read(sample.format, bad)))


def test_several_namespaces_make_no_schema():
    """One schema file speaks for one namespace."""
    body = b'<a xmlns="urn:a"><b xmlns="urn:b">1</b></a>'
    sample = read_sample("1.xml", body)
    assert native_schema.xml_schema([body], sample.format, "", {}) is None


@pytest.mark.parametrize(
    ("body", "split"),
    [
        ([{"a": 1, "b": 2}], "[]"),
        ({"code": 0, "data": {"list": [{"a": 1, "b": 2, "c": 3}]}}, "data.list[]"),
        ({"a": 1, "b": 2, "c": 3, "files": [{"name": 1, "url": 2}]}, ""),
        ({"CASE": {"a": 1, "b": 2}, "PARTY": {"c": 3}}, ""),
    ],
)
def test_records_stand_where_nearly_all_columns_are(body: object, split: str):
    """A list of attachments is no list of records."""
    found = envelope([body], xml=False)
    assert found.split == split
    assert records(body, found.split)


def test_one_record_of_a_package_is_still_a_record():
    """In XML a list of one looks like no list; its name tells."""
    sample = read_sample("1.xml", PACKAGE.format(charset="UTF-8").encode())
    assert envelope([sample.tree], xml=True).split == "记录列表.记录[]"
    assert envelope([sample.tree], xml=True).require == (("包头.记录数", "{count}"),)
