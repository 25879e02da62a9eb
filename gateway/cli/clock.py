"""`hutong clock`: the statutory deadlines of all cases."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.output import AsJson, emit, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(no_args_is_help=True, help="Statutory deadlines of all cases: which run out, which were missed.")

_COLUMNS = {
    "due": "due_at", "days left": "days_left", "state": "state", "case": "case_number", "": "title", "about": "about",
    "region": "region", "rule": "rule", "article": "article",
}  # fmt: skip
"""Heading → field of the answer."""


@app.callback()
def clocks() -> None:
    """Hold the commands."""


@app.command("list", epilog="hutong clock list --state lapsing --region 330100")
def find(
    state: Annotated[
        str | None,
        typer.Option("--state", help="running, lapsing (near its last day), missed, stopped, unknown or met."),
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Of this region and all that lies in it.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="Due on this day or before.")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List deadlines, what ends first first; `hutong case show` tells the whole case."""
    gateway = Gateway(url, token, as_json)
    found = gateway.get("/v1/clocks", state=state, region=region, until=until, cursor=cursor, limit=limit)
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["clocks"], empty="No such deadline.")
    if found["cursor"]:
        say(f"[dim]more: --cursor {found['cursor']}[/]")
