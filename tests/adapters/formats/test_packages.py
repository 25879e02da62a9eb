"""Envelopes around records, in every format: taken apart on the way in, put around one record on the way out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import dedent, indent
from typing import Any

import orjson
import pytest

from adapters import formats
from adapters.adapter import DeclarativeAdapter
from adapters.base import Reply, Sending, VerdictKind
from adapters.bundle import assemble
from adapters.formats import Format, soap
from gateway.sandbox.conformance import prove
from schemas.findings import Rejected

HEAD = """
adapter: packages
version: 1.0.0
title: 数据包
kind: penalty
"""
MAPPING = b"""
document: case-progress/1
fields:
  case_number: AH
  node: {at: HJ, as: {code: node}}
  at: {at: SJ, as: {datetime: "%Y-%m-%d %H:%M:%S"}}
  opinion: YJ
"""
NODES = {
    "01": "filed",
    "02": "evidence",
    "03": "notice",
    "04": "hearing",
    "05": "decided",
    "06": "executed",
    "07": "closed",
    "08": "transferred",
    "09": "revoked",
}
CODES = "native,canonical,title\n" + "".join(f"{one},{two},\n" for one, two in NODES.items())
RECORDS = [
    {"AH": "A-1", "HJ": "01", "SJ": "2026-05-06 09:30:00", "YJ": "同意 <立案> & 调查"},
    {"AH": "A-2", "HJ": "07", "SJ": "2026-05-07 10:00:00"},
]
DOCUMENT = {
    "case_number": "A-1",
    "node": "filed",
    "at": "2026-05-06T09:30:00+08:00",
    "opinion": "同意 <立案> & 调查",
}


def _adapter(body: str) -> DeclarativeAdapter:
    """Make an adapter of what its manifest says after the head."""
    files: Mapping[str, bytes] = {
        "adapter.yaml": (HEAD + dedent(body)).encode(),
        "mappings/progress.yaml": MAPPING,
        "codes/node.csv": CODES.encode(),
        "samples/case.progressed/1.canonical.json": orjson.dumps(DOCUMENT),
        "samples/case.progressed/1.native.json": b"{}",
    }
    return DeclarativeAdapter(assemble(files))


RECEIVING = {
    "json": (
        "{body: json}",
        "data.body.list[]",
        {"head": {"kind": "AJJD", "stat": {"n": 2}}, "data": {"body": {"list": RECORDS}}},
        {"head.kind": "AJJD", "head.stat.n": "{count}"},
    ),
    "xml": (
        "{body: xml, root: Package, charset: gbk}",
        "Data.Record[]",
        {"Head": {"Kind": "AJJD", "Stat": {"@n": "2"}}, "Data": {"Record": RECORDS}},
        {"Head.Kind": "AJJD", "Head.Stat.@n": "{count}"},
    ),
    "soap": (
        '{body: soap, namespaces: {w: "urn:w"}}',
        "w:push.records.record[]",
        {"w:push": {"count": "2", "records": {"record": RECORDS}}},
        {"w:push.count": "{count}"},
    ),
    "soap-around-xml": (
        '{body: soap, namespaces: {w: "urn:w"}, embedded: {"w:push.arg0": xml}}',
        "w:push.arg0.Package.Record[]",
        {"w:push": {"arg0": {"Package": {"@count": "2", "Record": RECORDS}}}},
        {"w:push.arg0.Package.@count": "{count}"},
    ),
    "json-around-json": (
        "{body: json, embedded: {payload: json}}",
        "payload.rows[]",
        {"total": 2, "payload": {"rows": RECORDS}},
        {"total": "{count}"},
    ),
}


@pytest.mark.parametrize("name", RECEIVING)
def test_a_package_is_taken_apart(name: str) -> None:
    """However deep its head is; each record becomes a document."""
    adapter, wire, tree = _receiving(name)
    body = formats.write(wire, tree)
    package = adapter.read("progress", body.body, body.content_type)
    assert (package.split, [one.identity for one in package.records]) == (True, ['["A-1"]', '["A-2"]'])
    assert adapter.translate_in("progress", package.records[0]).document == DOCUMENT


@pytest.mark.parametrize("name", RECEIVING)
def test_a_wrong_count_refuses_the_whole(name: str) -> None:
    """A record may have been lost on the way."""
    adapter, wire, tree = _receiving(name)
    with pytest.raises(Rejected) as caught:
        adapter.read("progress", formats.write(wire, _with_one_record(tree)).body)
    assert caught.value.code == "envelope.count"


def _receiving(name: str) -> tuple[DeclarativeAdapter, Format, Any]:
    declared, split, tree, require = RECEIVING[name]
    adapter = _adapter(f"""
        format: {declared}
        receives:
          progress:
            type: case.progressed
            mapping: progress
            split: "{split}"
            require: {orjson.dumps(require).decode()}
            identity: [AH]
    """)
    return adapter, adapter.compiled.formats["receives", "progress"], tree


def _with_one_record(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _with_one_record(value) for name, value in tree.items()}
    return tree[:1] if isinstance(tree, list) else tree


JSON_REPLY = """
reply:
  - {when: {status: 2xx, at: code, is: 0}, verdict: accepted, reference: id}
  - {when: {status: 2xx, at: code, is: 1}, verdict: refused, reason: msg}
"""
SOAP_REPLY = """
reply:
  - {when: {at: "w:pushed.ok", is: "1"}, verdict: accepted, reference: "w:pushed.id"}
  - {when: {at: "w:pushed.ok", is: "0"}, verdict: refused, reason: "w:pushed.msg"}
"""
SOAP_AROUND_JSON_REPLY = """
reply_format: {embedded: {"w:pushed.return": json}}
reply:
  - {when: {at: "w:pushed.return.code", is: 0}, verdict: accepted, reference: "w:pushed.return.id"}
  - {when: {at: "w:pushed.return.code", is: 1}, verdict: refused, reason: "w:pushed.return.msg"}
"""
SENDING = {
    "json": (
        "{body: json}",
        '{head: {n: "{count}", at: "{accepted_at:%Y%m%d}"}, list: ["{record}"]}',
        JSON_REPLY,
        {"head": {"n": 1, "at": "20260814"}, "list": [RECORDS[0]]},
    ),
    "xml": (
        "{body: xml, root: Package, charset: gbk}",
        '{Head: {N: "{count}"}, Data: {Record: "{record}"}}',
        "reply: [{when: {at: Code, is: 1}, verdict: accepted}, {when: {at: Code, is: 0}, verdict: refused}]",
        {"Head": {"N": "1"}, "Data": {"Record": RECORDS[0]}},
    ),
    "soap": (
        '{body: soap, namespaces: {w: "urn:w"}}',
        '{"w:push": {n: "{count}", record: "{record}"}}',
        SOAP_REPLY,
        {"w:push": {"n": "1", "record": RECORDS[0]}},
    ),
    "soap-around-xml-text": (
        '{body: soap, root: Record, namespaces: {w: "urn:w"}}',
        '{"w:push": {arg0: "{record_text}"}}',
        SOAP_REPLY,
        {"w:push": {"arg0": "<Record>…</Record>"}},
    ),
    "soap-around-xml": (
        '{body: soap, namespaces: {w: "urn:w"}, embedded: {"w:push.arg0": xml}}',
        '{"w:push": {arg0: {Package: {"@count": "{count}", Record: "{record}"}}}}',
        SOAP_AROUND_JSON_REPLY,
        {"w:push": {"arg0": {"Package": {"@count": "1", "Record": RECORDS[0]}}}},
    ),
    "form-around-json": (
        "{body: form, charset: gbk, embedded: {data: json}}",
        '{method: push, data: {total: "{count}", rows: ["{record}"]}}',
        JSON_REPLY,
        {"method": "push", "data": {"total": 1, "rows": [RECORDS[0]]}},
    ),
}


def _sending(name: str) -> DeclarativeAdapter:
    declared, envelope, reply, _ = SENDING[name]
    head = f"""
        format: {declared}
        sends:
          case.progressed:
            mapping: progress
            request: {{method: POST, path: /push}}
            envelope: {envelope}
    """
    return _adapter(dedent(head) + indent(dedent(reply).strip(), "    "))


@pytest.mark.parametrize("name", SENDING)
def test_one_message_goes_out_in_its_envelope(name: str) -> None:
    """One record, counted as one, the same bytes whenever it is written."""
    adapter = _sending(name)
    sending = Sending("case.progressed", DOCUMENT, {}, "0198-d", "0198-m", datetime(2026, 8, 14, tzinfo=UTC))
    request = adapter.translate_out(sending)
    assert request == adapter.translate_out(sending)
    tree = formats.read(adapter.compiled.formats["sends", "case.progressed"], request.body).tree
    if name == "soap-around-xml-text":
        tree["w:push"]["arg0"] = tree["w:push"]["arg0"].replace(_inner_text(), "…")
    assert tree == SENDING[name][3]


def _inner_text() -> str:
    return "<AH>A-1</AH><HJ>01</HJ><SJ>2026-05-06 09:30:00</SJ><YJ>同意 &lt;立案&gt; &amp; 调查</YJ>"


@pytest.mark.parametrize("name", SENDING)
def test_the_double_takes_it_and_is_understood(name: str) -> None:
    """A yes, a no, and everything that can happen on the way."""
    assert [one.message.en for one in prove(_sending(name)) if not one.warning] == []


def _fault(code: str, namespace: str = soap.ENVELOPE) -> bytes:
    told = f"<faultcode>s:{code}</faultcode><faultstring>说明</faultstring>"
    if namespace != soap.ENVELOPE:
        told = f"<s:Code><s:Value>s:{code}</s:Value></s:Code><s:Reason><s:Text>说明</s:Text></s:Reason>"
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body><s:Fault>{told}</s:Fault></s:Body></s:Envelope>'.encode()


SOAP12 = "http://www.w3.org/2003/05/soap-envelope"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (500, _fault("Client"), VerdictKind.DEAD, "soap.client-fault"),
        (500, _fault("Client.Authentication"), VerdictKind.DEAD, "soap.client-fault"),
        (200, _fault("Client"), VerdictKind.DEAD, "soap.client-fault"),
        (500, _fault("Server"), VerdictKind.RETRY, "soap.server-fault"),
        (200, _fault("Server"), VerdictKind.RETRY, "soap.server-fault"),
        (500, _fault("Sender", SOAP12), VerdictKind.DEAD, "soap.client-fault"),
        (500, _fault("Receiver", SOAP12), VerdictKind.RETRY, "soap.server-fault"),
        (500, _fault("VersionMismatch"), VerdictKind.DEAD, "soap.fault"),
        (401, _fault("Client"), VerdictKind.CREDENTIALS, "http.401"),
        (500, b"<html/>", VerdictKind.RETRY, "reply.unreadable"),
        (200, b"<html/>", VerdictKind.RETRY, "reply.unreadable"),
    ],
)
def test_a_soap_fault_is_a_verdict(status: int, body: bytes, kind: VerdictKind, code: str) -> None:
    """Ours to mend is dead, theirs to mend is tried again, whatever HTTP says beside it."""
    verdict = _sending("soap").judge("case.progressed", Reply(status, {"content-type": "text/xml"}, body))
    assert (verdict.kind, verdict.code) == (kind, code)
    assert verdict.reason == ("说明" if code.startswith("soap.") else None)


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ('{"code":0,"id":"R-1"}', VerdictKind.ACCEPTED),
        ('<![CDATA[{"code":1,"msg":"重复"}]]>', VerdictKind.REFUSED),
        ("系统错误", VerdictKind.RETRY),
    ],
)
def test_a_verdict_may_stand_inside_text(inner: str, kind: VerdictKind) -> None:
    """JSON as the result of a SOAP call; text that is none is no answer."""
    said = f'<w:pushed xmlns:w="urn:w"><return>{inner}</return></w:pushed>'
    body = f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body>{said}</s:Body></s:Envelope>'.encode()
    assert _sending("soap-around-xml").judge("case.progressed", Reply(200, {}, body)).kind is kind
