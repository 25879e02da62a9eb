"""Any version can be tried on anything, and nothing is kept."""

from __future__ import annotations

import pytest

PAID = {"AH": "AH-1", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "XX": "?"}
DOCUMENT = {
    "case_number": "AH-1",
    "decision_number": "浙环罚〔2026〕3号",
    "kind": "paid",
    "at": "2026-05-06T09:30:00+08:00",
}


async def test_a_body_is_translated_in(house):
    """With its warnings, in the caller's language."""
    answer = await house.step("1.0.0", "translate", direction="in", name="execution", body=PAID)
    [made] = answer.json()["messages"]
    assert made["document"] == DOCUMENT
    assert made["warnings"][0]["code"] == "native.unknown"
    assert (await house.admin("GET", "/v1/messages")).json()["messages"] == []


async def test_text_is_written_in_the_operations_character_set(house):
    """XML as people paste it becomes the GBK it would be."""
    record = "<Record><AH>案1</AH><JD>{}</JD><SJ>20260506093000</SJ></Record>"
    head = '<?xml version="1.0" encoding="GBK"?><Package><Head><LX>AJJD</LX><JLS>2</JLS></Head><Data>'
    body = f"{head}{record.format('LA')}{record.format('??')}</Data></Package>"
    answer = await house.step("1.0.0", "translate", direction="in", name="progress", body=body)
    assert answer.status_code == 200, answer.text
    messages = answer.json()["messages"]
    assert [one["index"] for one in messages] == [0, 1]
    assert all(one["document"] or one["problem"] for one in messages)


async def test_a_document_is_translated_out_by_a_draft(house, bundle):
    """Settings that are not given stand for themselves; what is personal to nobody is shown as it is written."""
    await house.upload(bundle(adapter=('X-Batch: "{', 'X-Batch: "second {')))
    trial = {"direction": "out", "name": "penalty.executed", "document": DOCUMENT, "settings": {"office": "某局"}}
    request = (await house.step("1.1.0", "translate", **trial)).json()["request"]
    assert request["method"] == "POST"
    assert request["headers"]["X-Batch"].startswith("second")
    assert '"AH":"AH-1"' in request["body"]
    assert await house.state("1.1.0") == "draft"


@pytest.mark.parametrize(
    ("trial", "status", "code"),
    [
        ({"direction": "in", "name": "nothing", "body": {}}, 404, "operation.unknown"),
        ({"direction": "out", "name": "nothing", "document": {}}, 404, "operation.unknown"),
        ({"direction": "out", "name": "penalty.executed", "document": {}}, 422, "document.invalid"),
        ({"direction": "out", "name": "penalty.executed"}, 422, "request.invalid"),
        ({"direction": "in", "name": "execution", "body": "no json"}, 400, "json.syntax"),
        ({"direction": "sideways", "name": "execution"}, 422, "request.invalid"),
    ],
)
async def test_what_cannot_be_tried_says_why(house, trial, status, code):
    """A problem document, as an inbound call would get."""
    answer = await house.step("1.0.0", "translate", **trial)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
