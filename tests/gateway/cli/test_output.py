"""What others wrote is data: in a terminal it neither acts nor hides."""

from __future__ import annotations

import pytest

from gateway.cli.output import CommandFailed, facts, foreign, show_failure, table

EVIL = "a\x1b[2J\x9b31m\u202egnp.exe\u200b[bold]b[/]"
TOLD = "a\ufffd[2J\ufffd31m\ufffdgnp.exe[bold]b[/]"


def test_a_table_shows_a_strangers_text_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    """A platform's reason, a file's name: alone and in a list, no markup of ours either."""
    table(["name"], [[EVIL], [[EVIL, "c"]]], empty="")
    facts([("reason", EVIL)])
    shown = capsys.readouterr().out
    assert shown.count(TOLD) == 3
    assert "\x1b" not in shown


def test_a_failure_shows_a_strangers_text_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway's answer may repeat what a file holds."""
    show_failure(CommandFailed(EVIL, EVIL))
    shown = capsys.readouterr().err
    assert shown.count(TOLD) == 2


def test_lines_stay_lines() -> None:
    """An answer in a platform's own format may have several."""
    assert foreign("<a>\n<b/>\u2066") == "<a>\n<b/>\ufffd"
