"""`hutong audit`: what was done, evidence, and whether it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.audit.verify import check_bundle, read_heads
from gateway.cli.output import AsJson, CommandFailed, emit, say
from gateway.ledger.sql.tree_check import check_tree
from gateway.settings import SQLITE

app = typer.Typer(no_args_is_help=True, help="The audit: whether evidence, or a whole ledger, holds.")

_SQLITE = b"SQLite format 3\x00"


@app.callback()
def audit() -> None:
    """Hold the commands."""


@app.command("verify", epilog="hutong audit verify evidence.zip --heads heads.json")
def verify(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A bundle of evidence, a ledger's file, or a ledger's address.")
    ],
    heads: Annotated[
        Path | None,
        typer.Option(
            "--heads",
            exists=True,
            dir_okay=False,
            help="Heads that were kept elsewhere: answers of GET /v1/audit/head, one a line, or as a list.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle of evidence, offline, or a ledger, also while a gateway runs on it.

    The first leaf that is wrong is told first. Only heads that were kept elsewhere show that somebody who has the
    database and the key wrote a new past.
    """
    kept = _heads(heads)
    if "://" in file or _is_ledger(Path(file)):
        report = check_tree(file if "://" in file else f"{SQLITE}{file}", kept)
        wrong, told = list(report.wrong), f"{report.leaves} leaves, {report.heads} heads"
        found = {"leaves": report.leaves, "heads": report.heads, "waiting": report.waiting, "wrong": wrong}
    else:
        wrong = check_bundle(file, kept)
        told, found = "the evidence holds", {"wrong": wrong}
    if as_json:
        emit(found)
    if wrong:
        if as_json:
            raise typer.Exit(1)
        raise CommandFailed("\n".join(wrong), "docs/proof.md says what each of these means")
    if not as_json:
        say(f"[green]✓[/] {told}")


def _heads(file: Path | None) -> list[Any]:
    if file is None:
        return []
    try:
        return read_heads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise CommandFailed(f"{file} has no heads", "keep what GET /v1/audit/head answers, one a line") from None


def _is_ledger(file: Path) -> bool:
    if not file.is_file():
        raise CommandFailed(f"there is no file {file}", "fetch a bundle from GET /v1/messages/{id}/evidence")
    with file.open("rb") as content:
        return content.read(len(_SQLITE)) == _SQLITE
