"""Statutory deadlines of all cases, found by state, place and day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

PENALTY = "penalty.330100"


def day(days: int) -> str:
    """A day, counted from today in China."""
    return (datetime.now(UTC) + timedelta(hours=8, days=days)).date().isoformat()


async def node(caller: Any, number: str, name: str, on: str, region: str = "330100") -> str:
    """Tell a node of a case; gives its message."""
    said = {"case_number": number, "node": name, "at": on, "region": region}
    taken = await caller.platform(PENALTY, "POST", "/v1/messages", json={"type": "case.progressed", "document": said})
    assert taken.status_code == 202, taken.text
    return str(taken.json()["message_id"])


async def clocks(caller: Any, **asked: Any) -> list[dict[str, Any]]:
    """What is found, when all messages were seen."""
    while await caller.hub.follower.step():
        pass
    found = await caller.admin("GET", "/v1/clocks", params=asked)
    assert found.status_code == 200, found.text
    return list(found.json()["clocks"])


@pytest.fixture
async def cases(caller: Any) -> list[str]:
    """A case whose decision is due in two days, one that is 10 days late, and one that is stopped."""
    await caller.register(PENALTY, "canonical", token="t")
    return [
        await node(caller, "AJ-1", "filed", day(-88)),
        await node(caller, "AJ-2", "filed", day(-100), "330106"),
        await node(caller, "AJ-3", "filed", day(-50)),
        await node(caller, "AJ-3", "suspended", day(-40)),
    ]


async def test_a_deadline_is_told_with_its_case_and_its_article(caller: Any, cases: list[str]) -> None:
    """And the messages that show it, in the caller's language."""
    [found] = await clocks(caller, state="running")
    assert found == {
        "rule": "case.decision",
        "title": "作出处罚决定",
        "article": "行政处罚法第六十条",
        "bound": "authority",
        "about": "",
        "counting": "natural",
        "started_at": day(-88),
        "due_at": day(2),
        "state": "running",
        "ended_at": None,
        "days_left": 2,
        "evidence": [cases[0]],
        "unknown_year": None,
        "case_number": "AJ-1",
        "correlation_id": found["correlation_id"],
        "region": "330100",
        "platforms": found["platforms"],
        "lapsing": True,
        "complete": True,
    }
    assert PENALTY in found["platforms"]
    english = await caller.admin("GET", "/v1/clocks?state=running", headers={"Accept-Language": "en"})
    assert english.json()["clocks"][0]["title"] == "Decision"


async def test_deadlines_are_found_by_how_they_stand_today(caller: Any, cases: list[str]) -> None:
    """What ends first comes first; what has no last day is behind."""
    numbers = {state: [one["case_number"] for one in await clocks(caller, state=state)] for state in
               ("running", "lapsing", "missed", "stopped", "unknown", "met")}  # fmt: skip
    assert numbers == {
        "running": ["AJ-1"], "lapsing": ["AJ-1"], "missed": ["AJ-2"], "stopped": ["AJ-3"], "unknown": [], "met": [],
    }  # fmt: skip
    assert [one["case_number"] for one in await clocks(caller)] == ["AJ-2", "AJ-1", "AJ-3"]
    assert [one["case_number"] for one in await clocks(caller, until=day(1))] == ["AJ-2"]


async def test_deadlines_are_found_by_place(caller: Any, cases: list[str]) -> None:
    """A region and all that lies in it."""
    assert [one["case_number"] for one in await clocks(caller, region="330106")] == ["AJ-2"]
    assert len(await clocks(caller, region="330000")) == 3
    assert await clocks(caller, region="440000") == []


async def test_deadlines_come_page_by_page(caller: Any, cases: list[str]) -> None:
    """Each once."""
    every = [one["case_number"] for one in await clocks(caller)]
    shown, cursor = [], None
    while True:
        page = (
            await caller.admin("GET", "/v1/clocks", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        shown += [one["case_number"] for one in page["clocks"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert shown == every


@pytest.mark.parametrize(
    "asked", ["state=late", "region=33", "region=abcdef", "until=soon", "until=20261301", "cursor=x"]
)
async def test_what_cannot_be_asked_is_told(caller: Any, asked: str) -> None:
    """422 names it."""
    assert (await caller.admin("GET", f"/v1/clocks?{asked}")).status_code in (400, 422)


async def test_a_platform_may_not_list_deadlines(caller: Any, cases: list[str]) -> None:
    """It sees those of its own cases with the case."""
    refused = await caller.platform(PENALTY, "GET", "/v1/clocks")
    assert refused.status_code == 403


async def test_deadlines_are_shown_among_the_metrics(caller: Any, cases: list[str]) -> None:
    """By rule and state; of those that run, by the days that are left."""
    await clocks(caller)
    await caller.hub.clocks.look()
    page = (await caller.admin("GET", "/metrics")).text
    assert 'hutong_clocks{rule="case.decision",state="lapsing"} 1.0' in page
    assert 'hutong_clocks{rule="case.decision",state="missed"} 1.0' in page
    assert 'hutong_clocks{rule="case.decision",state="stopped"} 1.0' in page
    assert 'hutong_clocks_running{days="0-3",rule="case.decision"} 1.0' in page
    assert 'hutong_follower_behind_seconds{observer="clocks"} 0.0' in page
