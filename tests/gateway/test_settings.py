"""Settings: from the environment and a file, and never silently ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, Unset, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Each test has a folder of its own and no settings of its surroundings."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HUTONG_{name.upper()}", raising=False)


def test_everything_has_a_default():
    """A newcomer sets nothing."""
    settings = load()
    assert (settings.ledger, settings.host, settings.port) == ("sqlite:///hutong.db", "127.0.0.1", 8080)
    assert (settings.adapter_folders, settings.routes_file, settings.admin_token) == ((), None, None)


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch):
    """hutong.toml is beneath both."""
    (tmp_path / "hutong.toml").write_text('host = "0.0.0.0"\nport = 1\nledger = "sqlite:///a.db"\n')
    monkeypatch.setenv("HUTONG_PORT", "2")
    monkeypatch.setenv("HUTONG_LEDGER", "sqlite:///b.db")
    settings = load(ledger="sqlite:///other.db")
    assert (settings.host, settings.port, settings.ledger) == ("0.0.0.0", 2, "sqlite:///other.db")


def test_an_unknown_variable_is_an_error_that_suggests(monkeypatch):
    """A slip of the pen is found at start, not in production."""
    monkeypatch.setenv("HUTONG_PROT", "80")
    with pytest.raises(Unset, match="HUTONG_PORT"):
        load()


def test_an_unknown_key_of_the_file_is_an_error(tmp_path):
    """The file is read as strictly."""
    (tmp_path / "hutong.toml").write_text("prot = 80\n")
    with pytest.raises(Unset, match="PROT"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("REDIS", "localhost:6379", "redis://HOST:PORT/0"),
        ("LEDGER", "postgresql+psycopg://x", "names no database"),
        ("LEDGER", "mysql://x", "sqlite:///"),
        ("PORT", "70000", "65535"),
        ("PORT", "many", "integer"),
    ],
)
def test_a_value_that_cannot_be_used_says_what_to_do(monkeypatch, name, value, remedy):
    """The message names the setting and the remedy."""
    monkeypatch.setenv(f"HUTONG_{name}", value)
    with pytest.raises(Unset, match=f"HUTONG_{name}: .*{remedy}"):
        load()


def test_a_file_that_is_no_toml_is_named(tmp_path):
    """So that nobody looks elsewhere."""
    (tmp_path / "hutong.toml").write_text("port = = 1")
    with pytest.raises(Unset, match=r"hutong\.toml"):
        load()


def test_folders_of_bundles_are_separated_by_colons(monkeypatch):
    """Empty parts mean nothing."""
    monkeypatch.setenv("HUTONG_ADAPTERS", "/srv/a:/srv/b:")
    assert load().adapter_folders == (Path("/srv/a"), Path("/srv/b"))


def test_the_admin_token_is_not_shown_by_accident(monkeypatch):
    """Neither in a log nor in a traceback; an empty one is none."""
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "very-secret-token")
    assert "very-secret" not in repr(load())
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "")
    assert load().admin_token is None
