"""`hutong people`: who works with the gateway, and what each may do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from gateway.access import hash_token, new_token
from gateway.access.administrator import write_privately
from gateway.cli import moments
from gateway.cli.output import AsJson, CommandFailed, emit, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="People, each with a token and roles: viewer, body-reader, operator, author, approver, auditor, admin.",
)

PersonId = Annotated[str, typer.Argument(metavar="ID", help="As what this person does is recorded, such as wang-wei.")]

_TIMES = ("created_at", "expires_at", "removed_at")


@app.command("add", epilog='hutong people add wang-wei --name "王伟" --role operator --role body-reader')
def add(
    person_id: PersonId,
    name: Annotated[str, typer.Option("--name", help="The person's name.")],
    roles: Annotated[list[str], typer.Option("--role", help="What they may do; may be given several times.")],
    expires: Annotated[
        str | None, typer.Option("--expires", help="From then on the token opens nothing (ISO 8601); else never.")
    ] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option("--region", help="A region they work for, with all that lies in it; repeatable; else all."),
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Give somebody a token of their own. It is shown this once."""
    until = moments.given(expires)
    order = {"id": person_id, "name": name, "roles": roles, "regions": regions or [], "expires_at": until}
    joined = Gateway(url, token, as_json).post("/v1/people", order)
    if as_json:
        emit(joined)
        return
    say(joined["token"])
    say(f"  [dim]shown this once; {person_id} exports it as[/] HUTONG_ADMIN_TOKEN")


@app.command("list", epilog="hutong people list --json")
def find(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """List everybody with their roles, those who were removed too."""
    found = Gateway(url, token, as_json).get("/v1/people")
    if as_json:
        emit(found)
        return
    table(
        ["id", "name", "roles", "regions", "since", "expires", "removed"],
        [
            [one["id"], one["name"], one["roles"], one["regions"], *(moments.shown(one[at]) for at in _TIMES)]
            for one in found["people"]
        ],
        empty="Nobody yet: hutong people add ID --name NAME --role operator",
    )


@app.command("emergency", epilog="hutong people emergency --file /etc/hutong/emergency")
def emergency(
    file: Annotated[
        Path | None, typer.Option("--file", help="Write the hash there, for its owner alone; else it is printed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an emergency token, which the gateway knows by its hash alone, and of whose every use it raises an alarm.

    It may do everything, and is for the day when nobody else gets in: print it, seal it, and keep it outside. Asks no
    gateway: set HUTONG_EMERGENCY_TOKEN_HASH, or HUTONG_EMERGENCY_TOKEN_FILE, and restart.
    """
    made = new_token()
    digest = hash_token(made)
    if file is not None:
        try:
            write_privately(file, digest)
        except OSError as error:
            raise CommandFailed(f"{file} cannot be written: {error.strerror}", "choose another folder") from None
    if as_json:
        emit({"token": made, "hash": digest, "file": None if file is None else str(file)})
        return
    say(made)
    say("  [dim]shown this once: print it, seal it, and keep it outside[/]")
    setting = f"HUTONG_EMERGENCY_TOKEN_HASH={digest}" if file is None else f"HUTONG_EMERGENCY_TOKEN_FILE={file}"
    say(f"  [dim]the gateway knows it by[/] {setting}")


@app.command("remove", epilog="hutong people remove wang-wei")
def remove(person_id: PersonId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Have somebody's token open nothing any more. What they did stays theirs."""
    Gateway(url, token).delete(f"/v1/people/{quote(person_id, safe='')}")
    say(f"[green]✓[/] {person_id}'s token opens nothing any more")
