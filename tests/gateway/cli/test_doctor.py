"""The doctor looks at everything a gateway needs, and says what to do about what is missing."""

import socket
from datetime import UTC, datetime

from gateway.cli import doctor


def test_a_well_machine_passes(hutong, monkeypatch):
    """Every check is shown; exit code 0."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    monkeypatch.setenv("HUTONG_PORT", str(free))
    said = hutong("doctor", "--json")
    assert said.code == 0, said.out
    names = [one["name"] for one in said.json["checks"]]
    looked_at = ["ledger", "encryption", "adapters", "bundles", "routes", "port"]
    assert names == ["python", "packages", "clock", "settings", *looked_at]


def test_every_fault_has_a_remedy(hutong, monkeypatch, tmp_path):
    """A port in use, a folder that is not there, routes that are none."""
    (tmp_path / "routes.yaml").write_text("a: [")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HUTONG_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("HUTONG_LEDGER", f"sqlite:///{tmp_path}/nowhere/hutong.db")
        monkeypatch.setenv("HUTONG_ADAPTERS", str(tmp_path / "none"))
        monkeypatch.setenv("HUTONG_ROUTES", str(tmp_path / "routes.yaml"))
        said = hutong("doctor", "--json")
    assert said.code == 1
    ill = {one["name"]: one["remedy"] for one in said.json["checks"] if not one["well"]}
    assert set(ill) == {"ledger", "adapters", "routes", "port"}
    assert all(ill.values())


def test_settings_that_cannot_be_read_are_shown(hutong, monkeypatch):
    """A wrong setting is a finding of the doctor's too."""
    monkeypatch.setenv("HUTONG_PORT", "x")
    said = hutong("doctor")
    assert said.code == 1
    assert "HUTONG_PORT" in said.out


def test_another_distribution_with_our_names_is_noticed():
    """Generic package names are only safe while nobody else ships them."""
    check = doctor.packages({"gateway": ["hutong", "other"], "schemas": ["hutong"]})
    assert not check.well
    assert "gateway (other)" in check.detail


def test_only_hutong_ships_our_packages():
    """In this environment nobody else does."""
    assert doctor.packages(doctor.packages_distributions()).well


def test_a_clock_that_was_never_set_is_noticed():
    """Ids, schedules and evidence rest on it."""
    assert not doctor.clock(datetime(1970, 1, 1, tzinfo=UTC)).well


def test_a_server_is_looked_at(hutong, monkeypatch, postgres):
    """A ledger in PostgreSQL: the doctor says what it is and what would lose a 202, and makes no table."""
    address = postgres.database()
    monkeypatch.setenv("HUTONG_LEDGER", address)
    [found] = [one for one in hutong("doctor", "--json").json["checks"] if one["name"] == "ledger"]
    assert found["detail"].startswith("PostgreSQL 1")
    assert not found["well"]  # the tests' server syncs nothing
    assert "fsync is off" in found["remedy"]
    with postgres.connected(address) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall() == [(0,)]
    monkeypatch.setenv("HUTONG_LEDGER", postgres.url("nowhere"))
    [found] = [one for one in hutong("doctor", "--json").json["checks"] if one["name"] == "ledger"]
    assert (found["well"], found["remedy"]) == (False, "correct HUTONG_LEDGER, or start the server")
    postgres.drop(address)
