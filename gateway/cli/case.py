"""`hutong case`: a case across all systems, with its statutory deadlines."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli import moments
from gateway.cli.output import AsJson, emit, facts, listing, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(no_args_is_help=True, help="Cases across all systems, with their statutory deadlines.")

_CLOCKS = {
    "rule": "rule", "": "title", "about": "about", "since": "started_at", "due": "due_at", "state": "state",
    "ended": "ended_at", "days left": "days_left", "article": "article",
}  # fmt: skip
_TIMELINE = {"at": "at", "who": "actor", "what": "action", "reason": "reason"}
"""Heading → field of the answer."""


@app.callback()
def cases() -> None:
    """Hold the commands."""


@app.command("show", epilog="hutong case show 浙杭环立〔2026〕1号")
def show(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Any number that a platform gave the case.")],
    platform: Annotated[
        str | None, typer.Option("--platform", help="Whose number it is, where several cases have it.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Show a case: its documents and where they went, its timeline, and each deadline with its article."""
    found = Gateway(url, token, as_json).get(f"/v1/cases/{quote(number, safe='')}", platform=platform)
    if as_json:
        emit(found)
        return
    facts(
        [
            ("case_number", found["case_number"]),
            ("correlation_id", found["correlation_id"]),
            *(("named by", f"{one['platform']} {one['field']}") for one in found["named_by"]),
            *(() if found["complete"] else [("incomplete", "too many documents: the oldest are not shown")]),
        ]
    )
    table(
        ["received", "type", "from", "to", "state", "reference"],
        [
            [
                moments.shown(document["received_at"]),
                document["type"],
                document["source"],
                to["platform"] or f"{to['kind']} (nobody yet)",
                to["state"],
                to["reference"],
            ]
            for document in found["documents"]
            for to in document["deliveries"] or [_NOWHERE]
        ],
        empty="No documents.",
        title="documents",
    )
    listing(_TIMELINE, found["timeline"], empty="Nothing happened yet.", title="timeline")
    listing(_CLOCKS, found["clocks"], empty="No statutory deadline started.", title="deadlines")


_NOWHERE = {"platform": "-", "state": None, "reference": None}
"""What is shown of a document that went nowhere."""
