"""What a command prints: a table for people, JSON for programs, and errors that say what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli import moments
from schemas.plain import plain

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

PIPE_WIDTH = 240
"""Characters of a table's line when nobody's terminal says how wide it is."""

screen = Console()
errors = Console(stderr=True)

_COLOURS = {
    "delivered": "green",
    "ready": "cyan",
    "sending": "cyan",
    "waiting": "yellow",
    "held": "yellow",
    "unrouted": "magenta",
    "unwanted": "dim",
    "refused": "red",
    "dead": "bold red",
    "discarded": "dim",
}


class CommandFailed(Exception):
    """The command cannot be carried out (exit code 1): what is wrong, and what to do next.

    `told` is printed instead when the caller asked for JSON.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, told: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.told = told


class Misused(CommandFailed):
    """The command was not called as it must be (exit code 2)."""

    exit_code = 2


def show_failure(error: CommandFailed) -> None:
    """Print why a command stopped: on the error stream, and as JSON when that was asked for."""
    if error.told is not None:
        emit(error.told)
        return
    errors.print(f"[bold red]✗[/] {foreign(error.message)}", highlight=False, soft_wrap=True)
    if error.hint:
        errors.print(f"  [dim]→[/] {foreign(error.hint)}", highlight=False, soft_wrap=True)


def emit(value: Any) -> None:
    """Print JSON, indented, as UTF-8."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def foreign(text: str) -> str:
    """Give a text that others wrote, a file's name or a platform's words, as it may stand in a line of ours.

    Its own lines stay lines; nothing in it moves the cursor, hides, or is taken for our markup.
    """
    return escape("\n".join(map(plain, text.split("\n"))))


def say(text: str) -> None:
    """Print a line for people."""
    screen.print(text, highlight=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str, title: str | None = None) -> None:
    """Print a table, or one sentence when there is nothing in it."""
    lines = [[_cell(one) for one in row] for row in rows]
    if not lines:
        say(f"[dim]{foreign(empty)}[/]")
        return
    drawn = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for line in lines:
        drawn.add_row(*line)
    _drawing().print(drawn)


def listing(
    columns: Mapping[str, str], records: Iterable[Mapping[str, Any]], *, empty: str, title: str | None = None
) -> None:
    """Print a table of records; `columns` is heading → field, and moments stand as people read them."""
    rows = [[_moment(field, record[field]) for field in columns.values()] for record in records]
    table(list(columns), rows, empty=empty, title=title)


def _moment(field: str, value: Any) -> Any:
    return moments.shown(value) if field == "at" or field.endswith("_at") else value


def facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one a line; what has no value is left out."""
    drawn = Table(show_header=False, box=None, pad_edge=False)
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", [], {}):
            drawn.add_row(name, _cell(value))
    _drawing().print(drawn)


def _drawing() -> Console:
    """Give where tables are drawn: lines stay whole for whatever reads a pipe."""
    return screen if screen.is_terminal else Console(width=PIPE_WIDTH)


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]—[/]"
    if isinstance(value, list | tuple):
        return escape("\n".join(plain(str(one)) for one in value)) or "[dim]—[/]"
    text = plain(str(value))
    colour = _COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else escape(text)
