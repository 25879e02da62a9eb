"""Years of the calendar, on both engines and in the model."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.ledger.records import CalendarYear


async def test_a_year_is_kept_instead_of_what_was_entered_before(ledger: Any, make: Any) -> None:
    """Years are given in order, each as it was entered last; the audit says who entered it."""
    first = CalendarYear(2028, ("2028-10-01",), (), make.at())
    await ledger.put_year(first, make.intent())
    await ledger.put_year(replace(first, year=2027), make.intent())
    assert [each.year for each in await ledger.years()] == [2027, 2028]
    later = replace(first, holidays=("2028-10-01", "2028-10-02"), workdays=("2028-10-07",))
    assert await ledger.put_year(later, make.intent()) == later
    assert (await ledger.years())[1] == later
    assert [each.action for each in await ledger.audit("2028")] == ["calendar.put", "calendar.put"]


async def test_the_same_key_enters_a_year_once(ledger: Any, make: Any) -> None:
    """A repeated call is answered as the first was, even when another change came between."""
    first = CalendarYear(2027, ("2027-10-01",), (), make.at())
    intent = make.intent(key="k")
    assert await ledger.put_year(first, intent) == first
    other = replace(first, holidays=("2027-10-02",))
    await ledger.put_year(other, make.intent())
    assert await ledger.put_year(first, intent) == first
    assert await ledger.years() == [other]
