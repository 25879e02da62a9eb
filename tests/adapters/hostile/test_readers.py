"""Hostile bodies end in a clear refusal that names the bound, its value and the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters import formats
from adapters.adapter import bundled, load
from adapters.base import Reply, VerdictKind
from adapters.formats import Format
from adapters.native import compile_schema
from adapters.source import BrokenBundle
from schemas import documents
from schemas.budget import STANDARD, Budget, BudgetExceeded
from schemas.findings import Rejected

JSON, XML, FORM, CSV = Format("json"), Format("xml"), Format("form"), Format("csv")
SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'

Make = Callable[[int], bytes]
"""A body that holds as much of one thing as is asked for."""


def _element(attributes: Iterable[str]) -> bytes:
    return f"<a{''.join(attributes)}/>".encode()


BOUNDED: dict[str, tuple[Format, str, Make, int]] = {
    "json nodes": (JSON, "nodes", lambda n: b"[" + b",".join([b"1"] * (n - 1)) + b"]", 0),
    "json items": (JSON, "items", lambda n: b"[" + b",".join([b"1"] * n) + b"]", 0),
    "json names": (JSON, "names", lambda n: json.dumps({f"a{i}": 1 for i in range(n)}).encode(), 0),
    "json depth": (JSON, "depth", lambda n: b"[" * n + b"]" * n, 0),
    "json digits": (JSON, "digits", lambda n: b"[" + b"9" * n + b"]", 1),
    "json exponent": (JSON, "exponent", lambda n: b"[1e-%d]" % n, 0),
    "json text": (JSON, "text", lambda n: b'["' + b"a" * n + b'","b","c"]', 0),
    "xml nodes": (XML, "nodes", lambda n: b"<a>" + b"<b/>" * (n - 1) + b"</a>", 0),
    "xml depth": (XML, "depth", lambda n: b"<a>" * n + b"</a>" * n, 0),
    "xml names": (XML, "names", lambda n: _element(f' b{i}=""' for i in range(n)), 0),
    "xml attributes": (XML, "attributes", lambda n: b"<a>" + b'<b c=""/>' * n + b"</a>", 0),
    "xml namespaces": (XML, "namespaces", lambda n: _element(f' xmlns:n{i}="u"' for i in range(n)), 0),
    "xml declarations": (XML, "declarations", lambda n: b"<a>" + b'<b xmlns="u"/>' * n + b"</a>", 0),
    "xml text": (XML, "text", lambda n: b"<a>" + b"x" * n + b"</a>", 0),
    "form names": (FORM, "names", lambda n: b"&".join(b"a%d=1" % i for i in range(n)), 0),
    "csv records": (CSV, "records", lambda n: b"x\n" + b"y\n" * n, 0),
    "csv nodes": (CSV, "nodes", lambda n: b"x\n" * (n // 2), 1),
}


@pytest.mark.parametrize("case", BOUNDED)
@given(limit=st.integers(150, 400))
def test_a_bound_holds_exactly(case: str, limit: int) -> None:
    """As much as is allowed is read, one more is refused; whatever the budget says."""
    declared, bound, make, slack = BOUNDED[case]
    limit = min(limit, 60) if bound == "depth" else limit
    budget = _only(bound, limit)
    formats.read(declared, make(limit), budget=budget)
    with pytest.raises(BudgetExceeded) as caught:
        formats.read(declared, make(limit + 1 + slack), budget=budget)
    assert (caught.value.bound, caught.value.limit) == (bound, limit)


def _only(bound: str, limit: int) -> Budget:
    """A budget in which nothing but one bound can be broken."""
    return replace(STANDARD, **{bound: limit})


@given(st.text(alphabet='[]{},:"\\ 1eE.-9a', max_size=60))
def test_a_reader_of_json_either_reads_or_refuses(text: str) -> None:
    """The counting before the parser never refuses what the parser would take within the bounds."""
    try:
        expected = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        expected = None
    assert expected is None or _code(text.encode()) in TAKEN


TAKEN = {"", "json.duplicate-key", "body.shape", "body.empty", "bound.digits", "bound.exponent"}


def _refuse(word: str) -> object:
    raise ValueError(word)


def _code(body: bytes) -> str:
    try:
        formats.read(JSON, body)
    except Rejected as error:
        return error.code
    return ""


@given(st.integers(1, 30), st.sampled_from([",", "[", "{", '\\"', "\\\\"]))
def test_what_stands_in_texts_is_not_counted(size: int, sign: str) -> None:
    """A long text of commas and brackets is one value."""
    body = b'{"a":"' + sign.encode() * (size * 20) + b'","b":1}'
    assert set(formats.read(JSON, body, budget=Budget(nodes=5)).tree) == {"a", "b"}


@pytest.mark.parametrize(
    "body",
    [
        "<a>" + "<![CDATA[<b/><b/><b/>]]>" * 40 + "</a>",
        "<a>" + "<!-- <b/><b/> -->" * 40 + "</a>",
        "<a b='" + "&lt;" * 100 + "'>" + "=" * 500 + "</a>",
    ],
)
def test_what_only_looks_like_elements_is_not_counted(body: str) -> None:
    """The cheap count asks the exact one, which refuses nothing."""
    assert formats.read(XML, body.encode(), budget=Budget(nodes=3, names=2, namespaces=1)).tree is not None


def test_embedded_documents_share_one_budget() -> None:
    """A thousand small ones are as much as a large one."""
    declared = Format("json", embedded=(((None,), "json"),))
    body = json.dumps([json.dumps([1] * 100)] * 50).encode()
    assert len(formats.read(declared, body).tree) == 50
    with pytest.raises(BudgetExceeded, match="nodes"):
        formats.read(declared, body, budget=Budget(nodes=2_000))


def test_a_bundle_lowers_and_an_operator_raises() -> None:
    """The budget handed in is the one that holds."""
    adapter = load(bundled()["mobile-enforcement"])
    body = adapter.bundle.files["samples/inspection/1.native.json"]
    adapter.read("inspection", body)
    with pytest.raises(BudgetExceeded, match="nodes"):
        adapter.read("inspection", body, budget=adapter.budget.lowered({"nodes": 5}))
    records = adapter.budget.raised({"items": 500_000, "nodes": 2_000_000})
    with pytest.raises(Rejected) as caught:
        adapter.read("inspection", b'{"zz":[' + b"1," * 300_000 + b"1]}", budget=records)
    assert caught.value.code == "native.invalid"


def test_a_count_of_a_million_digits_is_another_count() -> None:
    """Of the records of a package or an answer, and of a place in a schema: no bound of numbers sees a text."""
    digits = "1" * 1_000_000
    permit = load(bundled()["pollutant-permit"])
    package = permit.bundle.files["samples/permit/1.native.xml"].replace(b"<JLS>1<", f"<JLS>{digits}<".encode())
    with pytest.raises(Rejected) as caught:
        permit.read("permit", package)
    assert caught.value.code == "envelope.count"
    rows = json.dumps({"result": {"total": digits, "rows": []}}).encode()
    assert permit.read_query("permits", Reply(200, {}, rows)) == ([], False)
    schema = {"$ref": f"#/a/{digits}", "a": [{}]}
    with pytest.raises(BrokenBundle):
        compile_schema(json.dumps(schema).encode(), "x.schema.json", JSON)


def test_a_reply_beyond_the_budget_is_not_read() -> None:
    """It is no yes, and costs nothing."""
    adapter = load(bundled()["construction-project"])
    attributes = " ".join(f'a{n}=""' for n in range(60_000))
    reply = Reply(200, {"content-type": "text/xml"}, SOAP.format(f"<a {attributes}/>").encode())
    assert adapter.judge("inspection.recorded", reply).kind is not VerdictKind.ACCEPTED


def test_the_words_of_a_platform_are_neutralised() -> None:
    """Its fault may hold the escapes of a terminal."""
    adapter = load(bundled()["construction-project"])
    fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>\x9b31mEVIL\u202e</faultstring></s:Fault>"
    verdict = adapter.judge("inspection.recorded", Reply(500, {}, SOAP.format(fault).encode()))
    assert verdict.reason == "\ufffd31mEVIL\ufffd"


@pytest.mark.parametrize("wrong", [1, {}, {"facts": 1}, "x", [[]]])
def test_a_document_of_wrong_parts_has_fifty_findings(wrong: object) -> None:
    """However many there are; the last says that there are more."""
    sample = json.loads(load(bundled()["canonical"]).bundle.files["samples/case.transferred/1.canonical.json"])
    with pytest.raises(Rejected) as caught:
        documents.check("case-file/1", {**sample, "officers": [wrong] * 9_000})
    found = caught.value.findings
    assert (len(found), found[-1].code) == (51, "bound.findings")
    assert found[0].field.startswith("officers[0]")


def test_a_late_fault_in_a_long_list_is_found_in_its_place() -> None:
    """The windows move to the end."""
    sample = json.loads(load(bundled()["canonical"]).bundle.files["samples/case.transferred/1.canonical.json"])
    officers = [{"name": "张晓明", "number": "33011000001"}] * 9_000
    with pytest.raises(Rejected) as caught:
        documents.check("case-file/1", {**sample, "officers": [*officers, {"number": "1"}, *officers[:10]]})
    assert {one.field for one in caught.value.findings} >= {"officers[9000].name"}


def test_a_list_longer_than_any_document_has_is_refused_unread() -> None:
    """Nobody has a million officers."""
    with pytest.raises(BudgetExceeded, match="officers"):
        documents.check("case-file/1", {"officers": [1] * 900_000})
