"""`hutong approval`: changes that wait for a second person."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from gateway.cli.output import AsJson, emit, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="Changes that wait for a second person, where HUTONG_FOUR_EYES asks for one.",
)

ApprovalId = Annotated[str, typer.Argument(metavar="ID", help="As it was answered, and as the list tells it.")]

_COLUMNS = {
    "id": "id",
    "kind": "kind",
    "subject": "subject",
    "state": "state",
    "asked by": "asked_by",
    "reason": "reason",
    "decided by": "decided_by",
}


@app.command("list", epilog="hutong approval list --state pending")
def find(
    state: Annotated[
        str | None, typer.Option("--state", help="pending, expired, approved, rejected, done or failed; else all.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List what waits for a second person, and what was decided."""
    found = Gateway(url, token, as_json).get("/v1/approvals", state=state)
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["approvals"], empty="Nothing waits for approval.")


@app.command("approve", epilog="hutong approval approve 01JD…")
def approve(approval_id: ApprovalId, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Do what somebody else asked for; it happens once, and not at all when what it is about has changed since."""
    done = Gateway(url, token, as_json).post(f"/v1/approvals/{quote(approval_id, safe='')}/approve")
    if as_json:
        emit(done)
        return
    say(f"[green]✓[/] {done['kind']} of {done['subject']}: {done['state']}, asked for by {done['asked_by']}")


@app.command("reject", epilog='hutong approval reject 01JD… --reason "地址有误"')
def reject(
    approval_id: ApprovalId,
    reason: Annotated[str, typer.Option("--reason", help="Why not; kept for good.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Have it not done."""
    done = Gateway(url, token, as_json).post(f"/v1/approvals/{quote(approval_id, safe='')}/reject", {"reason": reason})
    if as_json:
        emit(done)
        return
    say(f"[green]✓[/] {done['kind']} of {done['subject']} is rejected")
