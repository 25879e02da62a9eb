"""`hutong dead`: deliveries that the gateway gave up; each blocks its lane until it is replayed or discarded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli import moments
from gateway.cli.output import AsJson, Misused, emit, errors, facts, listing, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="Deliveries that were given up. Each parks its lane until it is replayed or discarded, with a reason.",
)

DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id; see `hutong dead list`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]

_POLL_SECONDS = 0.3

_COLUMNS = {
    "since": "changed_at",
    "delivery": "id",
    "to": "platform",
    "lane": "lane",
    "attempts": "attempts",
    "code": "code",
    "reason": "reason",
}
_TRY_COLUMNS = {
    "#": "number",
    "at": "started_at",
    "verdict": "verdict",
    "HTTP": "status",
    "code": "code",
    "reason": "reason",
    "reply": "reply",
}
"""Heading → field of the answer."""

_COUNT_COLUMNS = {"to": "platform", "type": "type", "code": "code", "count": "count"}

_WHY = " (a later one of their lane is there, they are being replayed already, or they stand otherwise by now)"


OnlyTo = Annotated[str | None, typer.Option("--platform", help="Only to this platform.")]
OnlyType = Annotated[str | None, typer.Option("--type", help="Only this message type.")]
OnlyCode = Annotated[str | None, typer.Option("--code", help="Only those that ended with this code.")]


@app.command("list", epilog="hutong dead list --platform penalty.330000 --code http.500")
def find(
    platform: OnlyTo = None,
    message_type: OnlyType = None,
    code: OnlyCode = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List dead deliveries, newest first."""
    gateway = Gateway(url, token, as_json)
    wanted = {"platform": platform, "type": message_type, "code": code}
    found = gateway.get("/v1/deliveries", state="dead", **wanted, cursor=cursor, limit=limit)
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["deliveries"], empty="Nothing is dead.")
    if found["cursor"]:
        say(f"[dim]more: --cursor {found['cursor']}[/]")


@app.command("show", epilog="hutong dead show 0199f1c2-7c3a-7e55-a7c1-6a1f0c2d3e44")
def show(delivery_id: DeliveryId, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Show a delivery with every attempt and what the platform replied."""
    found = Gateway(url, token, as_json).get(f"/v1/deliveries/{delivery_id}")
    if as_json:
        emit(found)
        return
    names = ("id", "message_id", "type", "platform", "lane", "state", "held_by", "reference", "code", "reason")
    facts((name, found[name]) for name in names)
    tries = [{**one, "reply": (one["reply"] or "")[:120]} for one in found["tries"]]
    listing(_TRY_COLUMNS, tries, empty="It was never tried.", title="attempts")


@app.command("replay", epilog='hutong dead replay --all --platform penalty.330000 --reason "platform repaired"')
def replay(
    reason: Reason,
    delivery_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One delivery, or --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead delivery the options find.")] = False,
    platform: Annotated[str | None, typer.Option("--platform", help="With --all: only to this platform.")] = None,
    message_type: Annotated[str | None, typer.Option("--type", help="With --all: only this message type.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="With --all: only those that ended with it.")] = None,
    state: Annotated[str, typer.Option("--state", help="With --all: dead, refused or delivered.")] = "dead",
    since: Annotated[str | None, typer.Option("--since", help="With --all: made then or later.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="With --all: made before then.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --all: only tell what would be replayed.")] = False,
    stale_ok: Annotated[
        bool, typer.Option("--stale-ok", help="Even though a later one of its lane was delivered or is being sent.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """重新投递 · Replay: the same delivery and key, at its position in its lane. Ctrl-C cancels the rest of --all."""
    gateway = Gateway(url, token, as_json)
    if everything == (delivery_id is not None):
        raise Misused("name one delivery, or pass --all", "hutong dead list shows their ids")
    named = {"platform": platform, "type": message_type, "code": code}
    named |= {"since": moments.given(since), "until": moments.given(until)}
    if delivery_id is None:
        wanted = {"filter": {"state": state, **named}, "reason": reason, "stale_ok": stale_ok, "dry_run": dry_run}
        replay_in_bulk(gateway, wanted, as_json)
        return
    if dry_run or any(named.values()):
        raise Misused("--dry-run and the filters go with --all", "leave them out, or pass --all instead of an ID")
    again = gateway.post(f"/v1/deliveries/{delivery_id}/replay", {"reason": reason, "stale_ok": stale_ok})
    _settled(again, as_json)


@app.command("discard", epilog='hutong dead discard ID --reason "sent by hand, number 2026-031"')
def discard(
    delivery_id: DeliveryId, reason: Reason, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False
) -> None:
    """Give a delivery up for good; its lane moves on."""
    _settled(Gateway(url, token, as_json).post(f"/v1/deliveries/{delivery_id}/discard", {"reason": reason}), as_json)


def _settled(delivery: Any, as_json: bool) -> None:
    if as_json:
        emit(delivery)
        return
    table(
        ["delivery", "to", "state"],
        [[delivery["id"], delivery["platform"], delivery["state"]]],
        empty="Nothing changed.",
    )


def replay_in_bulk(gateway: Gateway, wanted: Any, as_json: bool, pause: Callable[[float], None] = time.sleep) -> None:
    """Ask for a bulk replay, show how far it has come, and cancel it when the user interrupts."""
    progress = gateway.post("/v1/replays", wanted)
    if not wanted["dry_run"]:
        progress = _followed(gateway, progress, as_json, pause)
    if as_json:
        emit(progress)
    else:
        _sum_up(progress)
    if not progress["dry_run"] and (progress["skipped"] or progress["cancelled_at"]):
        raise typer.Exit(1)


def _followed(gateway: Gateway, progress: Any, as_json: bool, pause: Callable[[float], None]) -> Any:
    columns = (TextColumn("重新投递 · replaying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json) as bar:
        task = bar.add_task("", total=None)
        try:
            while not (progress["finished_at"] or progress["cancelled_at"]):
                _advance(bar, task, progress)
                pause(_POLL_SECONDS)
                progress = gateway.get(f"/v1/replays/{progress['id']}")
        except KeyboardInterrupt:
            # The gateway does the replaying, not this command: it goes on unless it is told to stop.
            cancelled = {"reason": "已在命令行取消 · cancelled on the command line"}
            progress = gateway.post(f"/v1/replays/{progress['id']}/cancel", cancelled)
        _advance(bar, task, progress)
    return progress


def _advance(bar: Progress, task: Any, progress: Any) -> None:
    done = progress["replayed"] + progress["skipped"]
    bar.update(task, completed=done, total=max(progress["total"], done))


def _sum_up(progress: Any) -> None:
    listing(_COUNT_COLUMNS, progress["counts"], empty="Nothing was found to replay.")
    if progress["dry_run"]:
        say(f"would replay {progress['total'] - progress['skipped']}, and skip {progress['skipped']}{_WHY}")
        return
    if progress["cancelled_at"]:
        say("[yellow]cancelled[/]: what was replayed stays replayed")
    say(f"{progress['replayed']} replayed, {progress['skipped']} skipped{_WHY if progress['skipped'] else ''}")
