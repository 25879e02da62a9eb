"""`hutong ledger`: what the ledger keeps, what it lets go of when it is old enough, and where it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from msgspec import to_builtins
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.bootstrap import keys_of, open_ledger, retention_of
from gateway.cli import copying
from gateway.cli.configuration import settings_here
from gateway.cli.output import AsJson, emit, errors, listing, say
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url
from gateway.clock import system_clock
from gateway.errors import Unavailable
from gateway.ledger.base import Ledger
from gateway.settings import SQLITE, Settings

app = typer.Typer(no_args_is_help=True, help="The ledger: what it keeps, what it lets go of, and where.")
app.command("migrate", epilog=copying.MIGRATE_EXAMPLE)(copying.migrate)
app.command("copy", epilog=copying.COPY_EXAMPLE)(copying.copy)
app.command("verify", epilog=copying.VERIFY_EXAMPLE)(copying.verify)

ACTOR = "command line"
"""Under which pruning is recorded that no gateway did."""

STRETCH = 500

_COLUMNS = {"what": "what", "type": "type", "count": "count", "bytes": "size", "until": "until"}
_PRUNING_COLUMNS = {"day": "day", "by": "actor", **_COLUMNS, "last": "at"}
"""Heading → field of the answer."""


@app.command("prune", epilog="hutong ledger prune --dry-run")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go, by type.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """清除到期数据 · Let go of what is older than it has to be kept. Ctrl-C ends it after the step under way.

    A running gateway does it by itself, and is asked to; where none runs, the ledger's own file is opened.
    """
    with Progress(
        TextColumn("清除 · pruning"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=errors, disable=as_json,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)

        def tell(sums: Mapping[Any, Any], done: int | None, total: int | None) -> None:
            counted = sum(one["count"] for one in sums.values())
            bar.update(task, description=f"{counted}", completed=done or 0, total=total)

        found, interrupted = _pruned(_here(Gateway(url, token, as_json)), dry_run, tell)
    if as_json:
        emit({"dry_run": dry_run, "interrupted": interrupted, "pruned": found})
    else:
        listing(_COLUMNS, found, empty="Nothing is old enough to go.")
        if interrupted:
            say("[yellow]interrupted[/]: what went is gone and recorded; the rest goes on later")
    if interrupted:
        raise typer.Exit(1)


@app.command("prunings", epilog="hutong ledger prunings --limit 10")
def prunings(
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Show what was pruned: which type, until when, how many, by whom; and how long everything is kept."""
    found = Gateway(url, token, as_json).get("/v1/retention", cursor=cursor, limit=limit)
    if as_json:
        emit(found)
        return
    say(f"messages are kept for {found['messages_days']} days, their bodies for {found['bodies_days']}")
    for type, days in found["types_days"].items():
        say(f"{type} for {days}")
    listing(_PRUNING_COLUMNS, found["prunings"], empty="Nothing was pruned yet.")
    if found["cursor"]:
        say(f"[dim]more: --cursor {found['cursor']}[/]")


# ── a gateway, or the file ────────────────────────────────────────────────────────────────────
class _Ledger(Protocol):
    """What can be asked of a ledger, wherever it is: answers as REST gives them."""

    def step(self) -> Any: ...
    def prunable(self, cursor: str | None) -> Any: ...
    def close(self) -> None: ...


class _Remote:
    """The ledger of a running gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def step(self) -> Any:
        """Let it take a step."""
        return self._gateway.post("/v1/retention/prune")

    def prunable(self, cursor: str | None) -> Any:
        """Ask what would go."""
        return self._gateway.get("/v1/retention/prunable", cursor=cursor)

    def close(self) -> None:
        """Nothing was opened."""


class _File:
    """A ledger that nobody runs: its own time stands still, for nobody sees any pass."""

    def __init__(self, settings: Settings) -> None:
        self._runner = asyncio.Runner()
        self._retention = retention_of(settings)
        self._ledger: Ledger = open_ledger(settings, keys=keys_of(settings))
        try:
            self._runner.run(self._ledger.start())
        except BaseException:
            self._runner.close()
            raise

    def step(self) -> Any:
        """Take a step."""
        return to_builtins(self._runner.run(self._ledger.prune(self._retention, ACTOR, system_clock(), limit=100)))

    def prunable(self, cursor: str | None) -> Any:
        """Tell what would go."""
        return to_builtins(self._runner.run(self._ledger.prunable(self._retention, cursor, STRETCH)))

    def close(self) -> None:
        """Close the file."""
        self._runner.run(self._ledger.stop())
        self._runner.close()


def _here(gateway: Gateway) -> _Ledger:
    """Give the ledger that the settings name, from its file where no gateway has it; else that of the gateway."""
    if gateway.url == DEFAULT_URL:  # who named a gateway meant that one, and not a file that happens to be here
        settings = settings_here()
        if Path(settings.ledger.removeprefix(SQLITE)).is_file():
            try:
                opened = _File(settings)
            except Unavailable as error:
                if error.code != "ledger.in-use":
                    raise
            else:
                errors.print(f"[dim]{settings.ledger}: no gateway has it open[/]", highlight=False)
                return opened
    return _Remote(gateway)


def _pruned(
    ledger: _Ledger, dry_run: bool, tell: Callable[[Mapping[Any, Any], int | None, int | None], None]
) -> tuple[list[Any], bool]:
    """Count or prune until there is no more; gives the sums, and whether the user interrupted it."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    interrupted = False
    try:
        for found, done, total in _counted(ledger) if dry_run else _steps(ledger):
            for one in found:
                _add(sums, one)
            tell(sums, done, total)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        ledger.close()
    return [sums[key] for key in sorted(sums)], interrupted


def _counted(ledger: _Ledger) -> Iterator[tuple[list[Any], int | None, int | None]]:
    cursor = None
    while True:
        found = ledger.prunable(cursor)
        yield found["would"], found["done"], found["total"]
        cursor = found["cursor"]
        if cursor is None:
            return


def _steps(ledger: _Ledger) -> Iterator[tuple[list[Any], int | None, int | None]]:
    more = True
    while more:
        step = ledger.step()
        yield step["pruned"], None, None
        more = step["more"]


def _add(sums: dict[tuple[str, str], dict[str, Any]], one: Mapping[str, Any]) -> None:
    known = sums.get((one["what"], one["type"]))
    if known is None:
        sums[one["what"], one["type"]] = dict(one)
        return
    known["count"] += one["count"]
    known["size"] += one["size"]
    known["until"] = max(known["until"], one["until"])
