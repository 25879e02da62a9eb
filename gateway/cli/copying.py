"""`hutong ledger migrate`, `copy` and `verify`: a ledger brought up to date, moved to the other engine, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text as Line

from gateway.cli.configuration import settings_here
from gateway.cli.output import AsJson, Misused, emit, errors, foreign, say, table
from gateway.ledger.sql import copying
from gateway.ledger.sql.copying import Compared, CopyStep, Tell
from gateway.settings import POSTGRESQL, SQLITE

MIGRATE_EXAMPLE = "hutong ledger migrate sqlite:////var/lib/hutong/hutong.db"
COPY_EXAMPLE = (
    "hutong ledger copy sqlite:////var/lib/hutong/hutong.db postgresql+psycopg://hutong@db.example/hutong\n\n"
    "A password need not stand in the address, where others may read it: PGPASSWORD or ~/.pgpass have it, too."
)
VERIFY_EXAMPLE = (
    "hutong ledger verify sqlite:////var/lib/hutong/hutong.db postgresql+psycopg://hutong@db.example/hutong --json"
)

_STAGES = {"copy": "复制 · copying", "verify": "核对 · verifying"}

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="sqlite:///PATH or postgresql+psycopg://…")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="sqlite:///PATH or postgresql+psycopg://…")]
Ledger = Annotated[str | None, typer.Argument(metavar="[URL]", help="A ledger's address; else HUTONG_LEDGER.")]


def migrate(url: Ledger = None, as_json: AsJson = False) -> None:
    """升级账本表结构 · Bring a ledger's tables up to date, without starting a gateway.

    A gateway does the same when it starts. Where there is no ledger yet, an empty one is made.
    """
    done = copying.migrate(_address(url or settings_here().ledger))
    if as_json:
        emit({"ledger": done.ledger, "before": done.before, "after": done.after})
    elif done.before == done.after:
        say(f"{foreign(done.ledger)} is up to date: {done.after}. Nothing to do.")
    else:
        say(f"[green]✓[/] {foreign(done.ledger)}: from {done.before or 'nothing'} to {done.after}")


def copy(source: Source, target: Target, as_json: AsJson = False) -> None:
    """复制账本到另一种数据库 · Copy a whole ledger from SQLite to PostgreSQL, or back, and verify it.

    Stop the gateway first: a ledger that is in use is refused, and the source stays locked meanwhile. The target must
    be an empty database. Cut off in the middle, the same command goes on where it stopped; until the copy is complete
    and verified, no gateway starts on it. The source is not changed.

    Exit code 1: something differs, or cannot be copied.
    """
    with _progress(quiet=as_json) as tell:
        done = copying.copy(_address(source), _address(target), tell)
    if as_json:
        emit(
            {
                "same": done.same,
                "copied": done.rows,
                "copied_before": done.before,
                "nul_texts": done.symbols,
                "tables": _listed(done.tables),
            }
        )
    else:
        _show(done.tables)
        for name, count in done.symbols.items():
            say(f"[yellow]![/] {count} texts of {name} have U+0000: PostgreSQL keeps it as ␀, and finds them by either")
        earlier = f" ({done.before:,} by runs before)" if done.before else ""
        if done.same:
            say(f"[green]✓[/] {done.before + done.rows:,} rows copied{earlier} and verified")
            say("  [dim]→[/] let HUTONG_LEDGER name the copy, and start the gateway")
        else:
            say("[red]✗[/] the copy differs, and no gateway starts on it: empty the target, and copy anew")
    if not done.same:
        raise typer.Exit(1)


def verify(source: Source, target: Target, as_json: AsJson = False) -> None:
    """核对两个账本 · Compare two ledgers: every table's rows and digest, and the first key that differs.

    No gateway may run on either. A digest is the SHA-256 of all rows in the order of their keys, and does not depend on
    the database. Exit code 1: they differ.
    """
    with _progress(quiet=as_json) as tell:
        found = copying.compare(_address(source), _address(target), tell)
    same = all(each.same for each in found)
    if as_json:
        emit({"same": same, "tables": _listed(found)})
    else:
        _show(found)
        say("[green]✓[/] both ledgers are the same" if same else "[red]✗[/] the ledgers differ")
    if not same:
        raise typer.Exit(1)


def _address(url: str) -> str:
    if not url.startswith((SQLITE, *POSTGRESQL)):
        raise Misused(f"{url} is no address of a ledger", "sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE")
    return url


# ── shown ─────────────────────────────────────────────────────────────────────────────────────
class _Speed(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Line:
        speed = task.finished_speed or task.speed
        return Line(f"{speed:,.0f}/s" if speed else "")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Tell]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=quiet) as bar:
        tasks: dict[str, Any] = {}

        def tell(step: CopyStep) -> None:
            if step.stage not in tasks:
                tasks[step.stage] = bar.add_task("", total=step.total)
            words = f"{_STAGES[step.stage]} {step.table}"
            bar.update(tasks[step.stage], description=words, completed=step.done, total=step.total)

        yield tell


def _show(found: Sequence[Compared]) -> None:
    rows = [
        [
            "✓" if each.same else "✗",
            each.table,
            f"{each.source.rows:,}",
            f"{each.target.rows:,}",
            each.source.digest[:12],
            each.target.digest[:12],
            each.difference or "",
        ]
        for each in found
    ]
    table(["", "table", "source", "target", "digest", "digest", "first difference"], rows, empty="")


def _listed(found: Sequence[Compared]) -> list[dict[str, Any]]:
    return [
        {
            "table": each.table,
            "same": each.same,
            "source": {"rows": each.source.rows, "sha256": each.source.digest},
            "target": {"rows": each.target.rows, "sha256": each.target.digest},
            "difference": each.difference,
        }
        for each in found
    ]
