"""Operators enter the holidays of a year, and deadlines follow."""

import pytest

AT = "/v1/calendar/2027"
YEAR = {"holidays": ["2027-01-02", "2027-01-01"], "workdays": ["2027-01-09"]}


async def test_a_published_year_is_shown_and_an_unknown_one_is_not_guessed(caller):
    """What was published is there from the start; a year that nobody knows is told as such."""
    published = (await caller.admin("GET", "/v1/calendar/2026")).json()
    assert "2026-10-01" in published["holidays"]
    assert "2026-10-10" in published["workdays"]
    assert published["at"] is None
    unknown = await caller.admin("GET", AT)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "calendar.unknown")


async def test_a_year_is_entered_and_deadlines_follow_it(caller):
    """A deadline that was unknown for want of a year has its last day once the year is entered."""
    await caller.register("penalty.330100", "canonical", token="t")
    said = {"case_number": "AJ-1", "node": "decided", "at": "2026-12-30", "region": "330100"}
    sent = await caller.platform(
        "penalty.330100", "POST", "/v1/messages", json={"type": "case.progressed", "document": said}
    )
    assert sent.status_code == 202, sent.text
    (before,) = (await caller.admin("GET", "/v1/cases/AJ-1")).json()["clocks"]
    assert (before["state"], before["due_at"], before["unknown_year"]) == ("unknown", None, 2027)
    put = await caller.admin("PUT", AT, json=YEAR)
    assert put.status_code == 200, put.text
    assert put.json()["holidays"] == ["2027-01-01", "2027-01-02"]
    assert (await caller.admin("GET", AT)).json() == put.json()
    (after,) = (await caller.admin("GET", "/v1/cases/AJ-1")).json()["clocks"]
    # 31 December, 4 to 8 January, and Saturday 9 January, which is worked.
    assert (after["due_at"], after["unknown_year"]) == ("2027-01-09", None)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"holidays": []}, "calendar.empty"),
        ({"holidays": ["2026-10-01"]}, "calendar.other-year"),
        ({"holidays": ["2027-2-1"]}, "calendar.day"),
        ({"holidays": ["20270201"]}, "calendar.day"),
        ({"holidays": ["2027-02-30"]}, "calendar.day"),
        ({**YEAR, "workdays": ["2027-01-04"]}, "calendar.weekday"),
        ({**YEAR, "workdays": ["2027-01-02"]}, "calendar.both"),
    ],
)
async def test_a_year_is_checked(caller, body, fault):
    """Every fault is named, and nothing is kept."""
    refused = await caller.admin("PUT", AT, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "calendar.invalid")
    assert fault in {one["code"] for one in refused.json()["errors"]}
    assert (await caller.admin("GET", AT)).status_code == 404


async def test_platforms_enter_nothing(caller):
    """The calendar is the administrators'."""
    assert (await caller.platform("penalty.330000", "PUT", AT, json=YEAR)).status_code == 403
