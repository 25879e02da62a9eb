"""A check that finds nothing on a broken bundle is a defect: each of these has the one finding it must produce."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from adapters.check import Report
from adapters.check import check as check_files
from adapters.source import BundleFinding
from gateway.sandbox.conformance import check as check_whole

HERE = Path(__file__).parent
BASE = HERE / "base"
CASES: list[Mapping[str, Any]] = YAML(typ="safe", pure=True).load((HERE / "cases.yaml").read_text("utf-8"))


def _charset(file: str) -> str:
    return "gbk" if file.endswith(".native.xml") else "utf-8"


def _spoilt(case: Mapping[str, Any], folder: Path) -> Path:
    """Build the bundle that a case describes."""
    shutil.copytree(BASE, folder, ignore=shutil.ignore_patterns("*") if case.get("only") else None)
    file = folder / case["file"]
    for gone in (case["file"] if case.get("gone") else None, case.get("and_gone")):
        if gone:
            (folder / gone).unlink()
    if "text" in case:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(case["text"], "utf-8")
    elif "old" in case:
        text = file.read_text(_charset(case["file"]))
        assert case["old"] in text, "the case changes nothing"
        file.write_text(text.replace(case["old"], case["new"], 1), case.get("encode", _charset(case["file"])))
    return folder


def _line(case: Mapping[str, Any], folder: Path) -> int:
    if "at" not in case:
        return 1
    file = case.get("in", case["file"])
    text = (folder / file).read_text(case.get("encode", _charset(file)))
    assert case["at"] in text
    return text.count("\n", 0, text.index(case["at"])) + 1


def _report(case: Mapping[str, Any], folder: Path) -> Report:
    return check_whole(folder) if case.get("double") else check_files(folder)


def test_the_base_has_nothing_wrong_with_it() -> None:
    """Neither in its files nor against its double: what is found below comes from the change alone."""
    assert check_whole(BASE).findings == ()


def test_there_are_enough_of_them() -> None:
    """And no two of them are the same."""
    assert len(CASES) >= 40
    assert len({case["what"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_it_is_found_where_it_is(case: Mapping[str, Any], tmp_path: Path) -> None:
    """One finding: the code, the file, the line and what to do; what else follows from the change is named."""
    folder = _spoilt(case, tmp_path / "bundle")
    report = _report(case, folder)
    expected = (case["code"], case.get("in", case["file"]), _line(case, folder), bool(case.get("warning")))
    found = [(one.code, one.file, one.line, one.warning) for one in report.findings]
    assert expected in found
    assert sorted(code for code, *_ in found) == sorted([case["code"], *case.get("also", ())])
    assert report.ok is all(one.warning for one in report.findings)
    _assert_it_teaches(report)


def _assert_it_teaches(report: Report) -> None:
    """In both languages, with line and column, in the order an author reads."""
    for one in report.findings:
        assert all((one.message.zh, one.message.en, one.remedy.zh, one.remedy.en, one.file))
        assert one.line > 0
        assert one.column > 0
    assert list(report.findings) == sorted(report.findings, key=_place)


def _place(finding: BundleFinding) -> tuple[str, int, int]:
    return finding.file, finding.line, finding.column
