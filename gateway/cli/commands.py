"""The commands of `hutong`: named here with what they are for, and read from their modules when one is asked for.

To read them all takes seconds, which every command would pay for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "Play one enterprise's story: six processes on loopback, sixteen documents, five formats."),
    "serve": ("serve", "Run the gateway. Ctrl-C ends it once the deliveries in flight are recorded."),
    "sandbox": (
        "sandbox",
        "Stand in for a platform: take what the gateway sends, check it, answer as the bundle says.",
    ),
    "doctor": ("doctor", "Check this machine: Python, packages, settings, ledger, adapters, routes, port, clock."),
    "platform": (
        "platform",
        "Connect platforms, pause them, ask whether they answer. A platform is KIND.REGION, as penalty.330000.",
    ),
    "area": (
        "area",
        "Functional areas, divisions and regiments, basin and sea bureaus: what has no code of GB/T 2260.",
    ),
    "people": (
        "people",
        "People, each with a token and roles: viewer, body-reader, operator, author, approver, auditor, admin.",
    ),
    "approval": ("approval", "Changes that wait for a second person, where HUTONG_FOUR_EYES asks for one."),
    "unwanted": (
        "unwanted",
        "Kinds of platforms that a region does not have. What waits for one is kept, and shown as unwanted.",
    ),
    "adapter": ("releases", "Prove a bundle, try it on a file, ask where each value comes from."),
    "attachment": ("attachment", "Files that documents name by their upload_id instead of carrying them."),
    "message": ("message", "Hand documents in, and see where they went."),
    "calendar": ("calendar", "Holidays and make-up working days, by which deadlines are counted."),
    "case": ("case", "Cases across all systems, with their statutory deadlines."),
    "assessment": (
        "assessment",
        "What the checks of case files came to: met, missed, not-applicable or unknown, with what shows it.",
    ),
    "report": ("report", "The regular report: figures of a month or a year, and the use made."),
    "clock": ("clock", "Statutory deadlines of all cases: which run out, which were missed."),
    "reconcile": (
        "reconcile",
        "Count what was exchanged with a platform on a day; with its own list, tell what either side lacks.",
    ),
    "audit": ("audit", "The audit: whether evidence, or a whole ledger, holds."),
    "dead": (
        "dead",
        "Deliveries that were given up. Each parks its lane until it is replayed or discarded, with a reason.",
    ),
    "ledger": ("ledger", "The ledger: what it keeps, what it lets go of, and where."),
    "schemas": ("schema", "The canonical documents' JSON Schemas."),
}
"""Module and first sentences of each, in the order of `hutong --help`.

A module has its commands in `app`, or one command: a function of its own name, with `EXAMPLE`.
"""


class LoadedCommands(Mapping[str, Any]):
    """Every command by name, read when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        module = import_module(f"gateway.cli.{COMMANDS[name][0]}")
        if hasattr(module, "app"):
            group = typer.main.get_group(module.app)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(name, epilog=module.EXAMPLE)(getattr(module, name))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands; to list them reads none."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": None})
        self.commands: Any = LoadedCommands()
        self._listing = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Say what there is, by what is known here of each command."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; while they are listed, only its name and what it is for."""
        if self._listing and cmd_name in COMMANDS:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands."""
        return list(COMMANDS)
