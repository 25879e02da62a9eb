"""A platform's own schemas: faults by native path, and what a body may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import paths
from adapters.formats import Format, read
from adapters.native import compile_schema, shape
from adapters.paths import Path as NativePath
from adapters.source import BrokenBundle

NATIVE = Path(__file__).parents[1] / "bundles" / "town" / "native"
JSON = Format()
XML = Format("xml", root="Package")


def _json(schema: str) -> object:
    return compile_schema(schema.encode(), "native/x.schema.json", JSON)


def _xsd(inside: str, declared: Format = XML, attributes: str = "") -> object:
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {attributes}>{inside}</xs:schema>'
    return compile_schema(text.encode(), "native/x.xsd", declared)


def _town(name: str, declared: Format) -> object:
    return compile_schema((NATIVE / name).read_bytes(), f"native/{name}", declared)


def test_json_faults_name_the_native_path_and_not_the_value() -> None:
    """What a person wrote is not repeated: the platform's schema does not know what is personal."""
    body = read(JSON, b'{"head":{"id":1,"count":1},"rows":[{"AH":"a","WSH":"w","LX":"9","ZXSJ":"z","X":1}]}')
    found = {finding.path: finding.message for _, finding in _town("executions.schema.json", JSON).faults(body)}
    assert set(found) == {"head.id", "rows[0].LX", "rows[0]"}
    assert found["head.id"].zh == "类型应为 string；请按平台模式改正"
    assert found["rows[0]"].en.startswith("X is not allowed here")


def test_a_valid_body_has_no_faults() -> None:
    """Decimals are numbers."""
    body = read(JSON, b'{"AH":"a","WSH":"w","LX":"1","ZXSJ":"2026-01-01 00:00:00","JE":0.10}')
    assert list(_town("execution.schema.json", JSON).faults(body)) == []


def test_xsd_faults_name_the_record_by_index() -> None:
    """In a package, which record it was."""
    text = (
        "<Package><Head><LX>AJJD</LX><JLS>x</JLS></Head><Data><Record><AH>1</AH><JD>01</JD><SJ>2</SJ></Record>"
        "<Record><AH>1</AH><JD>0123</JD><SJ>2</SJ></Record></Data></Package>"
    )
    body = read(XML, text.encode())
    found = [(where, finding.path) for where, finding in _town("package.xsd", XML).faults(body)]
    assert (("Head", "JLS"), "Head.JLS") in found
    assert (("Data", "Record", 1, "JD"), "Data.Record[1].JD") in found


def test_namespaced_faults_are_told_by_declared_prefix() -> None:
    """Whatever prefix the sender used."""
    declared = Format("xml", root="t:r", namespaces={"t": "urn:t"})
    schema = _xsd(
        '<xs:element name="r"><xs:complexType><xs:sequence><xs:element name="n" type="xs:integer"/></xs:sequence>'
        "</xs:complexType></xs:element>",
        declared,
        'targetNamespace="urn:t" elementFormDefault="qualified"',
    )
    for text in (b'<r xmlns="urn:t"><n>x</n></r>', b'<p:r xmlns:p="urn:t"><p:n>x</p:n></p:r>'):
        assert {finding.path for _, finding in schema.faults(read(declared, text))} == {"t:n"}


def test_soap_bodies_are_validated_by_what_stands_inside() -> None:
    """The schema describes the elements in Body."""
    declared = Format("soap")
    schema = _xsd('<xs:element name="Save" type="xs:integer"/>', declared)
    wrap = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
    assert list(schema.faults(read(declared, wrap.format("<Save>1</Save>").encode()))) == []
    assert len(list(schema.faults(read(declared, wrap.format("<Save>x</Save>").encode())))) >= 1
    assert schema.shape.child("Save") is not None


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("rows[].AH", True),
        ("rows[].X", False),
        ("head.date", True),
        ("head.extra", False),
        ("nowhere.x", False),
    ],
)
def test_json_paths_exist_or_not(path: str, there: bool) -> None:
    """Through references and lists; an object that lists its names has no others."""
    found = shape.at(_town("executions.schema.json", JSON).shape, paths.in_body(path))
    assert (found is not None) is there


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ('{"type":"object"}', True),
        ('{"properties":{"a":{}},"additionalProperties":true}', True),
        ('{"properties":{"a":{}},"patternProperties":{"^x":{}}, "additionalProperties":false}', True),
        ('{"properties":{"a":{}}}', False),
        ('{"properties":{"a":{}},"additionalProperties":false}', False),
        ('{"type":"string"}', False),
        ('{"enum":["1"]}', False),
    ],
)
def test_an_open_object_says_so_or_lists_nothing(written: str, there: bool) -> None:
    """What a schema does not describe cannot be checked, and is not there unless it is said to be welcome."""
    assert (shape.at(_json(written).shape, paths.in_body("b")) is not None) is there


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ('{"enum":["1","2"]}', ("1", "2")),
        ('{"const":"1"}', ("1",)),
        ('{"allOf":[{"enum":[1]}]}', (1,)),
        ('{"anyOf":[{"enum":[1]},{"type":"string"}]}', ()),
        ('{"type":"string"}', ()),
    ],
)
def test_a_json_shape_knows_its_only_values(written: str, values: tuple[object, ...]) -> None:
    """Those that always apply."""
    assert _json(written).shape.values == values


def test_json_shapes_look_through_alternatives() -> None:
    """allOf adds up; oneOf and anyOf may."""
    schema = _json(
        '{"allOf":[{"required":["a"],"properties":{"a":{"type":"string"}}}],'
        '"oneOf":[{"required":["b"],"properties":{"b":{}}}],"additionalProperties":false}'
    )
    assert schema.shape.required == {"a"}
    assert shape.at(schema.shape, paths.in_body("b")) is not None
    assert shape.at(schema.shape, paths.in_body("c")) is None


def test_xsd_shapes_tell_order_and_need() -> None:
    """Through types, extensions, groups, choices and references."""
    schema = _xsd(
        '<xs:complexType name="base"><xs:sequence><xs:element name="a"/></xs:sequence>'
        '<xs:attribute name="id" use="required"/></xs:complexType>'
        '<xs:group name="g"><xs:sequence><xs:element name="c"/></xs:sequence></xs:group>'
        '<xs:element name="d"/>'
        '<xs:element name="Package"><xs:complexType><xs:complexContent><xs:extension base="base"><xs:sequence>'
        '<xs:choice><xs:element name="b"/><xs:element name="x"/></xs:choice><xs:group ref="g"/>'
        '<xs:element ref="d" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>'
        "</xs:element>"
    )
    assert schema.shape.names == ("a", "@id", "b", "x", "c", "d")
    assert schema.shape.required == {"a", "@id", "c"}
    assert shape.at(schema.shape, NativePath(("a", "z"))) is None


@pytest.mark.parametrize(
    ("content", "file"),
    [
        ('{"type": "strin"}', "x.schema.json"),
        ("{", "x.schema.json"),
        ('{"$ref": "http://127.0.0.1/x"}', "x.schema.json"),
        ('{"$ref": "file:///etc/hostname"}', "x.schema.json"),
        ("<a/>", "x.xsd"),
        ("<a", "x.xsd"),
        (
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="file:///etc/x"/>'
            '<xs:element name="Package"/></xs:schema>',
            "x.xsd",
        ),
        ('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="other"/></xs:schema>', "x.xsd"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told(content: str, file: str) -> None:
    """Broken, for another root, or wanting something from outside: nothing is fetched."""
    with pytest.raises(BrokenBundle) as caught:
        compile_schema(content.encode(), f"native/{file}", XML)
    assert caught.value.findings[0].file == f"native/{file}"


def test_a_pattern_cannot_run_away() -> None:
    """Regular expressions are matched in linear time."""
    schema = _json('{"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}')
    body = read(JSON, b'{"a":"' + b"a" * 50_000 + b'!"}')
    assert len(list(schema.faults(body))) == 1


def test_an_empty_soap_body_is_a_fault() -> None:
    """Nothing is not valid."""
    declared = Format("soap")
    schema = _xsd('<xs:element name="Save" type="xs:integer"/>', declared)
    body = read(declared, b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>')
    assert [finding.code for _, finding in schema.faults(body)] == ["native.invalid"]


def test_an_element_that_takes_anything_is_open() -> None:
    """xs:any."""
    schema = _xsd(
        '<xs:element name="Package"><xs:complexType><xs:sequence><xs:element name="a"/><xs:any/></xs:sequence>'
        "</xs:complexType></xs:element>"
    )
    assert shape.at(schema.shape, paths.in_body("b.c")) is not None
