"""The dossier of an enterprise, for those who may read it."""

import json

import pytest

from adapters import bundled
from adapters.adapter import load
from adapters.base import Reply

CREDIT_CODE = "91330110MA2CXY1R13"


async def test_an_administrator_reads_any_dossier(caller):
    """Every part is there, with its state."""
    response = await caller.admin("GET", f"/v1/enterprises/{CREDIT_CODE}")
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["credit_code"] == CREDIT_CODE
    assert set(body["parts"]) == {"permits", "projects", "penalties", "inspections", "cases"}


async def test_a_platform_needs_the_right(caller):
    """Without it 403; an administrator gives it with `dossier`."""
    path = f"/v1/enterprises/{CREDIT_CODE}"
    assert (await caller.platform("penalty.330000", "GET", path)).status_code == 403
    body = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9"}, "dossier": True}
    changed = (await caller.admin("PUT", "/v1/platforms/penalty.330000", json=body)).json()
    assert changed["dossier"] is True
    assert "dossier" not in changed["settings"]
    assert (await caller.platform("penalty.330000", "GET", path)).status_code == 200


@pytest.mark.parametrize("code", ["x", "9133", "%00", "../..", "9" * 40])
async def test_what_is_no_credit_code_is_rejected(caller, code):
    """A shape that cannot be a credit code is an error of the caller's."""
    response = await caller.admin("GET", f"/v1/enterprises/{code}")
    assert response.status_code in (404, 422)
    assert response.json()["code"]


async def test_a_row_that_cannot_be_read_is_told_in_the_callers_language(caller):
    """With its number and its place; the others stand in the dossier."""
    bundle = load(bundled()["penalty"]).bundle
    row = json.loads(bundle.files["samples/decision/1.native.json"])
    rows = [row, {**row, "PUNISHDECIDETIME": "0000-00-00"}]
    caller.sender.reply = Reply(200, {}, json.dumps({"code": 0, "data": {"list": rows}}).encode())
    await caller.register("penalty.110000", "penalty", app_key="k")
    messages = []
    for language in ("zh-CN", "en"):
        read = await caller.admin("GET", f"/v1/enterprises/{CREDIT_CODE}", headers={"Accept-Language": language})
        part = read.json()["parts"]["penalties"]
        assert [one["platform"] for one in part["entries"]] == ["penalty.110000"]
        [source] = [one for one in part["sources"] if one["platform"] == "penalty.110000"]
        assert (part["state"], source["state"], source["unread"]) == ("partial", "partial", 1)
        [problem] = source["problems"]
        assert (problem["row"], problem["path"]) == (2, "PUNISHDECIDETIME")
        messages.append(problem["message"])
    assert [one.isascii() for one in messages] == [False, True]
