"""A business no is not a yes: whatever a platform answers, only its own yes is one."""

from __future__ import annotations

import pytest

from adapters import DeclarativeAdapter
from adapters.base import Reply, VerdictKind

Declared = tuple[DeclarativeAdapter, str]

JSON = {"content-type": "application/json"}
XML = {"content-type": "text/xml; charset=utf-8"}
HTML = "<!DOCTYPE html><html><body><h1>系统维护中</h1></body></html>".encode()
FAULT = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    "<faultcode>soap:{}</faultcode><faultstring>系统内部错误</faultstring></soap:Fault></soap:Body></soap:Envelope>"
)
SOAP = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:jx="urn:jsxm:enforcement:1.0"><s:Body>'
    "<jx:Submit{0}Response><ReturnCode>{1}</ReturnCode><ReturnMessage>{2}</ReturnMessage>"
    "<SerialNumber>{3}</SerialNumber></jx:Submit{0}Response></s:Body></s:Envelope>"
)
SUBMITS = {"inspection.recorded": "Inspection", "penalty.decided": "Penalty", "dispatch.reported": "DispatchReport"}
BODIES = {
    "mobile-enforcement": '{{"code": "{0}", "msg": "{1}", "data": {{"id": "{2}", "RWBH": "{2}"}}}}',
    "pollutant-permit": '{{"result": {{"flag": "{0}", "message": "{1}", "lsh": "{2}"}}}}',
    "penalty": '{{"code": {0}, "msg": "{1}", "data": {{"caseNo": "{2}", "reportNo": "{2}", "recordNo": "{2}"}}}}',
    "credit-publicity": '{{"head": {{"status": "{0}", "message": "{1}"}}, "body": {{"ywlsh": "{2}"}}}}',
}
YES = {
    "mobile-enforcement": "0000",
    "pollutant-permit": "1",
    "construction-project": "1",
    "penalty": "0",
    "credit-publicity": "00",
}
NO = {
    "mobile-enforcement": ("4001", "4002", "4003"),
    "pollutant-permit": ("2", "3"),
    "construction-project": ("-1", "-2", "-3"),
    "penalty": ("1001", "1002"),
    "credit-publicity": ("10", "11", "12"),
}
BUSY = {
    "mobile-enforcement": ("9001", "9002"),
    "pollutant-permit": ("9",),
    "construction-project": ("-9",),
    "penalty": ("5000",),
    "credit-publicity": ("99",),
}
UNKNOWN = "7777"


def _said(declared: Declared, code: str, words: str = "", number: str = "") -> Reply:
    adapter, message_type = declared
    if adapter.name == "construction-project":
        return Reply(200, XML, SOAP.format(SUBMITS[message_type], code, words, number).encode())
    return Reply(200, JSON, BODIES[adapter.name].format(code, words, number).encode())


def _problem(status: int, code: str, detail: str) -> Reply:
    return Reply(
        status, {"content-type": "application/problem+json"}, f'{{"code": "{code}", "detail": "{detail}"}}'.encode()
    )


def _yes(declared: Declared) -> Reply:
    if declared[0].name == "canonical":
        return Reply(202, JSON, b'{"message_id": "SN-1", "state": "accepted"}')
    return _said(declared, YES[declared[0].name], "ok", "SN-1")


def _noes(declared: Declared) -> list[Reply]:
    if declared[0].name == "canonical":
        return [_problem(422, "document.invalid", "数据不合格"), _problem(409, "idempotency.conflict", "数据不合格")]
    return [_said(declared, code, "数据不合格") for code in NO[declared[0].name]]


def _busies(declared: Declared) -> list[Reply]:
    if declared[0].name == "canonical":
        return [_problem(503, "ledger.busy", "稍后重试"), Reply(429, {"retry-after": "5"})]
    return [_said(declared, code, "稍后重试") for code in BUSY[declared[0].name]]


def _unknown(declared: Declared) -> Reply:
    if declared[0].name == "canonical":
        return Reply(200, JSON, b'{"code": 7777, "detail": "?"}')
    return _said(declared, UNKNOWN, "?", "SN-9")


def test_a_yes_is_accepted_with_the_platforms_number(sends_declared: Declared) -> None:
    """The number becomes an alias."""
    verdict = sends_declared[0].judge(sends_declared[1], _yes(sends_declared))
    assert (verdict.kind, verdict.reference) == (VerdictKind.ACCEPTED, "SN-1")


def test_a_business_no_is_refused_in_the_platforms_words(sends_declared: Declared) -> None:
    """Though HTTP may say 200."""
    for reply in _noes(sends_declared):
        verdict = sends_declared[0].judge(sends_declared[1], reply)
        assert (verdict.kind, verdict.reason) == (VerdictKind.REFUSED, "数据不合格")


def test_a_busy_platform_is_tried_again(sends_declared: Declared) -> None:
    """It said neither yes nor no."""
    for reply in _busies(sends_declared):
        assert sends_declared[0].judge(sends_declared[1], reply).kind is VerdictKind.RETRY


def test_an_unknown_business_code_is_not_a_yes(sends_declared: Declared) -> None:
    """What nobody declared stops the lane until somebody looks."""
    verdict = sends_declared[0].judge(sends_declared[1], _unknown(sends_declared))
    assert (verdict.kind, verdict.code) == (VerdictKind.DEAD, "reply.unrecognised")


@pytest.mark.parametrize(
    "body",
    [HTML, b"", b" ", b"{}", b"[]", b"null", b'"ok"', b"\xff\xfe\x00", b'{"code": 0'],
    ids=["html", "empty", "blank", "object", "list", "null", "text", "garbage", "truncated"],
)
def test_a_200_that_says_nothing_is_not_a_yes(sends_declared: Declared, body: bytes) -> None:
    """An error page, an empty body, a body cut off: delivered is what the platform confirmed."""
    for headers in (JSON, XML, {"content-type": "text/html; charset=utf-8"}, {}):
        verdict = sends_declared[0].judge(sends_declared[1], Reply(200, headers, body))
        assert (verdict.kind, verdict.code) in (
            (VerdictKind.DEAD, "reply.unrecognised"),
            (VerdictKind.RETRY, "reply.unreadable"),
        )
        assert verdict.in_doubt or body not in (HTML, b"", b" ", b"\xff\xfe\x00", b'{"code": 0')


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("code", ["Client", "Server", "VersionMismatch"])
def test_a_soap_fault_is_not_a_yes(sends_declared: Declared, code: str, status: int) -> None:
    """With whatever status it comes."""
    verdict = sends_declared[0].judge(sends_declared[1], Reply(status, XML, FAULT.format(code).encode()))
    assert verdict.kind in (VerdictKind.DEAD, VerdictKind.RETRY)


def test_soap_faults_tell_whose_fault_it_is(sends_declared: Declared) -> None:
    """Where SOAP is spoken the sender's fault is dead, the server's is tried again."""
    adapter, name = sends_declared
    if adapter.compiled.formats["sends", name].body == "soap":
        client = adapter.judge(name, Reply(500, XML, FAULT.format("Client").encode()))
        server = adapter.judge(name, Reply(500, XML, FAULT.format("Server").encode()))
        assert (client.kind, client.code, client.reason) == (VerdictKind.DEAD, "soap.client-fault", "系统内部错误")
        assert (server.kind, server.code) == (VerdictKind.RETRY, "soap.server-fault")


def test_an_answer_in_doubt_is_a_yes_only_when_it_says_so(sends_declared: Declared) -> None:
    """Not found means resend; a page or an unknown code confirms nothing."""
    adapter, name = sends_declared
    if adapter.bundle.manifest.sends[name].in_doubt is not None:
        assert adapter.judge_answer(name, _yes(sends_declared)).kind is VerdictKind.ACCEPTED
        assert adapter.judge_answer(name, Reply(404)).kind is VerdictKind.RETRY
        for reply in (Reply(200, JSON, HTML), Reply(200), _unknown(sends_declared)):
            assert adapter.judge_answer(name, reply).kind is not VerdictKind.ACCEPTED


def test_refused_credentials_hold_the_platform(sends_declared: Declared) -> None:
    """They are not about the document."""
    for status in (401, 403):
        assert sends_declared[0].judge(sends_declared[1], Reply(status)).kind is VerdictKind.CREDENTIALS
