"""The sizing page follows from what was measured."""

from __future__ import annotations

import pytest
import sizing
from msgspec.structs import replace
from sizing import Measured, measured, need

PROCESS = Measured(documents=1000, permits=1000, bytes=2000, megabytes=200)


def test_the_page_is_current():
    """Its tables are what the model gives for the figures of BENCHMARKS.md."""
    assert sizing.PAGE.read_text(encoding="utf-8") == sizing.page(), "run scripts/reference.py"


def test_measured_figures_are_those_of_the_largest_ledger():
    """Not the growth behind them, and not the small ledger before them."""
    text = (
        "| end to end/s | 949 | 827 | 1.15 |\n| permits delivered/s | 1,319 | 1,399 | 0.94 |\n"
        "| bytes a message | 2775 | 2803 | 1.01 |\n- Memory, aim at most 200 MB: **210 MB**, flat\n"
    )
    assert measured(text) == Measured(827, 1399, 2803, 210)


def test_a_figure_that_is_not_there_is_named():
    """The page is never written from nothing."""
    with pytest.raises(ValueError, match="permits delivered"):
        measured("| end to end/s | 1 | 2 | 3 |")


def test_need_follows_from_people_and_processes():
    """Twice as many people send twice as much; a process that does half as much is needed twice as often."""
    once, twice = need(PROCESS, 80_000, 3_600_000), need(PROCESS, 160_000, 7_200_000)
    assert twice.messages == 2 * once.messages
    assert twice.gigabytes == 2 * once.gigabytes
    assert twice.peak == pytest.approx(2 * once.peak)
    assert once.sync_hours == 1.0
    slow = need(replace(PROCESS, documents=once.peak / 4), 80_000, 3_600_000)
    assert slow.processes == 8 + 1
    assert need(PROCESS, 0, 0).processes == 1


def test_peak_is_of_the_working_hours():
    """A year's messages of one destination, ten times their average."""
    found = need(PROCESS, 1000, 0)
    work = found.messages + (found.deliveries - found.messages) / 2
    assert found.peak == pytest.approx(work / (250 * 8 * 3600) * 10)
