"""Regions are compared by level, never as text."""

from __future__ import annotations

import pytest

from schemas import regions
from schemas.codes import table


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("000000", "330110", True),
        ("330000", "330110", True),
        ("330100", "330110", True),
        ("330110", "330110", True),
        ("330110", "330100", False),
        ("371000", "371100", False),
        ("371000", "371002", True),
        ("500000", "510000", False),
        ("500000", "500101", True),
        ("330000", "000000", False),
        ("110000", "110101", True),
    ],
)
def test_covers_goes_by_level(wide: str, narrow: str, covered: bool) -> None:
    """威海 371000 is not 日照 371100; 重庆 500000 does not hold 四川 510000."""
    assert regions.covers(wide, narrow) is covered


def test_depth_and_parent_climb_the_levels() -> None:
    """County, city, province, country."""
    assert regions.lineage("330110") == ("330110", "330100", "330000", "000000")
    assert [regions.depth(code) for code in regions.lineage("330110")] == [3, 2, 1, 0]
    assert regions.parent("000000") is None


def test_the_table_is_complete_and_knows_recent_counties() -> None:
    """Every county of today, 临平 330113 and 钱塘 330114 among them."""
    in_force = [row for row in table("region") if row.valid_to is None]
    assert sum(regions.depth(row.code) == 3 for row in in_force) > 2800
    assert (regions.name("330113"), regions.name("330114")) == ("临平区", "钱塘区")


def test_every_region_in_force_lies_in_its_province() -> None:
    """The province of every code is in the table too."""
    rows = table("region").rows
    assert all(regions.lineage(code)[-2] in rows for code in rows if code != regions.NATIONAL)


def test_an_abolished_region_is_known_doubted_and_routed_by_its_parent() -> None:
    """江干区 330104 ended in 2021 and lies in 杭州 330100."""
    row = regions.row("330104")
    assert row is not None
    assert row.valid_to is not None
    assert row.valid_to.year == 2021
    assert [doubt.code for doubt in regions.doubts("330104")] == ["region.abolished"]
    assert regions.covers("330100", "330104")
    assert [doubt.code for doubt in regions.doubts("339999")] == ["region.unknown"]
    assert regions.doubts("330110") == ()


def test_names_go_both_ways() -> None:
    """The full path names one region, with or without its slashes; nameless levels are left out."""
    assert regions.path_name("330110") == "浙江省/杭州市/余杭区"
    assert regions.by_name("浙江省/杭州市/余杭区") == "330110"
    assert regions.by_name("浙江省杭州市余杭区") == "330110"
    assert regions.path_name("110101") == "北京市/东城区"
    assert regions.by_name("北京市/东城区") == "110101"
    assert regions.path_name("000000") == "全国"
    assert regions.by_name("余杭区") is None


def test_a_city_is_found_by_its_path_though_its_districts_share_it():
    """杭州市 is 330100, not the nameless 市辖区 330101 below it; a municipality likewise."""
    assert regions.by_name("浙江省/杭州市") == "330100"
    assert regions.by_name("重庆市") == "500000"
