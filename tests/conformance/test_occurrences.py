"""What the regular report counts: kept as documents tell of it, tallied, and found again, on both engines."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from ledger_model import ModelLedger
from msgspec.structs import replace
from report_documents import answer, decision, inspection, lead, node, officer, permit
from telling import MOBILE, PENALTY, ZONE, Telling

from gateway.errors import Invalid
from gateway.ledger.occurrences import DELIVERED, RECEIVED, REGION, REJECTED, OccurrenceFilter, TallyFilter
from gateway.message import State
from gateway.oversight.occurrences import OccurrenceReader
from schemas.calendar import PUBLISHED, YearOfDays
from schemas.figures import bundled

LATER = "2026-04-15T09:00:00+08:00"
EVERYTHING = TallyFilter(202603, 202604, months=True, authorities=True)
READER = OccurrenceReader(bundled(), ZONE, {"inspection_cap": 2})


@pytest.fixture
async def told(ledger: Any) -> Telling:
    """The ledger, told of documents as the follower does."""
    telling = Telling(ledger, cap=2)
    await telling.register(MOBILE, PENALTY)
    return telling


async def tallied(ledger: Any, at: datetime | None = None) -> dict[Any, tuple[int, int]]:
    """Every tally that is not nothing, by what it is of: as kept, or as counted from what stood at a moment."""
    found = await ledger.tallies(replace(EVERYTHING, as_of=at), READER)
    named = [each for each in found if not each.name.startswith("@")]
    return {replace(each, count=0, amount=0): (each.count, each.amount) for each in named}


async def test_a_document_moves_to_another_month(told: Any) -> None:
    """A later version counts in the month that it names, and no more in the one before."""
    await told.tell(*inspection(on="2026-03-01"))
    assert await told.counted("entry-timeliness") == (0, 1)
    await told.tell(*inspection(on="2026-04-01"), at=LATER)
    assert await told.counted("entry-timeliness") == (0, 0)
    assert await told.counted("entry-timeliness", "2026-04") == (1, 1)
    assert await told.behind("entry-timeliness", "denominator", "2026-04") == ["m002"]
    assert await told.behind("entry-timeliness", "denominator") == []
    assert await told.counted("entry-timeliness", as_of="2026-03-31T23:59:59+08:00") == (0, 1)


async def test_how_it_stood_at_a_moment_is_told_later(told: Any) -> None:
    """A report of March as of its end is the report that was made then; the one of May says what arrived since."""
    await told.tell(*lead())
    await told.tell(*inspection())
    then = await told.report(as_of="2026-03-31T23:59:59+08:00")
    assert [each.late for each in (await told.report()).figures] == [0] * len(then.figures)
    await told.tell(*answer("2026-03-19T09:00:00+08:00"), at=LATER)
    await told.tell(*inspection("JC-2"), at=LATER)
    await told.tell(*inspection(problem_found=True), at=LATER)
    late = {each.rule.figure: each.late for each in (await told.report()).figures if each.late}
    assert (late["leads-on-time"], late["entry-timeliness"], late["problem-discovery"]) == (1, 2, 2)
    assert await told.counted("leads-on-time") == (1, 1)
    assert await told.report(as_of="2026-03-31T23:59:59+08:00") == then
    assert await told.counted("leads-on-time", as_of="2026-03-31T23:59:59+08:00") == (0, 1)


async def test_an_older_version_that_is_shown_late_changes_nothing(told: Any) -> None:
    """Whatever is shown again, and in whatever order: what its last version says stands."""
    first = await told.tell(*decision(fine="1"))
    await told.tell(*decision(fine="2"), at=LATER)
    third = await told.tell(*decision(status="withdrawn"), at="2026-04-16T09:00:00+08:00")
    before = await tallied(told.ledger)
    for messages in ([first], [third, first], told.told, told.told[::-1]):
        await told.keeper.see(messages)
        assert await tallied(told.ledger) == before
    assert await told.counted("fines") == (0, 0)


async def test_a_correction_under_another_number_takes_the_place(told: Any) -> None:
    """What a message corrects counts no more, though its number is another one."""
    first = await told.tell(*decision(fine="100"))
    await told.tell(*decision(number="杭环罚〔2026〕9号", fine="30"), corrects=first.id, at=LATER)
    assert await told.counted("fines") == (30, 1)
    await told.again()
    assert await told.counted("fines") == (30, 1)


async def test_a_message_that_was_tied_to_another_case_counts_there(told: Any) -> None:
    """Shown again under its new case it is judged by what is there, and the old case without it."""
    for name in ("filed", "evidence", "notified"):
        await told.tell(*node(name), lane="A")
    await told.tell(*node("closed"), lane="A")
    await told.tell(*decision(), lane="B")
    assert await told.counted("chain-completeness") == (0, 1)
    told.told[-1] = replace(told.told[-1], ordering_key="A")
    await told.again()
    assert await told.counted("chain-completeness") == (1, 1)
    told.told[-1] = replace(told.told[-1], ordering_key="B")
    await told.again()
    assert await told.counted("chain-completeness") == (0, 1)


async def test_what_is_read_by_other_rules_counts_by_them(told: Any) -> None:
    """Another cap has everything read anew, and the tallies follow."""
    for day in (1, 2, 3):
        await told.tell(*inspection(f"JC-{day}", f"2026-03-0{day}", mode="onsite"))
    assert await told.counted("cap-breaches") == (1, None)
    other = Telling(told.ledger, cap=3)
    assert other.keeper.name != told.keeper.name
    other.told = told.told
    await other.again()
    assert await other.counted("cap-breaches") == (0, None)


async def test_tallies_are_what_a_count_would_give(told: Any) -> None:
    """However documents come, again and again: every tally is the number of occurrences that stand, as in the model."""
    dice = random.Random(20260310)
    model = ModelLedger()
    for _ in range(8):
        batch = [told.message(*_any(dice), **_where(dice)) for _ in range(dice.randint(1, 9))]
        await told.keeper.see(batch)
        await told.keeper.see(dice.sample(told.told, min(5, len(told.told))))
        counted = await tallied(told.ledger, datetime(2099, 1, 1, tzinfo=UTC))
        assert await tallied(told.ledger) == counted
        await model.keep_occurrences([READER.seen(each, PUBLISHED) for each in batch], READER)
        assert _without_moments(counted) == _without_moments(await tallied(model))
    assert {each.value for each in await told.ledger.heard_of("permit")} == {
        each.value for each in await model.heard_of("permit")
    }
    alone = await tallied(told.ledger)
    await told.again()
    assert await tallied(told.ledger) == alone


def _without_moments(found: dict[Any, tuple[int, int]]) -> dict[Any, tuple[int, int]]:
    """Tallies without when they came to be so: the model knows the present alone."""
    sums: dict[Any, tuple[int, int]] = {}
    for each, (count, amount) in found.items():
        before = sums.get(replace(each, arrived=0), (0, 0))
        sums[replace(each, arrived=0)] = (before[0] + count, before[1] + amount)
    return sums


def _any(dice: random.Random) -> Any:
    on = f"2026-0{dice.randint(3, 4)}-1{dice.randint(0, 9)}"
    number = str(dice.randint(1, 4))
    status = dice.choice(["in-force", "withdrawn"])
    return dice.choice(
        [
            inspection(f"JC-{number}", on, mode=dice.choice(["onsite", "remote"]), problem_found=dice.random() < 0.5),
            lead(lead_number=number),
            answer(f"{on}T09:00:00+08:00", lead_number=number),
            node(dice.choice(["filed", "evidence", "notified", "closed"])),
            decision(on, number=f"杭环罚〔2026〕{number}号", status=status, fine=number),
            permit(),
            officer(status=dice.choice(["valid", "revoked"])),
        ]
    )


def _where(dice: random.Random) -> dict[str, Any]:
    at = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(hours=dice.randint(0, 1200))
    return {"at": at.isoformat(), "lane": f"L-{dice.randint(1, 2)}", "source": dice.choice([MOBILE, PENALTY])}


async def test_occurrences_are_found_page_by_page(told: Any) -> None:
    """Every page goes on behind the one before, and none is given twice; a cursor of somebody else's is refused."""
    for number in range(5):
        region = "330203" if number == 2 else "330110"
        await told.tell(*inspection(f"JC-{number}", f"2026-0{3 + number % 2}-10", region=region))
    await told.tell(*decision())
    asked = OccurrenceFilter(("inspection", "decision"), (), 202603, 202604)
    found: list[str] = []
    cursor = None
    while True:
        page = await told.ledger.find_occurrences(asked, cursor, 2)
        found += [each.message_id for each in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == ["m006", "m001", "m003", "m005", "m002", "m004"]
    here = replace(asked, regions=frozenset({"330203"}))
    assert [each.message_id for each in (await told.ledger.find_occurrences(here)).items] == ["m003"]
    with pytest.raises(Invalid) as refused:
        await told.ledger.find_occurrences(asked, "17")
    assert refused.value.code == "cursor.unknown"


async def test_what_holds_on_a_day(told: Any) -> None:
    """Certificates count on the days on which they are valid, first and last included."""
    await told.tell(*officer(valid_from="2026-03-02", valid_to="2026-03-30"))
    day = date(2026, 3, 2)
    (one,) = await told.ledger.holding(["officer"], day)
    assert (one.name, one.count, one.region, one.authority) == ("officer", 1, "330110", "杭州市生态环境局")
    assert await told.ledger.holding(["officer"], day - timedelta(days=1)) == []
    assert len(await told.ledger.holding(["officer"], date(2026, 3, 30))) == 1
    assert await told.ledger.holding(["officer"], date(2026, 3, 31)) == []


async def test_what_was_heard_of_last(told: Any) -> None:
    """Of each region the last message counts, whatever it is about, and an older one changes nothing."""
    await told.tell(*permit(), at=LATER)
    await told.tell(*permit())
    (region,) = await told.ledger.heard_of(REGION)
    assert (region.value, region.at) == ("330110", told.told[0].received_at)
    assert [each.value for each in await told.ledger.heard_of("permit")] == ["91330110MA2CXY1R13"]


async def test_what_could_not_be_counted_is_found_with_its_message(play: Any, ledger: Any, told: Any) -> None:
    """Some at a time, until a year is entered by which it is read anew; what counts by a known year never was there."""
    type, said = decision("2027-03-01")
    decisions = [
        {**said, "decision_number": f"杭环罚〔{year}〕{number}号", "decided_on": f"{year}-03-01"}
        for number, year in enumerate((2026, 2027, 2027))
    ]
    known, *unknown = [told.message(type, each, lane=each["decision_number"]) for each in decisions]
    for each in (known, *unknown):
        await play.accept(each.id, type=type, lane=each.ordering_key, document=each.document)
    await told.keeper.see([known, *unknown])
    first, after = await ledger.uncounted(0, 1)
    rest, end = await ledger.uncounted(after, 5)
    assert [each.id for each in (*first, *rest)] == [each.id for each in unknown]
    assert await ledger.uncounted(end, 5) == ([], end)
    entered = PUBLISHED.amended({2027: YearOfDays(frozenset(), frozenset())})
    await ledger.keep_occurrences([READER.seen(each, entered) for each in unknown], READER)
    assert (await ledger.uncounted())[0] == []


async def test_use_is_tallied_once(play: Any, ledger: Any, make: Any) -> None:
    """What came, what was rejected and how soon it was delivered counts once, however often it is asked for."""
    await play.register(make.penalty)
    await play.accept("m1")
    await play.receive(make.rejection())
    await play.end("m1/0", State.DELIVERED, at=90)
    while await ledger.count_use(READER, 1):
        pass
    assert not await ledger.count_use(READER)
    use = TallyFilter(202609, 202609, months=True, authorities=True)
    found = {each.name: each for each in await ledger.tallies(use, READER)}
    assert set(found) == {RECEIVED, REJECTED}
    assert all((each.month, each.count, each.authority) == (202609, 1, make.source) for each in found.values())


async def test_acceptance_is_written_back(play: Any, ledger: Any, make: Any, told: Any) -> None:
    """An inspection counts as written back from when the permit platform accepted it, whichever is known first."""
    permits = "pollutant-permit.330000"
    await play.register(permits)
    type, document = inspection(permit_number="91330110MA2CXY1R13001P")
    for name, number in (("m001", "JC-1"), ("m002", "JC-2")):
        told.message(type, {**document, "inspection_number": number})
        await play.accept(name, to=(permits,), type=type, lane=name)
    await told.keeper.see(told.told[:1])
    for name in ("m001", "m002"):
        number = await play.begin(f"{name}/0", at=0)
        settled = make.settlement(f"{name}/0", State.DELIVERED, at=90, number=number)
        settlement = replace(settled, attempt=replace(settled.attempt, verdict="accepted"))
        await ledger.settle(await play.claimed(permits), settlement)
    await ledger.count_use(READER)
    assert await told.counted("write-back") == (1, 1)
    await told.keeper.see(told.told)
    assert await told.counted("write-back") == (2, 2)
    await told.again()
    assert await told.counted("write-back") == (2, 2)
    use = TallyFilter(202609, 202609)
    delivered = [each for each in await ledger.tallies(use, READER) if each.name == DELIVERED]
    assert sum(each.count for each in delivered) == 2
