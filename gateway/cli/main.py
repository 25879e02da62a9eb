"""`hutong`: every command; errors become exit codes here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from adapters.source import BrokenBundle
from gateway.cli import (
    adapter,
    area,
    attachment,
    audit,
    calendar,
    case,
    dead,
    demo,
    doctor,
    ledger,
    message,
    output,
    people,
    platform,
    releases,
    sandbox,
    schema,
    serve,
    unwanted,
)
from gateway.errors import HutongError
from gateway.settings import Unset

app = typer.Typer(
    name="hutong",
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


app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("serve", epilog=serve.EXAMPLE)(serve.serve)
app.command("sandbox", epilog=sandbox.EXAMPLE)(sandbox.sandbox)
app.command("doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.add_typer(platform.app, name="platform")
app.add_typer(area.app, name="area")
app.add_typer(people.app, name="people")
app.add_typer(unwanted.app, name="unwanted")
app.add_typer(releases.app, name="adapter")
app.add_typer(attachment.app, name="attachment")
app.add_typer(message.app, name="message")
app.add_typer(calendar.app, name="calendar")
app.add_typer(case.app, name="case")
app.add_typer(audit.app, name="audit")
app.add_typer(dead.app, name="dead")
app.add_typer(ledger.app, name="ledger")
app.add_typer(schema.app, name="schemas")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; SystemExit with 0 well, 1 findings or a failure, 2 usage."""
    try:
        app(args=None if arguments is None else list(arguments))
    except output.CommandFailed as error:
        output.show_failure(error)
        sys.exit(error.exit_code)
    except BrokenBundle as error:
        adapter.show_broken(error)
        sys.exit(1)
    except Unset as error:
        output.show_failure(output.CommandFailed(str(error), "correct hutong.toml or the environment"))
        sys.exit(2)
    except HutongError as error:
        output.show_failure(output.CommandFailed(f"{error.detail.zh}\n  {error.detail.en}"))
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
