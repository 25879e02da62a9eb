"""The regular report over REST: as JSON, CSV and a workbook, with the messages behind each figure."""

import csv
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook
from report_documents import decision, inspection

from gateway.oversight.occurrences import OccurrenceReader
from schemas.figures import bundled

USAGE = "/v1/reports/usage"
MOBILE = "mobile-enforcement.330000"
REST = {"kinds": ["fine"], "facts": "超标排放", "legal_basis": ["水污染防治法第八十三条"]}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def told(caller, *documents):
    """Hand documents in, and let the report see them."""
    await caller.register(MOBILE, "canonical", token="t")
    for type, document in documents:
        sent = await caller.platform(MOBILE, "POST", "/v1/messages", json={"type": type, "document": document})
        assert sent.status_code == 202, sent.text
    while await caller.hub.follower.step():
        pass
    await counted(caller)


async def counted(caller):
    """Have the use of the gateway tallied."""
    reader = OccurrenceReader(bundled(), caller.hub.zone, {})
    while await caller.hub.ledger.count_use(reader):
        pass


def whole(report):
    """The figures of the whole, by name."""
    return {one["figure"]: one for one in report["figures"]}


async def test_a_report_counts_what_was_handed_in(caller):
    """Figures of a month and a region with numerator, denominator, value; what is not known says why."""
    await told(caller, inspection(problem_found=True), inspection("JC-2"), inspection("JC-3", "2026-04-10"))
    answer = await caller.admin("GET", f"{USAGE}?period=2026-03&region=330000&by=region")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["period"], report["since"], report["until"], report["over"]) == (
        "2026-03", "2026-03-01", "2026-03-31", True,
    )  # fmt: skip
    assert report["title"] == "浙江省"
    found = whole(report)["problem-discovery"]
    # Everything came long after March.
    assert found == {
        "figure": "problem-discovery", "title": "检查发现问题率", "unit": "share",
        "numerator": 1, "denominator": 2, "value": 0.5, "unknown": None, "late": 2,
    }  # fmt: skip
    assert whole(report)["overturned"]["value"] is None
    assert whole(report)["overturned"]["unknown"]
    groups = {one["group"]: one for one in report["groups"]}
    assert whole(groups["330100"])["problem-discovery"]["denominator"] == 2
    assert whole(groups["330200"])["problem-discovery"]["denominator"] == 0
    assert groups["330100"]["title"] == "浙江省/杭州市"
    use = report["use"]
    assert (use["counties_heard"], use["officers"], use["arrival"]["count"]) == (1, 2, 2)
    months = (await caller.admin("GET", f"{USAGE}?period=2026&region=330000&by=month")).json()["groups"]
    counted = {one["group"]: whole(one)["entry-timeliness"]["denominator"] for one in months}
    assert counted == {"2026-03": 2, "2026-04": 1}


async def test_use_tells_who_was_heard_and_what_was_rejected(caller):
    """Of the month in which it came: what each platform handed in, how much of it was not accepted."""
    await told(caller, inspection())
    await caller.platform(MOBILE, "POST", "/v1/messages", json={"type": "inspection.recorded", "document": {}})
    await counted(caller)
    month = caller.hub.clock().astimezone(caller.hub.zone).strftime("%Y-%m")
    use = (await caller.admin("GET", f"{USAGE}?period={month}")).json()["use"]
    platforms = {one["platform"]: one for one in use["platforms"]}
    seen = platforms[MOBILE]
    assert (seen["received"], seen["rejected"], seen["rejection_rate"]) == (1, 1, 0.5)
    assert platforms["penalty.330000"]["rejection_rate"] is None


async def test_money_is_text_and_authorities_are_told_apart(caller):
    """Yuan are exact; by authority there are no counties to be covered."""
    await told(
        caller, decision(fine="20000.10", kinds=["fine"], facts="超标排放", legal_basis=["水污染防治法第八十三条"])
    )
    report = (
        await caller.admin("GET", f"{USAGE}?period=2026-03&by=authority", headers={"Accept-Language": "en"})
    ).json()
    fines = whole(report)["fines"]
    assert (fines["numerator"], fines["denominator"], fines["value"]) == ("20000.10", 1, "20000.10")
    (authority,) = (one for one in report["groups"] if one["group"] == "杭州市生态环境局")
    assert whole(authority)["fines"]["numerator"] == "20000.10"
    coverage = whole(authority)["county-coverage"]
    assert (coverage["value"], coverage["unknown"]) == (None, "Regions are not told apart by authority")


async def test_every_number_lists_its_messages(caller):
    """A page at a time, of the numerator or the denominator; places have none, and an unknown figure is told."""
    await told(caller, inspection(problem_found=True), inspection("JC-2"))
    at = f"{USAGE}/figures/problem-discovery/messages?period=2026-03"
    (one,) = (await caller.admin("GET", at)).json()["messages"]
    assert (one["occurrence"], one["day"], one["region"]) == ("inspection", "2026-03-10", "330110")
    message = (await caller.admin("GET", f"/v1/messages/{one['message_id']}")).json()
    assert message["keys"]["inspection_number"] == "JC-1"
    first = (await caller.admin("GET", f"{at}&part=denominator&limit=1")).json()
    second = (await caller.admin("GET", f"{at}&part=denominator&limit=1&cursor={first['cursor']}")).json()
    assert (len(first["messages"]), len(second["messages"]), second["cursor"]) == (1, 1, None)
    assert first["messages"] != second["messages"]
    places = f"{USAGE}/figures/cities-without/messages?period=2026-03"
    assert (await caller.admin("GET", places)).json() == {"messages": [], "cursor": None}
    elsewhere = (await caller.admin("GET", f"{at}&region=340000")).json()
    assert elsewhere["messages"] == []


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{USAGE}?period=2026-13", 422, "period.invalid"),
        (f"{USAGE}?period=march", 422, "period.invalid"),
        (f"{USAGE}?period=2026-03&region=999999", 422, "region.unknown"),
        (f"{USAGE}/figures/happiness/messages?period=2026-03", 404, "figure.unknown"),
        (f"{USAGE}/figures/fines/messages?period=2026-03&cursor=x", 422, "cursor.unknown"),
    ],
)
async def test_what_cannot_be_answered_is_told(caller, path, status, code):
    """Each refusal has its code."""
    refused = await caller.admin("GET", path)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_table_is_never_computed(caller):
    """A name that begins like a formula stays a text in CSV and XLSX; both say what JSON says."""
    evil = {"name": '=HYPERLINK("http://x")'}
    await told(
        caller, decision(authority=evil, **REST), decision(number="杭环罚〔2026〕2号", authority={"name": "+1"}, **REST)
    )
    asked = f"{USAGE}?period=2026-03&region=330000&by=authority"
    answer = await caller.admin("GET", asked, headers={"Accept": "text/csv", "Accept-Language": "en"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="hutong-2026-03-330000.csv"' in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(text)))
    groups = {row["group"] for row in rows}
    assert '\'=HYPERLINK("http://x")' in groups
    assert "'+1" in groups
    (fines,) = (row for row in rows if row["figure"] == "fines" and row["group"] == "330000")
    assert (fines["numerator"], fines["denominator"], fines["value"]) == ("40000.00", "2", "20000.00")
    answer = await caller.admin("GET", asked, headers={"Accept": XLSX, "Accept-Language": "en"})
    book = load_workbook(BytesIO(answer.content))
    sheet = book["figures"]
    assert sheet.freeze_panes == "A5"
    assert [cell.value for cell in sheet[4]][:3] == ["group", "group name", "figure"]
    cells = {(row[0].value, row[2].value): row for row in sheet.iter_rows(min_row=5)}
    evil_row = cells[evil["name"], "fines"]
    assert evil_row[0].data_type == "s"
    row = cells["330000", "fines"]
    assert (row[5].value, row[5].number_format, row[7].number_format) == (40000, "#,##0.00", "#,##0.00")
    assert cells["330000", "publication-on-time"][7].number_format == "0.00%"
    assert all(cell.data_type != "f" for each in book for line in each.iter_rows() for cell in line)
    assert sheet.column_dimensions["D"].width > 40


async def test_an_earlier_report_can_be_made_again(caller):
    """As of a moment before anything came there is nothing, and the use is not told."""
    await told(caller, inspection())
    then = (await caller.admin("GET", f"{USAGE}?period=2026-03&as_of=2026-04-01")).json()
    assert (whole(then)["entry-timeliness"]["denominator"], then["use"]) == (0, None)
    assert then["as_of"] == "2026-03-31T16:00:00Z"
    now = (await caller.admin("GET", f"{USAGE}?period=2026-03")).json()
    assert whole(now)["entry-timeliness"]["denominator"] == 1
    behind = f"{USAGE}/figures/entry-timeliness/messages?period=2026-03&part=denominator"
    assert (await caller.admin("GET", f"{behind}&as_of=2026-04-01")).json()["messages"] == []
    assert len((await caller.admin("GET", behind)).json()["messages"]) == 1


async def test_platforms_get_no_reports(caller):
    """Reports are the operators'."""
    assert (await caller.platform("penalty.330000", "GET", f"{USAGE}?period=2026-03")).status_code == 403
