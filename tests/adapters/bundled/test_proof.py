"""Every bundled adapter passes the proof that strangers' bundles have to pass."""

from __future__ import annotations

from adapters import DeclarativeAdapter, bundled
from adapters.check import check

ENOUGH = 3


def test_the_check_finds_nothing(adapter: DeclarativeAdapter) -> None:
    """Not even a warning, over samples and generated documents."""
    report = check(bundled()[adapter.name])
    assert [f"{one.file}:{one.line} {one.code} {one.message.en}" for one in report.findings] == []
    assert report.samples >= ENOUGH * len({*adapter.receives, *adapter.sends})
    assert report.generated


def test_everything_received_has_enough_samples(receives_declared: tuple[DeclarativeAdapter, str]) -> None:
    """Three pairs an operation."""
    assert _pairs(*receives_declared) >= ENOUGH


def test_everything_sent_has_enough_samples(sends_declared: tuple[DeclarativeAdapter, str]) -> None:
    """Three pairs a message type."""
    assert _pairs(*sends_declared) >= ENOUGH


def test_every_bundle_explains_itself(adapter: DeclarativeAdapter) -> None:
    """The README names what it receives, sends and loses."""
    text = (bundled()[adapter.name] / "README.md").read_text("utf-8")
    missing = [name for name in (*adapter.receives, *adapter.sends, *adapter.queries) if f"`{name}`" not in text]
    assert missing == []
    assert "损失" in text


def _pairs(adapter: DeclarativeAdapter, name: str) -> int:
    folder = bundled()[adapter.name] / "samples" / name
    natives = {path.name.partition(".")[0] for path in folder.glob("*.native.*")}
    canonicals = {path.name.partition(".")[0] for path in folder.glob("*.canonical.json")}
    assert natives == canonicals
    return len(natives)
