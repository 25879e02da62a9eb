"""The regular report from the command line."""

import csv

from openpyxl import load_workbook


def test_a_report_is_shown_and_written(remote, tmp_path):
    """As tables, JSON, CSV and a workbook; of an empty ledger every figure says why it is not known."""
    shown = remote("report", "usage", "--period", "2026-03", "--region", "330000", "--by", "region")
    assert shown.code == 0, shown.err
    assert "entry-timeliness" in shown.out
    found = remote("report", "usage", "--period", "2026-03", "--json").json
    assert {one["figure"] for one in found["figures"]} >= {"fines", "write-back"}
    counts = [one[part] for one in found["figures"] for part in ("numerator", "denominator") if one["unit"] != "yuan"]
    assert {type(count) for count in counts if count is not None} == {int}, "a count is a whole number"
    for format in ("csv", "xlsx"):
        file = tmp_path / f"report.{format}"
        written = remote("report", "usage", "--period", "2026", "--format", format, "--out", str(file))
        assert written.code == 0, written.err
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as text:
        assert {"fines", "write-back"} <= {row[2] for row in csv.reader(text)}
    assert load_workbook(tmp_path / "report.xlsx").worksheets[0].freeze_panes == "A5"


def test_misuse_is_told(remote, tmp_path):
    """A file needs a name, a table none, a period a form, and a folder that is there."""
    assert remote("report", "usage", "--period", "2026-03", "--format", "csv").code == 2
    assert remote("report", "usage", "--period", "2026-03", "--out", "x").code == 2
    wrong = remote("report", "usage", "--period", "March")
    assert wrong.code == 1
    assert "period.invalid" in wrong.err
    nowhere = str(tmp_path / "none" / "x.csv")
    assert remote("report", "usage", "--period", "2026", "--format", "csv", "--out", nowhere).code == 1
