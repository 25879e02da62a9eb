"""The file of figures: what it must say, and where it says what is wrong."""

from __future__ import annotations

import pytest

from schemas.figures import BUNDLED, BrokenFigures, bundled, read_figures

GOOD = """registers: [{register: permit, type: permit.changed}]
occurrences:
  - {occurrence: lead, type: lead.reported, day: [due_at], traits: [{trait: done, followed_by: answer, by: due_at}]}
  - {occurrence: answer, type: lead.answered, day: [at], arrives: true}
figures:
  - {figure: leads, title: 线索, en: L, unit: share, numerator: {of: [lead], with: [done]}, denominator: {of: [lead]}}
"""


def test_the_bundled_figures_are_read() -> None:
    """The file of the release is sound, and another content has another digest."""
    found = bundled()
    assert len(found.figures) == 21
    assert found.figure("fines") is not None
    assert found.figure("happiness") is None
    assert read_figures(BUNDLED.read_text(encoding="utf-8") + "\n").digest != found.digest


@pytest.mark.parametrize(
    ("good", "bad", "line", "says"),
    [
        ("lead.reported", "lead.dreamt", 3, "no message type"),
        ("day: [due_at]", "day: [due]", 3, "no field due"),
        ("followed_by: answer", "followed_by: reply", 3, "no occurrence reply"),
        (", by: due_at", ", clock: no.such", 3, "no deadline"),
        ("followed_by: answer, by: due_at", "by: due_at", 3, "exactly one way"),
        ("followed_by: answer, by: due_at", "hours: 24", 3, "does not count its arrival"),
        ("followed_by: answer, by: due_at", "register: fish", 3, "no register fish"),
        ("followed_by: answer, by: due_at", "where: {channel: rumour}", 3, "never rumour"),
        ("day: [at]", "day: []", 4, "field of its day"),
        ("with: [done]", "with: [undone]", 6, "no trait undone"),
        (", denominator: {of: [lead]}", "", 6, "needs a denominator"),
        ("numerator: {of: [lead], with: [done]}", "numerator: {places: city}", 6, "places covered by a kind"),
        ("unit: share", "unit: miles", 6, "miles"),
        ("figures:", "numbers:", 1, "nothing else"),
        ("occurrence: answer", "occurrence: lead", 3, "no occurrence answer"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(good: str, bad: str, line: int, says: str) -> None:
    """Whoever edits the file is told where to look, and what is wrong there."""
    assert read_figures(GOOD)
    with pytest.raises(BrokenFigures, match=says) as broken:
        read_figures(GOOD.replace(good, bad))
    assert str(broken.value).startswith(f"figures.yaml:{line}:")
