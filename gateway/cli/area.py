"""`hutong area`: functional areas and bodies that have no code of GB/T 2260."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.output import AsJson, emit, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="Functional areas, divisions and regiments, basin and sea bureaus: what has no code of GB/T 2260.",
)

Code = Annotated[
    str, typer.Argument(metavar="CODE", help="Six digits, or two capital letters and four digits for a body without.")
]

_COLUMNS = {"code": "code", "name": "name", "in": "parent", "from": "valid_from", "to": "valid_to"}
"""Heading → field of the answer."""


@app.command("list", epilog="hutong area list --json")
def find(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """List the areas."""
    found = Gateway(url, token, as_json).get("/v1/areas")
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["areas"], empty="No area is registered: hutong area put CODE --title … --parent …")


@app.command("put", epilog="hutong area put 370171 --title 济南高新技术产业开发区 --parent 370100")
def put(
    code: Code,
    title: Annotated[str, typer.Option("--title", help="What it is called.")],
    parent: Annotated[str, typer.Option("--parent", help="The region or area that it lies in; 000000: none.")],
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", metavar="YYYY-MM-DD", help="The first day it was there.")
    ] = None,
    valid_to: Annotated[
        str | None, typer.Option("--valid-to", metavar="YYYY-MM-DD", help="The last day it was there.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Add an area or change it. Documents may name it, platforms be registered for it, and what waited goes out."""
    body = {"title": title, "parent": parent, "valid_from": valid_from, "valid_to": valid_to}
    area = Gateway(url, token, as_json).put(f"/v1/areas/{code}", body)
    if as_json:
        emit(area)
        return
    listing(_COLUMNS, [area], empty="")


@app.command("delete", epilog="hutong area delete 370171")
def delete(code: Code, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Forget an area that no platform and no other area names."""
    Gateway(url, token).delete(f"/v1/areas/{code}")
    say(f"[green]✓[/] {code} is no area any more")
