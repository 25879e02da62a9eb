"""`hutong calendar`: holidays and make-up days, by which working days are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any

import typer

from gateway.cli.output import AsJson, Misused, emit, facts
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(no_args_is_help=True, help="Holidays and make-up working days, by which deadlines are counted.")

Year = Annotated[int, typer.Argument(metavar="YEAR", help="The year.")]
_DAYS = "YYYY-MM-DD, or FIRST/LAST for all days from one to the other; may be given several times."


@app.command("show", epilog="hutong calendar show 2026")
def show(year: Year, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Show what is free and what is worked in a year, beside its weekends."""
    _show(Gateway(url, token, as_json).get(f"/v1/calendar/{year}"), as_json)


@app.command("put", epilog="hutong calendar put 2027 --holiday 2027-10-01/2027-10-07 --workday 2027-10-09")
def put(
    year: Year,
    holiday: Annotated[list[str], typer.Option("--holiday", help=f"Free days: {_DAYS}")],
    workday: Annotated[list[str] | None, typer.Option("--workday", help=f"Weekend days worked: {_DAYS}")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Enter a year whole, as it was published; it takes the place of what was known of it."""
    body = {"holidays": list(_days(holiday)), "workdays": list(_days(workday or ()))}
    _show(Gateway(url, token, as_json).put(f"/v1/calendar/{year}", body), as_json)


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    facts(
        [
            ("year", found["year"]),
            ("known from", "what was published" if found["at"] is None else f"an operator, {found['at']}"),
            ("holidays", found["holidays"]),
            ("workdays", found["workdays"]),
        ]
    )


def _days(said: Iterable[str]) -> Iterator[str]:
    """Give the days of each range; what is no range is left to the gateway to judge."""
    for each in said:
        first, slash, last = each.partition("/")
        if not slash:
            yield each
            continue
        try:
            day, end = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            raise Misused(f"{each} is no FIRST/LAST of days YYYY-MM-DD") from None
        if not timedelta(0) <= end - day <= timedelta(days=31):
            raise Misused(f"{each} ends before it begins, or is longer than a month")
        while day <= end:
            yield day.isoformat()
            day += timedelta(days=1)
