"""`hutong assessment`: what the checks of case files came to, and checking again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from gateway.cli import moments
from gateway.cli.output import AsJson, Misused, emit, errors, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="What the checks of case files came to: met, missed, not-applicable or unknown, with what shows it."
    "\n\n案卷评查：a finding is about a file, never a verdict about a person.",
)

_COLUMNS = {
    "since": "at", "case": "case_number", "region": "region", "rule": "rule", "result": "result", "": "said",
    "article": "article", "shown by": "evidence", "answer": "answer",
}  # fmt: skip
"""Heading → field of the answer."""

_POLL_SECONDS = 0.3

Case = Annotated[str | None, typer.Option("--case", help="One case: any number that a platform gave it.")]
InRegion = Annotated[str | None, typer.Option("--region", help="A region and all that lies in it, as 330100.")]


@app.command("list", epilog="hutong assessment list --region 330100 --result missed")
def find(
    case: Case = None,
    region: InRegion = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this check, as officers.two.")] = None,
    result: Annotated[str | None, typer.Option("--result", help="Only met, missed, not-applicable or unknown.")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List findings, those that became so last first. Each says what was looked at and which messages show it."""
    named = {"case_number": case, "region": region, "rule": rule, "result": result}
    found = Gateway(url, token, as_json).get("/v1/assessments", **named, cursor=cursor, limit=limit)
    if as_json:
        emit(found)
        return
    rows = [{**each, "answer": (each["answered"] or {}).get("answer")} for each in found["findings"]]
    listing(_COLUMNS, rows, empty="No findings: cases are assessed when they change, or by `hutong assessment run`.")
    if found["cursor"]:
        say(f"[dim]more: --cursor {found['cursor']}[/]")


@app.command("run", epilog='hutong assessment run --region 330100 --period 2026-03 --reason "季度评查"')
def run(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    case: Case = None,
    platform: Annotated[
        str | None, typer.Option("--platform", help="Whose number --case is, where several cases have it.")
    ] = None,
    region: InRegion = None,
    period: Annotated[str | None, typer.Option("--period", help="A year or a month: 2026 or 2026-03.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Instead of --period: from then on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="With --since: before then; else until now.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Assess one case, or the cases of a region of which something came in a time, and wait until it is done.

    The gateway does it: Ctrl-C only ends the waiting. Findings that changed go to the platforms of their case.
    """
    if (case is None) is (period is None and since is None):
        raise Misused("name a case with --case, or a time with --period or --since", "hutong assessment run --help")
    wanted = {
        "case_number": case,
        "platform": platform,
        "region": region,
        "period": period,
        "since": moments.given(since),
        "until": moments.given(until),
    }
    order = {name: value for name, value in wanted.items() if value is not None}
    follow(Gateway(url, token, as_json), {**order, "reason": reason}, as_json)


def follow(gateway: Gateway, order: Any, as_json: bool, pause: Callable[[float], None] = time.sleep) -> None:
    """Have something assessed, and show how far it has come until it is done."""
    found = gateway.post("/v1/assessments", order)
    columns = (TextColumn("评查 · assessing"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json) as bar:
        task = bar.add_task("", total=1.0)
        while not found["finished_at"]:
            bar.update(task, completed=found["progress"])
            pause(_POLL_SECONDS)
            found = gateway.get(f"/v1/assessments/{found['id']}")
        bar.update(task, completed=1.0)
    if as_json:
        emit(found)
        return
    say(f"{found['cases']} cases assessed, {found['changed']} findings changed; `hutong assessment list` shows them")
