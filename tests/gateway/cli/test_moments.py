"""Times on the command line: read and written in one zone, with its offset."""

from __future__ import annotations

import pytest

from gateway.cli import moments
from gateway.cli.output import listing
from gateway.settings import Unset


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """An empty folder and no zone in the environment."""
    monkeypatch.delenv("HUTONG_ZONE", raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_time_is_shown_as_the_clock_on_the_wall_says(capsys: pytest.CaptureFixture[str]) -> None:
    """In China unless said otherwise, and the offset stands beside it."""
    listing({"at": "at"}, [{"at": "2026-09-01T16:30:59.123Z"}, {"at": None}], empty="")
    shown = capsys.readouterr().out
    assert "2026-09-02 00:30:59+08:00" in shown
    assert "—" in shown


def test_a_day_is_shown_as_a_day() -> None:
    """A deadline's last day has no hour."""
    assert moments.shown("2026-09-01") == "2026-09-01"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-09-02T00:30:59", "2026-09-02T00:30:59+08:00"),
        ("2026-09-02", "2026-09-02T00:00:00+08:00"),
        ("2026-09-02T00:30:59Z", "2026-09-02T00:30:59+00:00"),
        ("yesterday", "yesterday"),
        (None, None),
    ],
)
def test_a_time_that_was_typed_is_meant_in_the_zone_that_is_shown(typed: str | None, meant: str | None) -> None:
    """So what a table shows can be typed as it stands; what is no time is left for the gateway to reject."""
    assert moments.given(typed) == meant


def test_what_is_shown_can_be_typed() -> None:
    """Cut and pasted, it is the same moment."""
    assert moments.given(moments.shown("2026-09-01T16:30:59Z")) == "2026-09-02T00:30:59+08:00"


def test_the_zone_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """In the file, and over it in the environment, as all settings are; what is no zone is said to be none."""
    (tmp_path / "hutong.toml").write_text('zone = "UTC"\n')
    assert moments.shown("2026-09-01T16:30:59Z") == "2026-09-01 16:30:59+00:00"
    monkeypatch.setenv("HUTONG_ZONE", "Asia/Urumqi")
    assert moments.shown("2026-09-01T16:30:59Z") == "2026-09-01 22:30:59+06:00"
    monkeypatch.setenv("HUTONG_ZONE", "Mars/Olympus")
    with pytest.raises(Unset, match="Mars/Olympus"):
        moments.here()
