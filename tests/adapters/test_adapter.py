"""The adapter a bundle makes: bytes to documents, documents to requests, replies to verdicts."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from adapters import bundled, load
from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter, Document, OutboundRequest, Record, Reply, Sending, VerdictKind
from adapters.bundle import assemble
from adapters.bundle import load as load_bundle
from adapters.records import all_read
from adapters.source import BrokenBundle
from schemas.findings import Rejected

TOWN = Path(__file__).parent / "bundles" / "town"

EXECUTION = {
    "case_number": "浙环案2026001",
    "decision_number": "浙环罚〔2026〕3号",
    "kind": "paid",
    "at": "2026-05-06T09:30:00+08:00",
    "amount": "20000.5",
}
NATIVE = {"AH": "浙环案2026001", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "JE": 20000.5}
PACKAGE = (TOWN / "samples" / "progress" / "1.native.xml").read_bytes()


@pytest.fixture(scope="module")
def town() -> DeclarativeAdapter:
    """A small adapter that speaks JSON, XML, a form and SOAP."""
    return load(TOWN)


def _body(**changes: Any) -> bytes:
    return orjson.dumps({name: value for name, value in {**NATIVE, **changes}.items() if value is not None})


def _sending(message_type: str = "penalty.executed", document: Document | None = None, **settings: Any) -> Sending:
    return Sending(
        message_type,
        document or EXECUTION,
        {"key": "k", **settings},
        "0198-d",
        "0198-m",
        datetime(2026, 8, 14, 20, 0, tzinfo=UTC),
    )


def _rejected(town: DeclarativeAdapter, operation: str, body: bytes, content_type: str | None = None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        _translated(town, operation, body, content_type)
    return caught.value


def _translated(town: DeclarativeAdapter, operation: str, body: bytes, content_type: str | None) -> list[Document]:
    records = town.read(operation, body, content_type).records
    return [town.translate_in(operation, record).document for record in records]


def _variant(old: str, new: str) -> DeclarativeAdapter:
    files = dict(load_bundle(TOWN).files)
    text = files["adapter.yaml"].decode()
    assert old in text
    files["adapter.yaml"] = text.replace(old, new).encode()
    return DeclarativeAdapter(assemble(files))


def test_it_tells_what_it_is(town: DeclarativeAdapter) -> None:
    """It fulfils the promise of every adapter."""
    adapter: Adapter = town
    assert (adapter.name, adapter.version, adapter.kind) == ("town", "1.0.0", "penalty")
    assert adapter.receives == {
        "execution": "penalty.executed",
        "progress": "case.progressed",
        "notice": "case.progressed",
    }
    assert adapter.sends == {"penalty.executed", "case.progressed"}
    assert adapter.queries == {"penalties"}
    assert len(adapter.digest) == 64


def test_a_native_body_becomes_a_valid_document(town: DeclarativeAdapter) -> None:
    """Decimals exact, times with offset, document numbers normalised."""
    (record,) = town.read("execution", _body(WSH="浙环罚[2026]第003号")).records
    translation = town.translate_in("execution", record)
    assert (translation.type, translation.document) == ("penalty.executed", EXECUTION)


def test_the_natural_identity_is_of_the_native_values(town: DeclarativeAdapter) -> None:
    """As canonical JSON text; of alternatives the first that is there; none of them is none."""
    identities = [
        town.read("execution", body).records[0].identity
        for body in (_body(), _body(SJC="2026-05-07 00:00:00"), _body(JE=1))
    ]
    assert identities == [
        '["浙环案2026001","2026-05-06 09:30:00"]',
        '["浙环案2026001","2026-05-07 00:00:00"]',
        '["浙环案2026001","2026-05-06 09:30:00"]',
    ]
    assert town.read("notice", b"AH=1").records[0].identity is None


def test_an_unmapped_field_is_a_warning(town: DeclarativeAdapter) -> None:
    """Drift is seen, not rejected."""
    (record,) = town.read("execution", _body(XIN="新字段", SJC="x")).records
    assert [(one.code, one.path) for one in town.translate_in("execution", record).warnings] == [
        ("native.unknown", "XIN")
    ]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"AH": None}, "native.invalid", "AH"),
        ({"LX": "9"}, "native.invalid", "LX"),
        ({"WSH": "甲" * 300}, "document.invalid", "WSH"),
        ({"ZXSJ": "2026-13-45 09:30:00"}, "mapping.value", "ZXSJ"),
    ],
)
def test_what_is_wrong_is_told_by_native_path(
    town: DeclarativeAdapter, changes: dict[str, Any], code: str, path: str
) -> None:
    """By the platform's own schema, by the mapping, or by the canonical document."""
    error = _rejected(town, "execution", _body(**changes))
    assert (error.status, path in {one.path for one in error.findings}) == (422, True)
    if path != "WSH":
        assert error.code == code
    assert all(one.title for one in error.findings)


def test_a_package_is_split_into_records(town: DeclarativeAdapter) -> None:
    """GBK, several records, `/` for none."""
    package = town.read("progress", PACKAGE, "text/xml; charset=GBK")
    assert package.split
    assert [record.identity for record in package.records] == ['["浙环案2026001","01"]', '["浙环案2026002","1"]']
    documents = [town.translate_in("progress", record).document for record in package.records]
    assert documents[0] == {
        "case_number": "浙环案2026001",
        "node": "filed",
        "at": "2026-04-01T08:30:00+08:00",
        "opinion": "同意立案",
    }
    assert documents[1]["case_number"] == "浙环案2026002"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<JLS>2</JLS>", "<JLS>3</JLS>", "envelope.count"),
        ("<JLS>2</JLS>", "<JLS>02</JLS>", None),
        ("<LX>AJJD</LX>", "<LX>OTHER</LX>", "envelope.require"),
        ("<LX>AJJD</LX>", "", "envelope.require"),
    ],
)
def test_a_broken_envelope_rejects_the_whole(town: DeclarativeAdapter, old: str, new: str, code: str | None) -> None:
    """Type and count must be what was agreed; a leading zero is harmless."""
    body = PACKAGE.decode("gbk").replace(old, new).encode("gbk")
    if code is None:
        assert len(town.read("progress", body).records) == 2
    else:
        assert _rejected(town, "progress", body).code == code


def test_an_empty_package_is_rejected(town: DeclarativeAdapter) -> None:
    """Somebody meant to send something."""
    body = b"<Package><Head><LX>AJJD</LX><JLS>0</JLS></Head><Data></Data></Package>"
    assert _rejected(town, "progress", body).code == "envelope.empty"


def test_a_faulty_record_does_not_stop_the_others(town: DeclarativeAdapter) -> None:
    """What the schema says about one record is that record's."""
    body = PACKAGE.decode("gbk").replace("<JD>1</JD>", "<JD>123</JD>").encode("gbk")
    package = town.read("progress", body)
    assert town.translate_in("progress", package.records[0]).document["node"] == "filed"
    with pytest.raises(Rejected) as caught:
        town.translate_in("progress", package.records[1])
    assert [(one.code, one.path) for one in caught.value.findings] == [("native.invalid", "Data.Record[1].JD")]
    assert caught.value.findings[0].field == "node"


def test_a_fault_outside_the_records_rejects_the_whole(town: DeclarativeAdapter) -> None:
    """The envelope is the platform's own promise."""
    body = PACKAGE.decode("gbk").replace("</Head>", "<X/></Head>").encode("gbk")
    error = _rejected(town, "progress", body)
    assert (error.code, error.status) == ("native.invalid", 422)


def test_a_form_is_a_record_too(town: DeclarativeAdapter) -> None:
    """Percent-encoded GBK."""
    body = "AH=浙环案2026001&JD=01&SJ=20260401083000".encode("gbk")
    (record,) = town.read("notice", body, "application/x-www-form-urlencoded").records
    assert town.translate_in("notice", record).document["node"] == "filed"


def test_answers_are_in_the_callers_format(town: DeclarativeAdapter) -> None:
    """A text with its values escaped, a tree written; none declared is none."""
    answer = town.answer("progress", accepted=True, values={"message_id": "0198"})
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"<Result><Code>0</Code><Id>0198</Id></Result>")
    assert answer.content_type == "application/xml; charset=GBK"
    answer = town.answer("progress", accepted=False, values={"detail": "缺少<案号>"})
    assert answer is not None
    assert answer.body == "<Result><Code>1</Code><Text>缺少&lt;案号&gt;</Text></Result>".encode("gbk")
    answer = town.answer("notice", accepted=False, values={"code": "x", "detail": "a b"})
    assert answer is not None
    assert (answer.status, answer.body) == (422, b"code=1&text=a+b")
    assert town.answer("execution", accepted=True, values={}) is None


def test_a_document_becomes_a_request(town: DeclarativeAdapter) -> None:
    """Path escaped, envelope filled, times in Shanghai, decimals exact."""
    request = town.translate_out(_sending(office="示例/县局"))
    assert request.method == "POST"
    assert request.path == (
        "/cases/%E6%B5%99%E7%8E%AF%E6%A1%882026001/%E6%89%A7%E8%A1%8C?office=%E7%A4%BA%E4%BE%8B%2F%E5%8E%BF%E5%B1%80"
    )
    assert request.headers == {"Content-Type": "application/json", "X-Batch": "20260815-1"}
    assert request.body.decode() == (
        '{"head":{"id":"0198-d","date":"2026-08-15","count":1},"rows":[{"AH":"浙环案2026001",'
        '"WSH":"浙环罚〔2026〕3号","LX":"1","ZXSJ":"2026-05-06 09:30:00","JE":20000.5}]}'
    )


def test_the_same_input_gives_the_same_bytes(town: DeclarativeAdapter) -> None:
    """A resend is byte-identical, also after a restart."""
    assert town.translate_out(_sending()) == load(TOWN).translate_out(_sending())


@pytest.mark.parametrize("number", ["..", ".", "a/../b", "x?y=z#f", "a\r\nHost: evil", "%2e%2e"])
def test_a_path_cannot_be_left_by_a_value(town: DeclarativeAdapter, number: str) -> None:
    """Whatever a case number holds, it stays one segment of the path."""
    sending = _sending(document={**EXECUTION, "case_number": number})
    if number in (".", ".."):
        with pytest.raises(Rejected, match=r"placeholder\.missing"):
            town.translate_out(sending)
    else:
        path = town.translate_out(sending).path.partition("?")[0]
        assert path.count("/") == 3
        assert not set("\r\n#") & set(path)


def test_a_path_without_its_value_is_not_sent(town: DeclarativeAdapter) -> None:
    """The delivery is dead with a reason, never sent to a wrong address."""
    adapter = _variant("/cases/{case_number}/执行?", "/cases/{amount}/执行?")
    document = {name: value for name, value in EXECUTION.items() if name != "amount"}
    with pytest.raises(Rejected, match="needs amount"):
        adapter.translate_out(_sending(document=document))


def test_soap_names_its_action(town: DeclarativeAdapter) -> None:
    """SOAPAction is quoted, the record stands in the envelope."""
    document = {"case_number": "A1", "node": "filed", "at": "2026-04-01T08:30:00+08:00"}
    request = town.translate_out(_sending("case.progressed", document))
    assert request.headers == {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '"urn:town#Save"'}
    assert b"<t:Save><t:record><AH>A1</AH><JD>01</JD><SJ>20260401083000</SJ>" in request.body


def test_an_api_key_is_added_at_each_attempt(town: DeclarativeAdapter) -> None:
    """In a header or in the query; the body stays as it was."""
    request = town.translate_out(_sending())
    assert town.authorise(request, {"key": "s3cret"}).headers["X-Key"] == "s3cret"
    query = _variant("{scheme: api-key, header: X-Key,", "{scheme: api-key, query: k,")
    assert query.authorise(request, {"key": "a&b"}) == replace(request, path=f"{request.path}&k=a%26b")


def test_other_schemes_fill_the_authorization_header() -> None:
    """RFC 7617 and RFC 6750."""
    request = OutboundRequest("POST", "/x")
    declared = 'auth: {scheme: api-key, header: X-Key, value: "{key}"}'
    basic = _variant(declared, 'auth: {scheme: basic, username: u, password: "{key}"}')
    expected = f"Basic {base64.b64encode('u:密'.encode()).decode()}"
    assert basic.authorise(request, {"key": "密"}).headers == {"Authorization": expected}
    bearer = _variant(declared, 'auth: {scheme: bearer, token: "{key}"}')
    assert bearer.authorise(request, {"key": "t"}).headers == {"Authorization": "Bearer t"}
    assert _variant(declared, "auth: {scheme: none}").authorise(request, {}) == request


@pytest.mark.parametrize("key", ["", "a\r\nX: y", "密"])
def test_a_key_that_a_header_cannot_carry_is_rejected(town: DeclarativeAdapter, key: str) -> None:
    """Missing, or with characters that would split the request."""
    with pytest.raises(Rejected, match=r"auth\."):
        town.authorise(OutboundRequest("POST", "/x"), {"key": key})


def test_replies_are_judged_by_the_types_rules(town: DeclarativeAdapter) -> None:
    """Each message type has its own."""
    assert town.judge("penalty.executed", Reply(200, {}, b'{"code":0,"data":{"no":"R1"}}')).reference == "R1"
    assert town.judge("penalty.executed", Reply(200, {}, b"<html/>")).code == "reply.unreadable"
    soap = town.translate_out(_sending("case.progressed", {"case_number": "A", "node": "filed", "at": EXECUTION["at"]}))
    assert town.judge("case.progressed", Reply(200, {}, soap.body)).kind is VerdictKind.DEAD


def test_in_doubt_it_can_be_asked(town: DeclarativeAdapter) -> None:
    """Accepted confirms, retry means resend; without a question there is none."""
    question = town.ask(_sending())
    assert question == OutboundRequest("GET", "/cases/%E6%B5%99%E7%8E%AF%E6%A1%882026001")
    assert town.judge_answer("penalty.executed", Reply(404)).kind is VerdictKind.RETRY
    assert town.judge_answer("penalty.executed", Reply(200, {}, b'{"code":0}')).kind is VerdictKind.ACCEPTED
    document = {"case_number": "A", "node": "filed", "at": EXECUTION["at"]}
    assert town.ask(_sending("case.progressed", document)) is None


def test_a_question_that_the_document_cannot_put_is_not_put() -> None:
    """Its path names a field that this document does not have: what is in doubt is sent again."""
    files = dict(load_bundle(TOWN).files)
    asked = files["adapter.yaml"].replace(b'GET, path: "/cases/{case_number}"', b'GET, path: "/cases/{amount}"')
    adapter = DeclarativeAdapter(assemble({**files, "adapter.yaml": asked}))
    without = {name: value for name, value in EXECUTION.items() if name != "amount"}
    assert adapter.ask(_sending()) is not None
    assert adapter.ask(_sending("penalty.executed", without)) is None


def test_a_query_asks_with_what_is_known(town: DeclarativeAdapter) -> None:
    """A parameter not given is left out; with none at all there is nothing to ask."""
    assert town.query("penalties", {"credit_code": "91110000600037341L"}, {}) == OutboundRequest(
        "GET", "/penalties?dm=91110000600037341L&page=1"
    )
    assert town.query("penalties", {"project_code": "a b"}, {}, page=3) == OutboundRequest(
        "GET", "/penalties?xmdm=a%20b&page=3"
    )
    assert town.query("penalties", {}, {}) is None


def test_a_page_of_a_query_is_translated(town: DeclarativeAdapter) -> None:
    """And tells whether another follows."""
    reply = Reply(200, {}, orjson.dumps({"data": {"rows": [NATIVE, NATIVE], "total": 3}}))
    translations, more = town.read_query("penalties", reply)
    assert [one.document for one in translations] == [EXECUTION, EXECUTION]
    assert more
    assert town.read_query("penalties", reply, page=2)[1] is False
    assert town.read_query("penalties", Reply(200, {}, b'{"data":{"rows":[]}}')) == ([], False)
    assert town.read_query("penalties", Reply(200, {}, b'{"data":null}')) == ([], False)


def test_a_record_of_a_query_that_cannot_be_read_stands_for_itself(town: DeclarativeAdapter) -> None:
    """The others are read; what asks for all of them is told the first fault."""
    reply = Reply(200, {}, orjson.dumps({"data": {"rows": [NATIVE, {}, NATIVE]}}))
    found, _ = town.read_query("penalties", reply)
    assert [isinstance(one, Rejected) for one in found] == [False, True, False]
    with pytest.raises(Rejected) as caught:
        all_read(found)
    assert len(caught.value.findings) == 1


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(503), "query.status"),
        (Reply(200, {}, b'{"code":500}'), "query.unrecognised"),
        (Reply(200, {}, b""), "body.empty"),
        (Reply(200, {}, b"<html/>"), "json.syntax"),
    ],
)
def test_a_query_without_an_answer_is_not_an_empty_one(town: DeclarativeAdapter, reply: Reply, code: str) -> None:
    """The dossier marks the part instead of showing nothing."""
    with pytest.raises(Rejected) as caught:
        town.read_query("penalties", reply)
    assert caught.value.code == code


def test_lineage_tells_where_each_field_comes_from(town: DeclarativeAdapter) -> None:
    """Native path, and the code table with its digest."""
    lineage = {one.field: one for one in town.lineage("execution")}
    assert lineage["amount"].path == "JE"
    assert (lineage["kind"].codes or "").startswith("execution-kind@")


def test_an_unknown_operation_is_404(town: DeclarativeAdapter) -> None:
    """With the names there are."""
    with pytest.raises(Rejected) as caught:
        town.read("nothing", b"{}")
    assert caught.value.status == 404
    assert "execution" in caught.value.detail.zh


def test_too_large_a_body_is_413(town: DeclarativeAdapter) -> None:
    """By the bundle's own limit."""
    assert _rejected(town, "execution", b"[" + b"1," * 40_000 + b"1]").status == 413


def test_a_bundle_that_does_not_compile_tells_every_fault() -> None:
    """Mappings and schemas together."""
    files = dict(load_bundle(TOWN).files)
    files["mappings/execution.yaml"] = files["mappings/execution.yaml"].replace(b"kind:", b"kinds:")
    files["native/package.xsd"] = b"<a/>"
    with pytest.raises(BrokenBundle) as caught:
        DeclarativeAdapter(assemble(files))
    assert {one.file for one in caught.value.findings} >= {"mappings/execution.yaml", "native/package.xsd"}


def test_numbers_written_exactly_stay_exact(town: DeclarativeAdapter) -> None:
    """Money never passes through a float."""
    (record,) = town.read("execution", _body(JE=None)[:-1] + b',"JE":0.10000000000000000001}').records
    assert record.tree["JE"] == Decimal("0.10000000000000000001")
    assert isinstance(record, Record)


def test_each_folder_is_named_after_its_adapter() -> None:
    """So that a name is a folder."""
    assert set(bundled()) >= {"canonical", "penalty"}
    assert all(load(path).name == name for name, path in bundled().items())
