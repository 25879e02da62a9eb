"""Every command teaches how it is used, and every end has its exit code."""

import pytest

from schemas.documents import NAMES

COMMANDS = [
    ["demo"],
    ["serve"],
    ["sandbox"],
    ["doctor"],
    *(["people", one] for one in ("add", "list", "emergency", "remove")),
    *(["platform", one] for one in ("add", "list", "show", "pause", "resume", "ping", "credentials")),
    *(["adapter", one] for one in ("check", "translate", "explain", "list", "pack", "sign", "push")),
    *(["adapter", "key", one] for one in ("new", "add", "list", "revoke")),
    *(["message", one] for one in ("show", "send", "list")),
    *(["dead", one] for one in ("list", "show", "replay", "discard")),
    ["schemas", "export"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example(hutong, command):
    """`--help` describes the command and ends with a line to copy."""
    said = hutong(*command, "--help")
    assert said.code == 0
    assert f"hutong {' '.join(command)}" in " ".join(said.out.split())


@pytest.mark.parametrize(
    "command", [["nothing"], ["platform", "nothing"], ["adapter", "check"], ["serve", "--port", "x"]]
)
def test_misuse_is_exit_code_two(hutong, command):
    """A command that is not called as it must be explains itself."""
    said = hutong(*command)
    assert said.code == 2
    assert said.err


def test_no_gateway_says_how_to_start_one(hutong):
    """Exit code 1 and the next step."""
    said = hutong("platform", "list", "--url", "http://127.0.0.1:9")
    assert said.code == 1
    assert "hutong serve" in said.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://a", "http://[", "http://a:99999999"])
def test_an_address_that_is_none_is_explained(hutong, url):
    """No traceback, whatever was typed."""
    said = hutong("platform", "list", "--url", url)
    assert said.code == 1
    assert "Traceback" not in said.err


def test_an_unknown_setting_is_named(hutong, monkeypatch):
    """A setting nobody reads stops the commands that need settings, with exit code 2."""
    monkeypatch.setenv("HUTONG_PROT", "1")
    said = hutong("adapter", "list")
    assert said.code == 2
    assert "HUTONG_PORT" in said.err


def test_variables_of_the_remote_commands_are_no_settings(hutong, monkeypatch):
    """HUTONG_URL may be exported where a gateway is served."""
    monkeypatch.setenv("HUTONG_URL", "http://127.0.0.1:9")
    assert hutong("adapter", "list").code == 0


def test_the_version_is_told(hutong):
    """In one line."""
    assert hutong("--version").out.startswith("hutong ")


def test_schemas_are_exported(hutong, tmp_path):
    """One file a document, and the list of them as JSON."""
    written = hutong("schemas", "export", "--to", "out", "--json").json["written"]
    assert (tmp_path / "out/permit/1.json").is_file()
    assert len(written) == len(NAMES)
    assert "permit/1" in hutong("schemas", "list").out


def test_a_folder_that_cannot_be_written_is_explained(hutong, tmp_path):
    """Exit code 1 and what to do."""
    (tmp_path / "out").write_text("")
    said = hutong("schemas", "export", "--to", "out")
    assert said.code == 1
    assert "--to" in said.err
