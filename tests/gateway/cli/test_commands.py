"""The commands as they are listed, and as they are."""

import subprocess
import sys

import pytest

from gateway.cli.commands import COMMANDS, LoadedCommands


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_listed_is_what_the_command_says_of_itself(name):
    """The list reads no command, and repeats its first sentences word for word."""
    command = LoadedCommands()[name]
    assert command.name == name
    assert command.help.partition("\n\n")[0].replace("\n", " ") == COMMANDS[name][1]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_to_list_the_commands_reads_none(arguments):
    """Neither the gateway nor the adapters: the answer is there at once."""
    code = (
        "import sys; from gateway.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print(sorted(one for one in sys.modules if one.split('.')[0] in ('adapters', 'fastapi', 'sqlalchemy')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_a_command_that_is_none_is_told_with_what_was_meant(hutong):
    """Exit code 2, and the nearest names."""
    said = hutong("cas")
    assert said.code == 2
    assert "case" in said.err
