"""Replies: the declared rules, then the defaults; nothing unreadable is a yes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from adapters.base import Reply, VerdictKind
from adapters.bundle.grammar import ReplyRule
from adapters.exchange.reply import Replies
from adapters.formats import Format
from schemas.budget import Budget

RULES = [
    {"when": {"status": "2xx", "at": "code", "is": 0}, "verdict": "accepted", "reference": "data.no"},
    {"when": {"status": "2xx", "at": "code", "in": [1001, 1002]}, "verdict": "refused", "reason": "msg"},
    {"when": {"status": "2xx", "at": "busy", "present": True}, "verdict": "retry", "reason": "msg"},
    {"when": {"status": 404}, "verdict": "retry"},
]
SOAP_RULES = [
    {"when": {"status": "2xx"}, "verdict": "accepted", "reference": "t:R.t:no"},
]
FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:{}</faultcode>'
    "<faultstring>no such record</faultstring></s:Fault></s:Body></s:Envelope>"
)


def _replies(rules: list[dict[str, object]], declared: Format | None = None) -> Replies:
    return Replies([ReplyRule.model_validate(rule) for rule in rules], declared or Format(), Budget(body=10_000))


def _judge(status: int, body: bytes = b"", rules: list[dict[str, object]] | None = None, **headers: str) -> object:
    reply = Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return _replies(RULES if rules is None else rules).judge(reply)


def test_the_first_rule_that_matches_wins() -> None:
    """With the platform's number and its words."""
    verdict = _judge(200, b'{"code": 0, "data": {"no": 42}}')
    assert (verdict.kind, verdict.reference) == (VerdictKind.ACCEPTED, "42")
    verdict = _judge(201, '{"code": "1002", "msg": "案号重复"}'.encode())
    assert (verdict.kind, verdict.reason) == (VerdictKind.REFUSED, "案号重复")
    assert _judge(404).kind is VerdictKind.RETRY


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": 0}',
        b'{"code": "0"}',
        b'{"code": 0, "busy": 1}',
        b'{"code": 0.0}',
        b'{"code": 0e0}',
        b'{"code": -0}',
        b'{"code": " 0 "}',
        b'{"code": 0, "code": 0.0}',
        b'{"code": 0, "score": NaN}',
        b'\n {"code": 0}\n\0',
        '{"code": 0, "msg": "成功"}'.encode("gbk"),
    ],
)
def test_a_yes_is_a_yes_however_it_is_written(body: bytes) -> None:
    """0 is 0.0 and "0"."""
    assert _judge(200, body).kind is VerdictKind.ACCEPTED


@pytest.mark.parametrize(
    "body", ['<R><code type="int"> 0.0 </code><no t="1">7</no></R>', "<R><code>\n0\n</code><no> 7 </no></R>"]
)
def test_values_in_xml_may_have_attributes_and_blanks(body: str) -> None:
    """An element with attributes is its text."""
    rules = [{"when": {"at": "code", "is": 0}, "verdict": "accepted", "reference": "no"}]
    verdict = _replies(rules, Format("xml", root="R")).judge(Reply(200, {}, body.encode()))
    assert (verdict.kind, verdict.reference) == (VerdictKind.ACCEPTED, "7")


@pytest.mark.parametrize(
    ("body", "reference"),
    [
        (b'{"code": 0.0, "data": {"no": 20260001.0}}', "20260001"),
        (b'{"code": 0, "data": {"no": 2.026E7}}', "20260000"),
        (b'{"code": 0, "data": {"no": " C1 "}}', "C1"),
        (b'{"code": 0, "data": {"no": null}}', None),
        (b'{"code": 0, "data": {"no": " "}}', None),
    ],
)
def test_a_reference_is_the_number_meant(body: bytes, reference: str | None) -> None:
    """However the platform's writer printed it."""
    assert _judge(200, body).reference == reference


@pytest.mark.parametrize(
    "body",
    [b'{"code": 9999}', b"[]", b'{"code": null}', b'{"code": [0]}', b'{"busy": ""}'],
)
def test_a_200_that_no_rule_knows_is_not_a_yes(body: bytes) -> None:
    """It was read, and says what nobody declared: dead, for somebody to look at."""
    verdict = _judge(200, body)
    assert (verdict.kind, verdict.code, verdict.in_doubt) == (VerdictKind.DEAD, "reply.unrecognised", False)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("身份证号 11010519491231002X 已存在", "身份证号 110105************ 已存在"),
        ("案号 330110202607100018 已存在", "案号 330110202607100018 已存在"),
    ],
)
def test_a_reason_tells_no_citizen_id(said: str, told: str) -> None:
    """What stands beside a word for one is masked; a case number is not."""
    assert _judge(200, json.dumps({"code": 1001, "msg": said}).encode()).reason == told


PAGE = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\0",
        PAGE,
        b"\xef\xbb\xbf" + PAGE,
        b"<!-- 1 --> " + PAGE,
        b"ok",
        b"null",
        b'{"code": 0',
        b'{"code":"\xff"}',
    ],
    ids=["empty", "blank", "page", "marked page", "page after a comment", "text", "null", "cut", "charset"],
)
def test_a_200_that_cannot_be_read_is_tried_again_in_doubt(body: bytes) -> None:
    """Neither yes nor no: the request may have taken effect all the same."""
    verdict = _judge(200, body)
    assert (verdict.kind, verdict.code, verdict.in_doubt) == (VerdictKind.RETRY, "reply.unreadable", True)


@pytest.mark.parametrize("status", [200, 201, 302, 307, 400, 403, 404, 429, 500, 502, 503, 504])
def test_a_page_tells_nothing_whatever_its_status(status: int) -> None:
    """A firewall's page, a log-in page, a proxy's: none of them is the platform's answer."""
    verdict = _judge(status, PAGE, rules=[], retry_after="30")
    assert (verdict.kind, verdict.code, verdict.in_doubt) == (VerdictKind.RETRY, "reply.unreadable", True)
    assert verdict.after == timedelta(seconds=30)


def test_refused_credentials_need_no_readable_answer() -> None:
    """401 is about who calls, and nothing was done."""
    verdict = _judge(401, PAGE)
    assert (verdict.kind, verdict.in_doubt) == (VerdictKind.CREDENTIALS, False)


@pytest.mark.parametrize("declared", [Format(), Format("form"), Format("csv"), Format("xml")])
def test_a_rule_on_the_status_takes_no_page_for_a_yes(declared: Format) -> None:
    """Also in formats that could read the page as a record; an empty reply it takes."""
    replies = _replies([{"when": {"status": "2xx"}, "verdict": "accepted"}], declared)
    assert replies.judge(Reply(200, {}, PAGE)).code == "reply.unreadable"
    assert replies.judge(Reply(200)).kind is VerdictKind.ACCEPTED


def test_a_rule_may_say_what_follows_from_a_page() -> None:
    """A declared retry or dead holds, and the doubt stays."""
    for verdict in ("retry", "dead"):
        found = _judge(404, PAGE, rules=[{"when": {"status": 404}, "verdict": verdict}])
        assert (found.kind, found.in_doubt) == (VerdictKind(verdict), True)


@pytest.mark.parametrize("rules", [[], [{"when": {"status": "5xx"}, "verdict": "retry"}]])
def test_a_gateways_time_out_is_in_doubt(rules: list[dict[str, object]]) -> None:
    """Whoever waited for the platform gave up; the platform may not have."""
    assert _judge(504, b'{"code": 504}', rules=rules).in_doubt
    assert not _judge(503, b'{"code": 503}', rules=rules).in_doubt


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (200, VerdictKind.ACCEPTED, None),
        (204, VerdictKind.ACCEPTED, None),
        (302, VerdictKind.RETRY, "reply.unreadable"),
        (400, VerdictKind.DEAD, "http.400"),
        (401, VerdictKind.CREDENTIALS, "http.401"),
        (403, VerdictKind.CREDENTIALS, "http.403"),
        (404, VerdictKind.DEAD, "http.404"),
        (408, VerdictKind.RETRY, "http.408"),
        (425, VerdictKind.RETRY, "http.425"),
        (429, VerdictKind.RETRY, "http.429"),
        (500, VerdictKind.RETRY, "http.500"),
        (503, VerdictKind.RETRY, "http.503"),
    ],
)
def test_without_rules_the_status_decides(status: int, kind: VerdictKind, code: str | None) -> None:
    """The defaults of the grammar."""
    verdict = _judge(status, b"", rules=[])
    assert (verdict.kind, verdict.code) == (kind, code)


def test_rules_that_only_look_at_the_status_leave_2xx_alone() -> None:
    """Only a rule that looks inside makes an unmatched 2xx suspicious."""
    assert _judge(200, b"", rules=[{"when": {"status": 404}, "verdict": "dead"}]).kind is VerdictKind.ACCEPTED


@pytest.mark.parametrize(
    ("said", "date", "seconds"),
    [
        ("120", "", 120),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 30),
        ("Wed, 21 Oct 2026 07:00:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "", None),
        ("soon", "", None),
        ("-5", "", None),
        ("٣", "", None),
        ("9" * 30, "", None),
        ("", "", None),
        ("Wed, 21 Oct 9999999999 07:28:00 GMT", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, date: str, seconds: int | None) -> None:
    """A date is told against the reply's own Date: no clock is read here."""
    verdict = _judge(429, retry_after=said, date=date)
    assert verdict.after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "fault", "kind", "code"),
    [
        (500, "Client", VerdictKind.DEAD, "soap.client-fault"),
        (500, "Client.Authentication", VerdictKind.DEAD, "soap.client-fault"),
        (500, "Server", VerdictKind.RETRY, "soap.server-fault"),
        (200, "Client", VerdictKind.DEAD, "soap.client-fault"),
        (200, "Server", VerdictKind.RETRY, "soap.server-fault"),
        (500, "MustUnderstand", VerdictKind.DEAD, "soap.fault"),
        (401, "Client", VerdictKind.CREDENTIALS, "http.401"),
    ],
)
def test_a_soap_fault_is_never_a_yes(status: int, fault: str, kind: VerdictKind, code: str) -> None:
    """Not even with status 200 and a rule that takes every 2xx."""
    declared = Format("soap", namespaces={"t": "urn:t"})
    verdict = _replies(SOAP_RULES, declared).judge(Reply(status, {}, FAULT.format(fault).encode()))
    assert (verdict.kind, verdict.code) == (kind, code)
    if code.startswith("soap."):
        assert verdict.reason == "no such record"


def test_a_rule_may_look_into_a_fault() -> None:
    """A platform that says business no by Fault can be understood."""
    rules = [{"when": {"at": "Fault.faultcode", "is": "s:Client"}, "verdict": "refused", "reason": "Fault.faultstring"}]
    verdict = _replies(rules, Format("soap")).judge(Reply(500, {}, FAULT.format("Client").encode()))
    assert (verdict.kind, verdict.reason) == (VerdictKind.REFUSED, "no such record")


def test_a_reply_larger_than_allowed_is_not_read() -> None:
    """A platform cannot fill our memory; what was not read is not a yes."""
    assert _judge(200, b'{"code":0,"x":"' + b"x" * 20_000 + b'"}').code == "reply.unreadable"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" + b"1," * 400_000 + b"1]", ("节点数超过上限 300000", "（byte ", "limits.nodes")),
        (b"[" * 100 + b"]" * 100, ("嵌套层数超过上限 64", "limits.depth")),
        (b'{"code":1e-4000000000}', ("指数超过上限 400", "byte 9", "limits.exponent")),
    ],
)
def test_a_reply_beyond_the_budget_tells_the_bound(body: bytes, told: tuple[str, ...]) -> None:
    """Its value, the place, and who may raise it."""
    replies = Replies([ReplyRule.model_validate(rule) for rule in RULES], Format(), Budget())
    verdict = replies.judge(Reply(200, {}, body))
    assert (verdict.kind, verdict.code, verdict.in_doubt) == (VerdictKind.RETRY, "reply.unreadable", True)
    assert all(one in str(verdict.reason) for one in told)


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [
        (200, b'{"code": 0}', "business"),  # a yes in the body
        (200, b'{"code": 1001, "msg": "no"}', "transport"),  # it does not say which check failed
        (200, b'{"code": 9, "busy": 1}', "transport"),  # its own words, and no yes
        (200, b'{"code": 77}', "transport"),  # readable, and known to no rule
        (404, b"", None),  # from the platform, or from what stands in front of it
        (500, b'{"code": 77}', None),
        (401, b'{"code": 77}', None),
        (504, b'{"busy": 1}', None),
        (200, b"<html></html>", None),
        (200, b"", None),
    ],
)
def test_how_far_an_answer_proves_that_a_document_came(status: int, body: bytes, level: str | None) -> None:
    """Only as far as a declared rule or a readable answer tells; what is not known is absent."""
    assert _judge(status, body).level == level


def test_a_status_alone_proves_no_business() -> None:
    """2xx without a word about the document: it arrived, and no more is known."""
    assert _judge(200, b'{"any": 1}', [{"when": {"status": "2xx"}, "verdict": "accepted"}]).level == "transport"
    assert _judge(202, b"", []).level == "transport"


@pytest.mark.parametrize("level", ["transport", "schema", "business"])
def test_a_rule_says_itself_how_far_its_answer_proves(level: str) -> None:
    """Beside any verdict: a platform may refuse in business what passed the check of its format."""
    for verdict in ("accepted", "refused"):
        rules = [{"when": {"at": "code", "is": 0}, "verdict": verdict, "level": level}]
        assert _judge(200, b'{"code": 0}', rules).level == level


def test_an_answer_that_leaves_a_request_in_doubt_proves_nothing() -> None:
    """Whatever its rule says."""
    rules = [{"when": {"status": 504}, "verdict": "retry", "level": "transport"}]
    verdict = _judge(504, b"{}", rules)
    assert (verdict.in_doubt, verdict.level) == (True, None)
