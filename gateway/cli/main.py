"""`hutong`: every command; errors become exit codes here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from gateway.cli.commands import Commands

app = typer.Typer(
    name="hutong",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "[bold]互通 Hutong[/] — links the enforcement, permit, project, penalty and credit platforms.\n\n"
        "A first gateway: [cyan]hutong serve[/], then in another terminal "
        "[cyan]hutong platform add penalty.330000 --adapter penalty --set base_url=http://127.0.0.1:9002[/].\n\n"
        "Exit codes: 0 well, 1 findings or a failure, 2 usage."
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hutong {version('hutong')}")
        raise typer.Exit


@app.callback()
def hutong(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold what all commands share."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; SystemExit with 0 well, 1 findings or a failure, 2 usage."""
    try:
        app(args=None if arguments is None else list(arguments))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # Read only now: what it knows of errors takes as long to read as all else together.
        sys.exit(import_module("gateway.cli.failures").tell(error))


if __name__ == "__main__":
    main()
