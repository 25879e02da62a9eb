"""What a stranger's mapping cannot do: run code, break out of its strings, or hide from a traceback."""

from __future__ import annotations

import linecache
import traceback
from typing import Any

import pytest

from schemas.findings import Rejected

BASE = {"AH": "A1", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}
NASTY = '\'); import os; os._exit(1) #\\n\n"""{0.__class__}%s'


def test_names_and_values_stay_text(progress: Any) -> None:
    """However they are written."""
    quoted = NASTY.replace("'", "").replace("\n", " ")
    import_free = quoted.replace('"', "")
    path = f"['{import_free}']"
    text = path.replace("'", "''")
    program = progress(f"opinion: {{at: '{text}', none: ['{import_free}'], default: 'x'}}")
    assert program.inward({**BASE, import_free: "v"}).document["opinion"] == "v"
    assert program.outward({"opinion": "w"})[import_free] == "w"
    assert "os._exit" not in program.code.inward_source.replace(repr(import_free), "")


@pytest.mark.parametrize("text", ["{case_number.__class__}", "{case_number!r}", "{at:{org}}", "{}", "{0}"])
def test_placeholders_reach_no_attributes(faults: Any, text: str) -> None:
    """Only names of the grammar, only dates with a form."""
    head = "document: case-progress/1\nfields: {case_number: AH}\n"
    (finding,) = faults(head + f"constants: {{X: '{text}'}}")
    assert finding.code == "mapping.placeholder"


def test_a_traceback_shows_the_generated_line(progress: Any) -> None:
    """The source is kept where the interpreter looks for it."""
    program = progress()

    class Broken(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        program.code.inward(Broken())
    shown = "".join(traceback.format_tb(caught.value.__traceback__))
    assert "v = n.get('AH')" in shown
    linecache.checkcache()
    assert "v = n.get('AH')" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_large_and_repeated_input_is_harmless(progress: Any) -> None:
    """Long texts, long lists and deep trees are read in time that grows with their size."""
    program = progress("officers: {split: {name: XM}, on: ',，、;'}\nopinion: {at: YJ, as: {date: '%Y-%m-%d'}}")
    tree = {**BASE, "XM": "张晓明,；、" * 20_000, "X": {}}
    assert len(program.inward(tree).document["officers"]) > 19_999
    with pytest.raises(Rejected, match="value"):
        program.inward({**tree, "XM": "张晓明," * 60_000})
    assert program.code.inward({**BASE, "YJ": "2025-" * 100_000})[1][0].code == "value.date"
