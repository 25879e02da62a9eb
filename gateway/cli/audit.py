"""`hutong audit`: what was done, evidence, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from gateway.audit.bundle import check_bundle, key_of, not_proved, stamped
from gateway.audit.signing import SigningKey
from gateway.audit.stamps import read_roots
from gateway.audit.verify import read_heads
from gateway.bootstrap import keys_of
from gateway.cli.output import AsJson, CommandFailed, emit, say
from gateway.ledger.sql.tree_check import check_tree
from gateway.settings import SQLITE, Settings

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
    key_id: Annotated[
        list[str] | None,
        typer.Option(
            "--key-id",
            metavar="ID",
            help="The id of a key that is trusted, as it was published; repeatable. Without it a ledger is checked "
            "against the signing key beside it (or HUTONG_SIGNING_KEY), where that is there.",
        ),
    ] = None,
    tsa_ca: Annotated[
        Path | None,
        typer.Option(
            "--tsa-ca",
            exists=True,
            dir_okay=False,
            help="Certificates (PEM) by which time-stamps are believed; without them they are not verified.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle of evidence, offline, or a ledger, also while a gateway runs on it.

    The first leaf that is wrong is told first. Without the ids of the keys that are trusted, who has the database can
    sign a past of his own; only heads that were kept elsewhere show a new past that the right key signed.
    """
    kept, trusted, roots = _heads(heads), key_id or [], _roots(tsa_ca)
    if "://" in file or _is_ledger(Path(file)):
        url = file if "://" in file else f"{SQLITE}{file}"
        trusted = trusted or _own_key(url)
        report = check_tree(url, kept, key_ids=trusted, keys=keys_of(Settings()), roots=roots)
        wrong, found = list(report.wrong), asdict(report)
        told = [f"{report.leaves} leaves, {report.heads} heads, keys: {', '.join(report.keys) or 'none'}"]
        if roots:
            told.append(f"{report.stamps} heads are stamped, the newest at {report.stamped or '-'}")
        if report.pruned:
            told.append(f"{report.pruned} messages were pruned, as the ledger says; {report.gone} with a leaf are gone")
        if report.before:
            told.append(
                f"not proved: {report.before} messages, entries or attempts that say they are older than the tree"
            )
    else:
        wrong = check_bundle(file, kept, trusted, roots)
        told, found = [], {"wrong": wrong}
        if not wrong:
            stamps = stamped(file) if roots else []
            told = [f"the evidence holds, signed with the key {key_of(file)}", *stamps, *not_proved(file)]
            found |= {"key": key_of(file), "not_proved": not_proved(file), "stamped": stamps}
    if not trusted:
        told.append("no key was given as trusted: compare the key's id with the one that was published (--key-id)")
    if as_json:
        emit(found)
    if wrong:
        if as_json:
            raise typer.Exit(1)
        raise CommandFailed("\n".join(wrong), "docs/proof.md says what each of these means")
    if not as_json:
        say("[green]✓[/] " + "\n".join(told))


def _own_key(url: str) -> list[str]:
    """Give the id of the gateway's own key where its file is here; none is made."""
    settings = Settings()
    beside = Path(f"{url.removeprefix(SQLITE)}.signing-key") if url.startswith(SQLITE) else settings.signing_key_file
    file = settings.signing_key_file if settings.signing_key or settings.ledger == url else beside
    try:
        return [SigningKey.read(file.read_text(encoding="ascii").strip()).id]
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise CommandFailed(f"{file} has no signing key that can be read", "give the key's id as --key-id") from None


def _heads(file: Path | None) -> list[Any]:
    if file is None:
        return []
    try:
        return read_heads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise CommandFailed(f"{file} has no heads", "keep what GET /v1/audit/head answers, one a line") from None


def _roots(file: Path | None) -> Sequence[Any]:
    try:
        return read_roots(file.read_bytes()) if file is not None else ()
    except ValueError:
        raise CommandFailed(f"{file} has no certificates", "give the authority's certificates as PEM") from None


def _is_ledger(file: Path) -> bool:
    if not file.is_file():
        raise CommandFailed(f"there is no file {file}", "fetch a bundle from GET /v1/messages/{id}/evidence")
    with file.open("rb") as content:
        return content.read(len(_SQLITE)) == _SQLITE
