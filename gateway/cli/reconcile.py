"""`hutong reconcile`: what was exchanged with a platform on a day, its own list beside it, and what it lacks again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.output import AsJson, CommandFailed, Misused, emit, errors, facts, listing, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

EXAMPLE = "hutong reconcile --platform penalty.330000 --day 2026-11-28 --list received.csv --resend --reason 平台未收到"

_PATH = "/v1/reconciliation"
_PIECE = 256 * 1024
_SHOWN = 20
"""Documents of each sort that are named here; --json has more."""

_SORTS = {
    "missing": "the gateway has it, the list does not",
    "unknown": "the list has it, the gateway does not",
    "different": "both have it, with other digests",
    "other_day": "listed, and exchanged on another day",
    "undelivered": "listed, and no acceptance is recorded yet",
    "twice": "listed more than once",
    "resent": "not listed, and sent again already",
}
_COLUMNS = {"id": "id", "type": "type", "at": "at", "state": "state", "digest": "digest", "listed": "listed"}


def reconcile(
    platform: Annotated[str, typer.Option("--platform", metavar="ID", help="The platform, as penalty.330000.")],
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="A day in the gateway's zone: 2026-11-28.")],
    list_file: Annotated[
        Path | None,
        typer.Option(
            "--list", metavar="FILE", help="The platform's own list: .csv with a column id (and digest), else NDJSON."
        ),
    ] = None,
    direction: Annotated[
        str,
        typer.Option("--direction", help="delivered: gateway to platform; accepted: platform to gateway."),
    ] = "delivered",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="When the list was made: what came later is not missed."),
    ] = None,
    resend: Annotated[bool, typer.Option("--resend", help="Send again exactly what the list lacks, once.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why it is sent again; kept for good.")] = "",
    stale_ok: Annotated[
        bool, typer.Option("--stale-ok", help="Also what its lane has moved on from: as when a whole day is missing.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Count what was exchanged with a platform on a day; with its own list, tell what either side lacks.

    A line of the list is the id of a delivery (the Idempotency-Key it came under), or with --direction accepted of a
    message, or the key that the platform sent it under; and the SHA-256 of the body, if wanted. The last line ends
    with a line feed, too. Exit code 1: the two sides differ. See docs/reconciliation.md.
    """
    gateway = Gateway(url, token, as_json)
    asked = {"platform": platform, "day": day}
    if list_file is None:
        if resend:
            raise Misused("without a list nothing is missing", "give the platform's own list: --list FILE")
        said = gateway.get(_PATH, **asked)
        if as_json:
            emit(said)
        else:
            _show_day(said)
        return
    if resend and not reason.strip():
        raise Misused("why is it sent again?", "say it with --reason; it is kept for good")
    found = _compared(gateway, list_file, {**asked, "direction": direction, "as_of": as_of})
    answer: dict[str, Any] = {"reconciliation": found}
    if not as_json:
        _show(found)
    if resend and found["missing"]:
        order = {"reconciliation_id": found["id"], "reason": reason, "stale_ok": stale_ok}
        answer["replay"] = gateway.post(f"{_PATH}/resend", order)
        if not as_json:
            say(f"{answer['replay']['total']} are sent again: GET /v1/replays/{found['id']} tells how far it has come")
    if as_json:
        emit(answer)
    if any(found["counts"][sort] for sort in _SORTS if sort != "resent"):
        raise typer.Exit(1)


def _compared(gateway: Gateway, file: Path, asked: dict[str, str | None]) -> Any:
    kind = "text/csv" if file.suffix.lower() == ".csv" else "application/x-ndjson"
    query = {name: value for name, value in asked.items() if value is not None}
    try:
        headers = {"Content-Type": kind, "Content-Length": str(file.stat().st_size)}
        return gateway.upload(_PATH, _pieces(file), headers, **query)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", "check its path") from None


def _pieces(file: Path) -> Iterator[bytes]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with file.open("rb") as content, Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("list", total=file.stat().st_size)
        while piece := content.read(_PIECE):
            yield piece
            progress.advance(task, len(piece))


def _show_day(said: dict[str, Any]) -> None:
    facts([("platform", said["platform"]), ("from", said["since"]), ("until", said["until"])])
    rows = [
        [direction, one["type"] or "all", one["count"], one["digest"]]
        for direction in ("delivered", "accepted")
        for one in ({"type": "", **said[direction]}, *said[direction]["types"])
    ]
    table(["direction", "type", "count", "digest"], rows, empty="Nothing.")


def _show(found: dict[str, Any]) -> None:
    unsound = None if found["sound"] else "empty or of another day: nothing is sent again by this list"
    facts([("reconciliation", found["id"]), ("lines", found["listed"]), ("equal", found["counts"]["equal"])])
    if unsound:
        say(f"[yellow]{unsound}[/]")
    for sort, meaning in _SORTS.items():
        count = found["counts"][sort]
        if count:
            listing(_COLUMNS, found[sort][:_SHOWN], empty="", title=f"{sort}: {count} ({meaning})")
    if not any(found["counts"][sort] for sort in _SORTS):
        say("[green]both sides have the same[/]")
