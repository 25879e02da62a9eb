"""Settings: from the environment and a file, and never silently ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, Unset, load, period


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
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "very-secret-token-of-these-tests")
    assert "very-secret" not in repr(load())
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "")
    assert load().admin_token is None


def test_a_short_admin_token_is_refused(monkeypatch):
    """21 characters are too few, 22 are enough; what was given is not repeated."""
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "x" * 21)
    with pytest.raises(Unset, match="fewer than 22 characters") as refused:
        load()
    assert "xxx" not in str(refused.value)
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "x" * 22)
    assert load().admin_token is not None


def test_secrets_may_be_files(tmp_path, monkeypatch):
    """A folder of files, each called as its setting; the environment wins over them, and they over hutong.toml."""
    (tmp_path / "hutong.toml").write_text(
        'admin_token = "the-token-of-the-file-itself"\nledger = "sqlite:///file.db"\nport = 1\n'
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "HUTONG_ADMIN_TOKEN").write_text("a-secret-of-the-folder\n")
    (secrets / "HUTONG_LEDGER").write_text("sqlite:///folder.db\n")
    (secrets / "server.key").write_text("somebody else's")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    settings = load()
    assert settings.admin_token.get_secret_value() == "a-secret-of-the-folder"
    assert (settings.ledger, settings.port) == ("sqlite:///folder.db", 1)
    monkeypatch.setenv("HUTONG_LEDGER", "sqlite:///environment.db")
    assert load().ledger == "sqlite:///environment.db"


def test_a_wrong_secret_is_told_without_its_value(tmp_path, monkeypatch):
    """An address holds a password, and what is said of it is printed."""
    (tmp_path / "HUTONG_LEDGER").write_text("mysql://hutong:p4ssw0rd@db/hutong")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(Unset, match="HUTONG_LEDGER") as fault:
        load()
    assert "p4ssw0rd" not in str(fault.value)


def test_retention_from_the_file(tmp_path):
    """A table of periods; what it does not name has its default."""
    (tmp_path / "hutong.toml").write_text(
        '[retention]\nmessages = "6 years"\n[retention.types]\n"permit.changed" = "never"\n'
    )
    kept = load().retention
    assert (kept.messages, kept.bodies, kept.types) == ("6 years", "36 months", {"permit.changed": "never"})


@pytest.mark.parametrize(("value", "bodies"), [("24 months", "36 months"), ('{"bodies": "12 months"}', "12 months")])
def test_retention_from_the_environment(monkeypatch, value, bodies):
    """One period for all messages, or the table as JSON."""
    monkeypatch.setenv("HUTONG_RETENTION", value)
    assert load().retention.bodies == bodies


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('messages = "5 months"', "messages: '5 months' is too short: everything is kept for 6 months at least"),
        ('bodies = "183 days"', "bodies: '183 days' is too short"),
        ('types = {"permit.changed" = "1 month"}', "permit.changed: '1 month' is too short"),
        ('messages = "forever"', "'forever' is no period; write one like '36 months'"),
        ('types = {"permit.chnaged" = "3 years"}', "no message type permit.chnaged; known are"),
        ('mesages = "3 years"', "mesages"),
    ],
)
def test_a_retention_that_cannot_be_used_stops_the_start(tmp_path, table, said):
    """Too short, misspelt or unknown: the message names what, and what to write."""
    (tmp_path / "hutong.toml").write_text(f"[retention]\n{table}\n")
    with pytest.raises(Unset) as refused:
        load()
    assert said in str(refused.value)
    assert "HUTONG_RETENTION" in str(refused.value)


def test_a_retention_in_the_environment_that_is_no_json(monkeypatch):
    """Half a table is said to be unreadable."""
    monkeypatch.setenv("HUTONG_RETENTION", "{messages")
    with pytest.raises(Unset, match="HUTONG_RETENTION"):
        load()


def test_periods():
    """Months and years count long, so that nothing goes before its time."""
    assert [period(one).days for one in ("6 months", "1 year", "184 days")] == [186, 366, 184]
    assert period("never") > period("9999 years")
