"""Findings about what was received name the native path that its sender wrote."""

from __future__ import annotations

import pytest

from adapters.base import Lineage
from adapters.exchange.receiving import canonical_fields, native_paths, with_canonical_field, with_native_path
from schemas.findings import Finding, Text

KNOWN = native_paths(
    [
        Lineage("case_number", "案件编号", "AH"),
        Lineage("officers[].name", "姓名", "RY[].XM"),
        Lineage("officers[].number", "证号", "ZFZH"),
        Lineage("kinds[]", "种类", "CFLB"),
        Lineage("party.name", "名称", "DSR"),
        Lineage("case_number", "案件编号", "SECOND"),
    ]
)


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("case_number", "AH"),
        ("officers[1].name", "RY[1].XM"),
        ("officers[1].number", "ZFZH"),
        ("kinds[0]", "CFLB"),
        ("kinds", "CFLB"),
        ("party", "DSR"),
        ("officers", "RY[].XM"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_canonical_field_is_told_by_its_native_path(field: str, path: str) -> None:
    """With the index of the record; a missing object by what would have made it."""
    finding = with_native_path(Finding("x", Text("", ""), field=field), KNOWN)
    assert (finding.path, finding.field) == (path, field)


def test_what_is_told_already_stays() -> None:
    """The mapping knows better than the index."""
    finding = Finding("x", Text("", ""), field="case_number", path="OTHER")
    assert with_native_path(finding, KNOWN) is finding


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("JD", "site.location"),
        ("WD", "site.location"),
        ("甲, 乙", "party.name"),
        ("丙 + 丁", "party.phone"),
        ("XM[1].MC", "officers[].name"),
        ("QT", ""),
    ],
)
def test_a_native_fault_is_told_by_its_canonical_field(path: str, field: str) -> None:
    """Each of several columns by the field they make together, whatever characters their names hold."""
    known = canonical_fields(
        [
            Lineage("site.location", "坐标", "JD + WD", paths=("JD", "WD")),
            Lineage("party.name", "名称", "甲, 乙"),
            Lineage("party.phone", "电话", "丙 + 丁"),
            Lineage("officers[].name", "姓名", "XM[].MC"),
        ]
    )
    assert with_canonical_field(Finding("x", Text("", ""), path=path), known).field == field
