"""A double over real sockets, called as anybody would call it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from adapters import bundled
from adapters.adapter import load
from gateway.sandbox import Double, running

FILED = {"AJBH": "A-1", "JD": "filed", "SJ": "2026-09-01 08:00:00"}
TRANSPORT_TROUBLE = (httpx.ReadError, httpx.RemoteProtocolError)


async def send(client: httpx.AsyncClient, key: str = "k-1", **changed: Any) -> httpx.Response:
    """Send a document under a key."""
    return await client.post("/api/progress", json={**FILED, **changed}, headers={"Idempotency-Key": key})


async def received(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Give what it received."""
    found: list[dict[str, Any]] = (await client.get("/_double/received")).json()
    return found


async def faults(client: httpx.AsyncClient, **knobs: Any) -> httpx.Response:
    """Turn the knobs."""
    return await client.put("/_double/faults", json=knobs)


# ── taking documents ──────────────────────────────────────────────────────────────────────────
async def test_it_answers_as_the_bundles_reply_rules_say(client: httpx.AsyncClient) -> None:
    """200, the accepting code, a number of its own, and a message in Chinese."""
    reply = await send(client)
    assert reply.status_code == 200
    assert reply.json()["code"] == "0"
    assert len(reply.json()["data"]["id"]) == 16
    assert reply.json()["msg"] == "已受理"


async def test_it_remembers_what_it_got(client: httpx.AsyncClient) -> None:
    """Key, type, time, whether its own schema allows it, and the document."""
    reply = await send(client)
    (one,) = await received(client)
    came = one.pop("at")
    (arrival,) = one.pop("arrivals")
    assert arrival["at"] == came
    assert arrival["answered"] >= came
    assert one == {
        "key": "k-1",
        "type": "case.progressed",
        "valid": True,
        "problems": [],
        "native": FILED,
        "times": 1,
        "accepted": True,
        "reference": reply.json()["data"]["id"],
    }


async def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(client: httpx.AsyncClient) -> None:
    """One document, however often its key comes."""
    first, second = await send(client), await send(client)
    assert first.content == second.content
    (one,) = await received(client)
    assert one["times"] == len(one["arrivals"]) == 2


async def test_other_bytes_under_a_known_key_are_a_problem(client: httpx.AsyncClient) -> None:
    """The first answer stands; the record tells that the resend was not the same."""
    first, second = await send(client), await send(client, YJ="另一份")
    assert first.content == second.content
    (one,) = await received(client)
    assert (one["native"], one["valid"], one["times"]) == (FILED, False, 2)


async def test_what_its_own_schema_forbids_is_refused(client: httpx.AsyncClient) -> None:
    """A business no, and the record names the place; corrected under the same key it is taken."""
    reply = await send(client, SJ="yesterday")
    assert reply.json()["code"] == "1001"
    (one,) = await received(client)
    assert (one["valid"], one["accepted"]) == (False, False)
    assert one["problems"][0].startswith("SJ ")
    assert (await send(client)).json()["code"] == "0"
    (one,) = await received(client)
    assert (one["valid"], one["accepted"], one["times"]) == (True, True, 2)


@pytest.mark.parametrize("body", [b"{", b"<a/>", '{"AJBH": "甲"}'.encode("gbk"), b"[" * 100])
async def test_a_body_it_cannot_read_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    """It never falls over."""
    reply = await client.post("/api/progress", content=body, headers={"Idempotency-Key": "k"})
    assert reply.json()["code"] == "1001"
    assert [one["valid"] for one in await received(client)] == [False]


async def test_an_address_it_does_not_have_is_404(client: httpx.AsyncClient) -> None:
    """Nothing is taken there."""
    assert (await client.post("/api/else", json=FILED)).status_code == 404
    assert (await client.get("/api/progress")).status_code == 404
    assert await received(client) == []


async def test_documents_without_a_key_are_each_their_own(client: httpx.AsyncClient) -> None:
    """Nothing to recognise them by."""
    for _ in range(2):
        await client.post("/api/progress", json=FILED)
    assert [one["times"] for one in await received(client)] == [1, 1]


async def test_a_bundle_without_reply_rules_is_answered_by_its_status(client: httpx.AsyncClient) -> None:
    """2xx is a yes; a no is 422."""
    reply = await client.post("/api/executions/A-1", json={}, headers={"Idempotency-Key": "k"})
    assert reply.status_code == 200
    await faults(client, refuse=True)
    assert (await client.post("/api/executions/A-1", json={})).status_code == 422


async def test_it_forgets_when_told(client: httpx.AsyncClient) -> None:
    """A new platform: the key is new again."""
    await send(client)
    assert (await client.delete("/_double/received")).status_code == 204
    assert await received(client) == []
    await send(client)
    assert [one["times"] for one in await received(client)] == [1]


# ── questions ─────────────────────────────────────────────────────────────────────────────────
async def test_a_question_is_answered_from_what_it_accepted(client: httpx.AsyncClient) -> None:
    """Not there; there, with its number; another node of the same case is another document."""
    assert (await client.get("/api/progress/A-1?node=filed")).status_code == 404
    taken = await send(client)
    confirmed = await client.get("/api/progress/A-1?node=filed")
    assert confirmed.status_code == 200
    assert confirmed.json()["data"]["id"] == taken.json()["data"]["id"]
    assert (await client.get("/api/progress/A-1?node=closed")).status_code == 404
    assert (await client.get("/api/progress/A-2?node=filed")).status_code == 404


async def test_what_was_refused_is_not_confirmed(client: httpx.AsyncClient) -> None:
    """Only what was accepted is there."""
    await faults(client, refuse=True)
    await send(client)
    assert (await client.get("/api/progress/A-1?node=filed")).status_code == 404


# ── knobs ─────────────────────────────────────────────────────────────────────────────────────
async def test_a_status_replaces_every_answer_and_takes_nothing(client: httpx.AsyncClient) -> None:
    """503 to everything, until cleared."""
    await faults(client, status=503)
    assert (await send(client)).status_code == 503
    assert await received(client) == []
    assert (await faults(client)).json() == {}
    assert (await send(client)).status_code == 200


async def test_retry_after_comes_with_429_unless_told_otherwise(client: httpx.AsyncClient) -> None:
    """The header is in seconds."""
    await faults(client, retry_after_s=3)
    reply = await send(client)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    await faults(client, retry_after_s=3, status=503)
    assert (await send(client)).status_code == 503


async def test_an_error_rate_is_a_share_of_the_calls(client: httpx.AsyncClient, double: Double) -> None:
    """Of chances below the rate an error, of those above it an answer."""
    await faults(client, error_rate=0.6)
    assert (await send(client)).status_code == 500
    await faults(client, error_rate=0.4, status=502)
    assert (await send(client)).status_code == 200
    await faults(client, error_rate=1, status=502)
    assert (await send(client)).status_code == 502


async def test_refuse_is_a_business_no(client: httpx.AsyncClient) -> None:
    """Status 200, the refusing code, the reason where the bundle looks for it."""
    await faults(client, refuse=True)
    reply = await send(client)
    assert (reply.status_code, reply.json()["code"], reply.json()["msg"]) == (200, "1001", "业务校验未通过")


async def test_reset_after_accept_takes_it_and_breaks_the_connection_once(client: httpx.AsyncClient) -> None:
    """A real reset; the repeat of the key gets its answer."""
    await faults(client, reset_after_accept=True)
    with pytest.raises(TRANSPORT_TROUBLE):
        await send(client)
    (one,) = await received(client)
    assert one["accepted"]
    assert (await send(client)).json()["data"]["id"] == one["reference"]


async def test_reset_before_read_takes_nothing(client: httpx.AsyncClient) -> None:
    """As if the platform were not there."""
    await faults(client, reset_before_read=True)
    with pytest.raises(TRANSPORT_TROUBLE):
        await send(client)
    assert await received(client) == []


async def test_a_slow_body_is_whole_in_the_end(client: httpx.AsyncClient) -> None:
    """It drips, and it is the same answer."""
    first = await send(client)
    await faults(client, slow_body_ms=20)
    assert (await send(client)).content == first.content


async def test_another_charset_than_it_says(client: httpx.AsyncClient) -> None:
    """The bytes are GB18030, the header says nothing of it."""
    await faults(client, charset="gb18030")
    reply = await send(client)
    assert "已受理" in reply.content.decode("gb18030")
    assert "gb" not in reply.headers["content-type"]


@pytest.mark.parametrize(
    "knobs",
    [{"latencyms": 5}, {"latency_ms": -1}, {"error_rate": 2}, {"status": 42}, {"charset": "klingon"}, {"refuse": "x"}],
)
async def test_a_knob_it_does_not_have_is_422(client: httpx.AsyncClient, knobs: dict[str, Any]) -> None:
    """A typing mistake does not pass for a well platform."""
    assert (await faults(client, **knobs)).status_code == 422


@pytest.mark.parametrize("records", ["[]", '{"unknown": []}', "{", '{"permits": [], "permits": []}'])
async def test_records_under_a_name_it_does_not_ask_are_422(client: httpx.AsyncClient, records: str) -> None:
    """The plain bundle has no queries at all."""
    assert (await client.put("/_double/records", content=records)).status_code == 422


async def test_records_are_lists() -> None:
    """What a query is to find is told one by one."""
    async with running(Double(load(bundled()["penalty"]))) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.put("/_double/records", content='{"penalties": 7}')).status_code == 422
        assert (await client.put("/_double/records", content='{"penalties": [{}]}')).json() == {"penalties": 1}
