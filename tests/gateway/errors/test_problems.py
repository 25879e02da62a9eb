"""Problem documents: one shape, two languages."""

from __future__ import annotations

from decimal import Decimal

from gateway.errors.problems import keep, keep_warning, problem, tell_warnings, told
from schemas.findings import Finding, Text

DETAIL = Text("请更正", "Correct it")
FINDING = Finding(
    "code.unknown", Text("代码无效", "Unknown code"), path="CFLB", field="kinds[0]", title="处罚种类", value="9"
)


def test_a_problem_is_said_in_the_callers_language():
    """Type and code stay, words change; what has no value is left out."""
    chinese = problem("order.unknown", 422, DETAIL, trace_id="t")
    assert chinese == {
        "type": "urn:hutong:problem:order.unknown",
        "title": "找不到对应的调度任务",
        "status": 422,
        "detail": "请更正",
        "code": "order.unknown",
        "trace_id": "t",
    }
    assert problem("order.unknown", 422, DETAIL, language="en")["title"] == "No such dispatch order"


def test_each_finding_is_an_entry_with_path_field_title_code_message_and_value():
    """The sender finds its own field."""
    (entry,) = problem("document.invalid", 422, DETAIL, [FINDING])["errors"]
    assert entry == {
        "path": "CFLB",
        "field": "kinds[0]",
        "title": "处罚种类",
        "code": "code.unknown",
        "message": "代码无效",
        "value": "9",
    }


def test_a_kept_problem_is_told_again_in_either_language():
    """As it was answered, and as it would have been."""
    kept = keep("document.invalid", 422, DETAIL, [FINDING], trace_id="t", rejection_id="r")
    assert told(kept) == problem("document.invalid", 422, DETAIL, [FINDING], trace_id="t", rejection_id="r")
    assert told(kept, "en") == problem(
        "document.invalid", 422, DETAIL, [FINDING], language="en", trace_id="t", rejection_id="r"
    )


def test_a_warning_is_kept_with_both_sentences_and_told_with_one():
    """Messages outlive the language of who reads them."""
    kept = keep_warning(FINDING)
    assert tell_warnings([kept])[0]["message"] == "代码无效"
    assert tell_warnings([kept], "en")[0]["message"] == "Unknown code"
    assert "message_en" not in tell_warnings([kept], "en")[0]


def test_problems_are_bounded_and_always_json():
    """A long value is cut, a thousand faults are not repeated, a decimal is its text."""
    long = Finding("text.long", DETAIL, value="长" * 1000)
    body = problem("document.invalid", 422, DETAIL, [long] * 1000)
    assert len(body["errors"]) == 100
    assert len(body["errors"][0]["value"]) == 201
    assert problem("x", 422, DETAIL, [Finding("x", DETAIL, value=Decimal("1.50"))])["errors"][0]["value"] == "1.50"
    assert problem("x", 422, DETAIL, [Finding("x", DETAIL, value=7)])["errors"][0]["value"] == 7
    assert problem("x", 422, DETAIL, [Finding("x", DETAIL, value=10**30)])["errors"][0]["value"] == "1" + "0" * 30
    assert problem("x", 422, DETAIL, [Finding("x", DETAIL, value={"a": 1})])["errors"][0]["value"] == "{'a': 1}"


def test_a_code_without_a_title_of_its_own_has_its_statuss():
    """Every problem has a title."""
    assert problem("json.syntax", 400, DETAIL)["title"] == "请求无法读取"
    assert problem("odd", 418, DETAIL)["title"] == "请求未能完成"
