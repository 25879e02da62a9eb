"""What one body may cost: bounded findings, a bounded answer, and bounds that an operator sets for a platform."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import bundled

PERMITS, OTHERS = "pollutant-permit.330000", "pollutant-permit.320000"
SAMPLE = (bundled()["pollutant-permit"] / "samples/permit/1.native.xml").read_bytes()
START, END = SAMPLE.index(b"<Record>"), SAMPLE.rindex(b"</Record>") + len(b"</Record>")
MEGABYTE = 1024 * 1024


def package(*records: bytes) -> bytes:
    """Give a package of these records."""
    return SAMPLE[:START].replace(b"<JLS>1<", b"<JLS>%d<" % len(records)) + b"".join(records) + SAMPLE[END:]


def good(count: int) -> list[bytes]:
    """Give good records, each of another moment."""
    record = SAMPLE[START:END]
    moment = record[record.index(b"<SJC>") : record.index(b"</SJC>")]
    return [record.replace(moment, b"<SJC>202607010%02d0%02d" % divmod(number, 60)) for number in range(count)]


@pytest.fixture
async def limited(caller: Any) -> Any:
    """Registers the permit platform with limits, and gives the answer to that."""

    async def put(limits: dict[str, Any] | None = None) -> Any:
        settings = {"base_url": "http://127.0.0.1:9", "account": "a", "password": "p"}
        body = {"adapter": "pollutant-permit", "settings": settings, **({"limits": limits} if limits else {})}
        return await caller.admin("PUT", f"/v1/platforms/{PERMITS}", json=body)

    await caller.register(PERMITS, "pollutant-permit", account="a", password="p")
    return put


async def test_ten_thousand_empty_records_are_a_short_answer(caller: Any, limited: Any) -> None:
    """As far as fifty findings, and one for all the others."""
    answer = await caller.send(PERMITS, "permit", package(*[b"<Record/>"] * 10_000))
    told = answer.json()["messages"]
    assert answer.status_code == 422
    assert len(answer.content) < 100_000
    assert told[-1]["problem"]["code"] == "bound.findings"
    kept = await caller.admin("GET", f"/v1/rejections?platform={PERMITS}&limit=200")
    assert len(kept.json()["rejections"]) == len(told)


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"records": 5}, "bound.records"), ({"nodes": 50}, "bound.nodes"), ({"body": 500}, "body.too-large")],
)
async def test_an_operator_sets_the_bounds_of_one_platform(caller: Any, limited: Any, limits: Any, code: str) -> None:
    """They hold from the next body on, are shown, and go with the next registration that does not name them."""
    body = package(*good(6))
    assert (await limited(limits)).json()["limits"] == limits
    refused = await caller.send(PERMITS, "permit", body)
    assert (refused.status_code, refused.json()["code"]) == (413, code)
    assert (await limited()).json()["limits"] == {}
    assert (await caller.send(PERMITS, "permit", body)).status_code == 202


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"record": 5}, "limit.unknown"),
        ({"records": 0}, "limit.range"),
        ({"records": 10**9}, "limit.range"),
        ({"records": "5"}, "request.int-type"),
        ({"records": 5.5}, "request.int-type"),
        ({"records": True}, "request.int-type"),
    ],
)
async def test_no_bound_is_raised_beyond_its_ceiling(caller: Any, limited: Any, limits: Any, code: str) -> None:
    """Nor is there a bound that nobody knows."""
    answer = await limited(limits)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
    assert (await caller.admin("GET", f"/v1/platforms/{PERMITS}")).json()["limits"] == {}


async def test_an_answer_keeps_within_its_bytes(caller: Any, limited: Any) -> None:
    """Beyond them a record is told by its id alone: every id is there, and the details can be looked up."""
    full = await caller.send(PERMITS, "permit", package(*good(12)))
    assert full.status_code == 202
    bound = 12 * 256 + 900
    await limited({"answer": bound})
    again = await caller.send(PERMITS, "permit", package(*good(12)))
    assert len(again.content) <= bound < len(full.content)
    told = again.json()["messages"]
    assert [one["message_id"] for one in told] == [one["message_id"] for one in full.json()["messages"]]
    assert "deliveries" in told[0]
    assert set(told[-1]) == {"index", "message_id", "state", "duplicate"}


async def test_a_package_whose_answer_could_not_be_told_is_not_taken(caller: Any, limited: Any) -> None:
    """Nothing of it is kept: whoever is not told could not send the rest again."""
    await limited({"answer": 1000})
    refused = await caller.send(PERMITS, "permit", package(*good(12)))
    assert (refused.status_code, refused.json()["code"]) == (413, "bound.answer")
    assert (await caller.admin("GET", f"/v1/messages?platform={PERMITS}")).json()["messages"] == []


async def test_a_dry_run_tells_as_much_as_has_room(caller: Any, limited: Any) -> None:
    """The first record that has none says so for those that follow."""
    await limited({"answer": 12 * 256})
    answer = await caller.send(PERMITS, "permit", package(*good(12)), params={"dry_run": "true"})
    told = answer.json()["messages"]
    assert answer.status_code == 200
    assert len(answer.content) < 12 * 256 + 1000
    assert 0 < len(told) < 12
    assert told[-1]["problem"]["code"] == "bound.answer"


async def test_names_as_long_as_a_body_are_cut(caller: Any, execution: Any) -> None:
    """Where something stands is told, not repeated in full."""
    answer = await caller.send("penalty.330000", "execution", {**execution, "x" * 40_000: 1})
    assert answer.status_code == 202
    assert len(answer.content) < 10_000
