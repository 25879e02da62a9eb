"""The values that findings about a native body show."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Lineage
from adapters.exchange.native_values import NativeValues

LINEAGE = [
    Lineage("case_number", "案件编号", "AH"),
    Lineage("party.name", "名称", "DSR.MC"),
    Lineage("party.credit_code", "代码", "DSR.DM"),
    Lineage("party.citizen_id", "公民身份号码", "DSR.DM"),
    Lineage("officers[].name", "姓名", "XM, RY[].XM"),
]
TREE = {
    "H": {"ID": "13800000000"},
    "D": {"R": [{}, {"AH": {"@t": "1", "#text": "A" * 200}, "DSR": {"DM": "110105194912310021"}, "XM": "x", "BZ": 5}]},
}


@pytest.mark.parametrize(
    ("where", "path", "value"),
    [
        (("D", "R", 1, "AH"), "D.R[1].AH", "A" * 100 + "…"),
        (("D", "R", 1, "DSR", "DM"), "D.R[1].DSR.DM", "110105************"),
        (("D", "R", 1, "XM"), "D.R[1].XM", "x"),
        (("D", "R", 1, "BZ"), "D.R[1].BZ", "5"),
        (("H", "ID"), "H.ID", "1**********"),
        (("D", "R", 1, "DSR"), "D.R[1].DSR", None),
        (("D", "R", 7, "AH"), "D.R[7].AH", None),
        (("D", "Z"), "D.Z", None),
    ],
)
def test_only_what_is_known_not_to_be_personal_is_shown(where: tuple[str | int, ...], path: str, value: Any) -> None:
    """A column that may hold a person's number is masked, and so is one that nobody maps."""
    assert NativeValues("case-file/1", LINEAGE, "D.R[]").at(TREE, where, path) == value


@pytest.mark.parametrize("said", [330102199001011234, "330102199001011234"])
def test_a_citizen_id_in_a_column_for_other_numbers_is_masked(said: Any) -> None:
    """As a number or as text; eighteen digits in a column that identifies nobody are shown."""
    lineage = [Lineage("party.credit_code", "代码", "DM"), Lineage("case_number", "案号", "AH")]
    values = NativeValues("case-file/1", lineage)
    assert values.at({"DM": said}, ("DM",), "DM") == "330102************"
    assert values.at({"AH": said}, ("AH",), "AH") == said
