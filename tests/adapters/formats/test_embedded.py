"""Documents embedded as text: read as part of the tree, written as text again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from adapters.bundle.grammar import FormatPart
from adapters.formats import Body, Format, read, soap, write
from adapters.native.json_schema import JsonSchema
from schemas.findings import Rejected


def _format(**said: object) -> Format:
    return FormatPart.model_validate(said).over(Format())


INSIDE_JSON = _format(body="json", embedded={"data": "json"})
INSIDE_SOAP = _format(body="soap", namespaces={"t": "urn:t"}, embedded={"t:save.in0": "xml", "t:saved.return": "json"})


def test_json_in_json_is_one_tree() -> None:
    """Paths simply go on inside it."""
    tree = {"method": "save", "data": {"案号": "001", "罚款": 20000}}
    written = write(INSIDE_JSON, tree)
    assert written.body.decode() == '{"method":"save","data":"{\\"案号\\":\\"001\\",\\"罚款\\":20000}"}'
    assert read(INSIDE_JSON, written.body) == Body(tree)
    assert tree["data"] == {"案号": "001", "罚款": 20000}


def test_xml_in_soap_is_one_tree() -> None:
    """Whatever charset the inner document says it was in."""
    tree = {"t:save": {"in0": {"记录": {"案号": "001"}}, "in1": "x"}}
    declared = _format(body="soap", namespaces={"t": "urn:t"}, embedded={"t:save.in0": "xml"})
    written = write(declared, tree).body.decode()
    assert "<in0>&lt;记录&gt;&lt;案号&gt;001&lt;/案号&gt;&lt;/记录&gt;</in0>" in written
    assert read(declared, written.encode()).tree == tree
    spoken = written.replace("<in0>", '<in0>&lt;?xml version="1.0" encoding="GBK"?&gt;\n')
    assert read(declared, spoken.encode()).tree == tree


def test_an_embedded_document_has_its_children_in_the_order_of_the_schema() -> None:
    """Inside its root, where the schema of the tree tells one."""
    declared = _format(body="soap", namespaces={"t": "urn:t"}, embedded={"t:save.in0": "xml"})
    inner = {"type": "object", "properties": {"类型": {}, "证号": {}, "名称": {}}}
    whole: dict[str, Any] = inner
    for name in ("记录", "in0", "t:save"):
        whole = {"type": "object", "properties": {name: whole}}
    order = JsonSchema(orjson.dumps(whole), "native/case.schema.json").shape
    tree = {"t:save": {"in0": {"记录": {"名称": "甲", "证号": "1", "类型": "03"}}}}
    written = write(declared, tree, order).body.decode()
    assert "&lt;类型&gt;03&lt;/类型&gt;&lt;证号&gt;1&lt;/证号&gt;&lt;名称&gt;甲&lt;/名称&gt;" in written


def test_a_cdata_section_is_text_like_any_other() -> None:
    """As SOAP toolkits write it."""
    inner = '<![CDATA[{"code":0,"msg":"好"}]]>'
    saved = f'<t:saved xmlns:t="urn:t"><return>{inner}</return></t:saved>'
    body = f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body>{saved}</s:Body></s:Envelope>'
    assert read(INSIDE_SOAP, body.encode()).tree == {"t:saved": {"return": {"code": 0, "msg": "好"}}}


def test_each_item_of_a_list_may_hold_one() -> None:
    """And one may hold another; the outer is read first, whatever order they were declared in."""
    declared = _format(embedded={"rows[].body.extra": "json", "rows[].body": "json"})
    body = rb'{"rows":[{"body":"{\"a\":1,\"extra\":\"{\\\"b\\\":2}\"}"},{"body":""},{"other":1}]}'
    tree = read(declared, body).tree
    assert tree == {"rows": [{"body": {"a": 1, "extra": {"b": 2}}}, {"body": None}, {"other": 1}]}
    assert (
        write(declared, {"rows": tree["rows"][:1]}).body
        == rb'{"rows":[{"body":"{\"a\":1,\"extra\":\"{\\\"b\\\":2}\"}"}]}'
    )


def test_what_is_a_tree_already_is_left_alone() -> None:
    """Some callers send the object itself; text stays text on the way out."""
    assert read(INSIDE_JSON, b'{"data":{"a":1}}').tree == {"data": {"a": 1}}
    assert write(INSIDE_JSON, {"data": "{}"}).body == b'{"data":"{}"}'


@pytest.mark.parametrize("inner", ["{", '{"a":1,"a":2}', "<a/>"])
def test_an_unreadable_inner_document_is_told_by_its_place(inner: str) -> None:
    """As a fault of the whole body."""
    with pytest.raises(Rejected) as caught:
        read(INSIDE_JSON, write(Format(), {"data": inner}).body)
    assert (caught.value.status, caught.value.code, caught.value.findings[0].path) == (400, "body.embedded", "data")


def test_an_inner_dtd_is_refused_like_an_outer_one() -> None:
    """Nothing is looser inside."""
    declared = _format(embedded={"xml": "xml"})
    body = write(Format(), {"xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}).body
    with pytest.raises(Rejected, match="DTD"):
        read(declared, body)


def test_inner_xml_has_one_root() -> None:
    """Else it could not be written."""
    with pytest.raises(Rejected, match="exactly one root"):
        write(_format(embedded={"xml": "xml"}), {"xml": {"a": "1", "b": "2"}})
