"""`hutong dead`: deliveries that the gateway gave up; each blocks its lane until it is replayed or discarded."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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


@app.command("list", epilog="hutong dead list --platform penalty.330000")
def find(
    platform: Annotated[str | None, typer.Option("--platform", help="Only to this platform.")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List dead deliveries, newest first."""
    gateway = Gateway(url, token, as_json)
    found = gateway.get("/v1/deliveries", state="dead", platform=platform, cursor=cursor, limit=limit)
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
    state: Annotated[str, typer.Option("--state", help="With --all: dead, refused or delivered.")] = "dead",
    stale_ok: Annotated[
        bool, typer.Option("--stale-ok", help="Even though a later one of its lane was delivered.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Send again: the same delivery and key, at its position in its lane."""
    gateway = Gateway(url, token, as_json)
    if everything == (delivery_id is not None):
        raise Misused("name one delivery, or pass --all", "hutong dead list shows their ids")
    if delivery_id is None:
        wanted = {"filter": {"state": state, "platform": platform}, "reason": reason, "stale_ok": stale_ok}
        _replay_in_bulk(gateway, wanted, as_json)
        return
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


def _replay_in_bulk(gateway: Gateway, wanted: Any, as_json: bool) -> None:
    progress = gateway.post("/v1/replays", wanted)
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json) as bar:
        task = bar.add_task("replaying", total=None)
        while not progress["finished_at"]:
            _advance(bar, task, progress)
            time.sleep(_POLL_SECONDS)
            progress = gateway.get(f"/v1/replays/{progress['id']}")
        _advance(bar, task, progress)
    if as_json:
        emit(progress)
    else:
        say(f"{progress['replayed']} replayed, {progress['failed']} could not be (their lane moved on)")
    if progress["failed"]:
        raise typer.Exit(1)


def _advance(bar: Progress, task: Any, progress: Any) -> None:
    done = progress["replayed"] + progress["failed"]
    bar.update(task, completed=done, total=max(progress["total"], done))
