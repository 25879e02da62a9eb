"""`hutong unwanted`: kinds of platforms that a region does not have, so that nothing unrouted alarms for them."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.output import AsJson, emit, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="Kinds of platforms that a region does not have. What waits for one is kept, and shown as unwanted.",
)

Kind = Annotated[str, typer.Argument(metavar="KIND", help="A kind of platform, such as credit-publicity.")]
Region = Annotated[str, typer.Argument(metavar="REGION", help="A GB/T 2260 code; what lies in it is meant too.")]

_COLUMNS = {"kind": "kind", "region": "region", "": "region_name", "since": "at", "reason": "reason"}
"""Heading → field of the answer."""


@app.command("list", epilog="hutong unwanted list --json")
def find(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """List what was declared."""
    found = Gateway(url, token, as_json).get("/v1/unwanted")
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["unwanted"], empty="Every region is taken to have every kind of platform.")


@app.command("declare", epilog='hutong unwanted declare credit-publicity 330000 --reason "published by the ministry"')
def declare(
    kind: Kind,
    region: Region,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded, and shown on each delivery.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Declare that a region has no platform of a kind. Nothing is dropped: one that is registered gets it all."""
    declared = Gateway(url, token, as_json).put(f"/v1/unwanted/{kind}/{region}", {"reason": reason})
    if as_json:
        emit(declared)
        return
    listing(_COLUMNS, [declared], empty="")


@app.command("withdraw", epilog="hutong unwanted withdraw credit-publicity 330000")
def withdraw(
    kind: Kind,
    region: Region,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Withdraw a declaration: what waits for such a platform counts as unrouted again."""
    Gateway(url, token).delete(f"/v1/unwanted/{kind}/{region}", reason=reason)
    say(f"[green]✓[/] {kind} {region}: what waits for one counts as unrouted again")
