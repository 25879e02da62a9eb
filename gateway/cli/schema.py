"""`hutong schemas`: the published schemas of the canonical documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import AsJson, CommandFailed, emit, say
from schemas import publish
from schemas.documents import MODELS

app = typer.Typer(no_args_is_help=True, help="The canonical documents' JSON Schemas.")

_HERE = Path("schemas/published")


@app.command("export", epilog="hutong schemas export --to /tmp/schemas")
def export(
    to: Annotated[Path, typer.Option("--to", help="The folder to write; made when it is not there.")] = _HERE,
    as_json: AsJson = False,
) -> None:
    """Write the JSON Schema of every document, one file a version."""
    try:
        written = publish.export(to)
    except OSError as error:
        raise CommandFailed(f"{to} cannot be written: {error.strerror}", "name another folder with --to") from None
    if as_json:
        emit({"written": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))


@app.command("list", epilog="hutong schemas list")
def find(as_json: AsJson = False) -> None:
    """List the documents and their versions."""
    names = list(MODELS)
    if as_json:
        emit({"documents": names})
        return
    for name in names:
        say(f"{name:<24} {MODELS[name].TITLE}")
