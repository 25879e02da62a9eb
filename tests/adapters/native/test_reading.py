"""Reader and schema agree: what the reader does not mind, the schema may not refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from adapters import DeclarativeAdapter, bundled, formats, load
from adapters.formats import Format, read
from adapters.native import compile_schema
from schemas.findings import Finding, Rejected

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PLACES = [*bundled().values(), *sorted(path.parent for path in EXAMPLES.glob("*/adapter.yaml"))]


def _takes_xml() -> Iterator[tuple[Path, str]]:
    for place in PLACES:
        for (section, name), wire in load(place).compiled.formats.items():
            if section == "receives" and formats.of(wire).elements:
                yield place, name


def _edited(change: Callable[[etree._Element], None]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        root = etree.fromstring(text.encode())
        change(root)
        return etree.tostring(root, encoding="unicode")

    return edit


def _leaves(root: etree._Element) -> list[etree._Element]:
    return [node for node in root.iter(etree.Element) if len(node) == 0]


def _space(node: etree._Element) -> None:
    node.text = f"\n      {node.text or ''}\u3000\n    "


def _comment(node: etree._Element) -> None:
    text = node.text or ""
    node.text = text[:2]
    mark = etree.Comment("中")
    mark.tail = text[2:]
    node.append(mark)


def _instruction(node: etree._Element) -> None:
    node.insert(0, etree.ProcessingInstruction("go", "on"))
    node[0].tail, node.text = node.text, ""


def _cdata(node: etree._Element) -> None:
    node.text = etree.CDATA(node.text or "")


def _default_namespace(text: str) -> str:
    end = text.index(">")
    return f'{text[:end]} xmlns="http://vendor.example/x"{text[end:]}'


def _prefixed(root: etree._Element) -> None:
    for node in root.iter(etree.Element):
        node.tag = f"{{http://vendor.example/x}}{etree.QName(node).localname}"


def _every(change: Callable[[etree._Element], None]) -> Callable[[str], str]:
    return _edited(lambda root: [change(node) for node in _leaves(root)] and None)


WRITERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "default namespace": _default_namespace,
    "prefixed": _edited(_prefixed),
    "values on lines of their own": _every(_space),
    "comments in values": _every(_comment),
    "instructions in values": _every(_instruction),
    "CDATA": _every(_cdata),
    "attributes on values": _every(lambda node: node.set("type", "date")),
    "namespaced attributes": _every(lambda node: node.set("{urn:x}encodingStyle", "y")),
    "xsi:type of rpc": _every(lambda node: node.set(f"{{{XSI}}}type", "xsd:string")),
    "attribute on the root": _edited(lambda root: root.set("version", "1.0")),
    "schema location": _edited(lambda root: root.set(f"{{{XSI}}}noNamespaceSchemaLocation", "x.xsd")),
    "blanks before": "\r\n  {}".format,
}


@pytest.fixture(scope="module", params=list(_takes_xml()), ids=lambda taken: f"{taken[0].name} {taken[1]}")
def taken(request: pytest.FixtureRequest) -> tuple[DeclarativeAdapter, str, str]:
    """An adapter, an operation that takes XML, and a body for it without a declaration."""
    place, operation = request.param
    body = sorted((place / "samples" / operation).glob("*.native.xml"))[0].read_bytes()
    wire = load(place).compiled.formats["receives", operation]
    text = etree.tostring(read(wire, body).element.getroottree().getroot(), encoding="unicode")
    return load(place), operation, text


def test_there_is_xml_to_take() -> None:
    """One bundled adapter and one example at least."""
    assert {"pollutant-permit", "guizhou-project"} <= {place.name for place, _ in _takes_xml()}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_any_writer_makes_of_a_document_reads_the_same(
    taken: tuple[DeclarativeAdapter, str, str], writer: str
) -> None:
    """For every operation that takes XML."""
    adapter, operation, text = taken
    charset = adapter.compiled.formats["receives", operation].charset
    wanted = [
        adapter.translate_in(operation, one).document for one in adapter.read(operation, text.encode(charset)).records
    ]
    written = WRITERS[writer](text).encode(charset)
    made = [adapter.translate_in(operation, one).document for one in adapter.read(operation, written).records]
    assert made == wanted


SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {head}>
<xs:element name="R"><xs:complexType><xs:sequence>
<xs:element name="day" minOccurs="0" nillable="{nillable}" type="xs:date"/>
<xs:element name="sum" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:decimal">
<xs:attribute name="unit" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
QUALIFIED = 'targetNamespace="urn:r" elementFormDefault="qualified"'


def _faults(body: str, *, head: str = "", nillable: str = "false", declared: Format | None = None) -> list[Finding]:
    wire = declared or Format("xml", root="R")
    schema = compile_schema(SCHEMA.format(head=head, nillable=nillable).encode(), "native/x.xsd", wire)
    return [finding for _, finding in schema.faults(read(wire, body.encode()))]


@pytest.mark.parametrize(
    "body",
    [
        "<R><day>2026-07-01</day></R>",
        '<R xmlns="urn:r"><day>2026-07-01</day></R>',
        '<p:R xmlns:p="urn:r"><p:day>2026-07-01</p:day></p:R>',
        '<p:R xmlns:p="urn:r"><day>2026-07-01</day></p:R>',
        '<R xmlns="urn:other"><day>2026-07-01</day></R>',
    ],
)
@pytest.mark.parametrize("head", ["", QUALIFIED, 'targetNamespace="urn:r"'], ids=["none", "qualified", "unqualified"])
@pytest.mark.parametrize("namespaces", [{}, {"": "urn:r"}], ids=["nothing declared", "default declared"])
def test_a_schema_of_any_namespace_judges_what_was_read(body: str, head: str, namespaces: dict[str, str]) -> None:
    """The reader knows elements by local name where a bundle declares no prefix; so does the schema."""
    assert _faults(body, head=head, declared=Format("xml", root="R", namespaces=namespaces)) == []


@pytest.mark.parametrize(
    ("body", "nillable", "count"),
    [
        (f'<R><day xmlns:i="{XSI}" i:nil="true"/></R>', "false", 0),
        (f'<R><day xmlns:i="{XSI}" i:nil="true"/></R>', "true", 0),
        (f'<R><day xmlns:i="{XSI}" i:nil="true">x</day></R>', "false", 1),
        ("<R><day>x</day></R>", "false", 1),
        ('<R><sum unit="万元">0.2</sum></R>', "false", 0),
        ('<R><sum unit="万元" more="1"> 0.2 </sum></R>', "false", 0),
        ('<R><sum unit="万元">x</sum></R>', "false", 1),
        ("<R><more>1</more></R>", "false", 1),
    ],
)
def test_what_is_wrong_stays_wrong(body: str, nillable: str, count: int) -> None:
    """Only what means nothing is set aside."""
    assert len(_faults(body, nillable=nillable)) == count


@pytest.mark.parametrize(
    ("schema", "body", "count"),
    [
        ('{"properties":{"a":{"pattern":"^[0-9]{6}$"}}}', '{"a":" 330110\\n"}', 0),
        ('{"properties":{"a":{"enum":["1","2"]}}}', '{"a":"1 "}', 0),
        ('{"properties":{"a":{"items":{"maxLength":2}}}}', '{"a":["ab ","\\u3000cd"]}', 0),
        ('{"properties":{"a":{"maxLength":2}}}', '{"a":" abc "}', 1),
        ('{"properties":{"a":{"minLength":1}}}', '{"a":" "}', 0),
        ('{"properties":{"a":{"type":"string","maxLength":3}}}', '{"a":{"@type":"date","#text":"abc"}}', 0),
        (
            '{"properties":{"a":{"type":"object","properties":{"@type":{},"#text":{}}}}}',
            '{"a":{"@type":"date","#text":"abc"}}',
            0,
        ),
    ],
)
def test_a_json_schema_sees_texts_without_blanks(schema: str, body: str, count: int) -> None:
    """And an element with attributes as its text, where it describes a text."""
    compiled = compile_schema(schema.encode(), "native/x.schema.json", Format())
    parsed = read(Format(), body.encode())
    before = str(parsed.tree)
    assert len(list(compiled.faults(parsed))) == count
    assert str(parsed.tree) == before


def test_soap_faults_are_told_from_the_body_on() -> None:
    """The path of a fault begins with the element in Body, as the mapping's paths do."""
    declared = Format("soap", namespaces={"t": "urn:r"})
    schema = compile_schema(SCHEMA.format(head=QUALIFIED, nillable="false").encode(), "native/x.xsd", declared)
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body>'
        '<x:R xmlns:x="urn:r" s:encodingStyle="y"><x:day>x</x:day></x:R></s:Body></s:Envelope>'
    )
    assert [(where, one.path) for where, one in schema.faults(read(declared, body.encode()))] == [
        (("t:R", "t:day"), "t:R.t:day")
    ]


def test_a_root_of_another_name_is_refused_before() -> None:
    """By the format."""
    with pytest.raises(Rejected):
        _faults("<Q/>")
