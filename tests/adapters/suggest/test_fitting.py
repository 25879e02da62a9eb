"""Values against fields: what suits, what could be, what cannot be."""

import pytest

from adapters.paths import parse
from adapters.suggest import shapes
from adapters.suggest.columns import SampleColumn
from adapters.suggest.fitting import Level, fit
from schemas import documents


def level(document: str, path: str, *values: str) -> Level:
    """How well values suit a field."""
    column = SampleColumn(parse("x").steps, values, (), len(values), len(values))
    return fit(documents.fields(document)[path], column).level


@pytest.mark.parametrize(
    ("document", "path", "value", "expected"),
    [
        ("permit/1", "holder.credit_code", "91330110MA2KQ7XH9P", Level.STRONG),
        ("permit/1", "holder.credit_code", "91330110MA2KQ7XH9Q", Level.TYPED),
        ("permit/1", "holder.credit_code", "杭州清源印染有限公司", Level.IMPOSSIBLE),
        ("permit/1", "permit_number", "91330110MA2KQ7XH9P001P", Level.STRONG),
        ("permit/1", "valid_from", "20240910", Level.TYPED),
        ("permit/1", "valid_from", "长期", Level.IMPOSSIBLE),
        ("permit/1", "region", "330110", Level.TYPED),
        ("permit/1", "region", "330110005000", Level.TYPED),
        ("permit/1", "region", "浙江省杭州市余杭区", Level.TYPED),
        ("permit/1", "region", "999999", Level.IMPOSSIBLE),
        ("permit/1", "holder.name", "杭州清源印染有限公司", Level.TYPED),
        ("permit/1", "issuer.name", "杭州市生态环境局余杭分局", Level.TYPED),
        ("permit/1", "site.location.longitude", "119.973512", Level.STRONG),
        ("permit/1", "site.location.longitude", "30.391846", Level.IMPOSSIBLE),
        ("permit/1", "site.location.latitude", "28°13′40″", Level.TYPED),
        ("permit/1", "management_class", "重点管理", Level.STRONG),
        ("permit/1", "status", "2024-09-10", Level.IMPOSSIBLE),
        ("penalty-decision/1", "fine", "20,000.50", Level.TYPED),
        ("penalty-decision/1", "fine", "二万", Level.IMPOSSIBLE),
        ("penalty-decision/1", "facts", "2026-06-30", Level.IMPOSSIBLE),
        ("penalty-decision/1", "facts", "超标排放水污染物", Level.PLAUSIBLE),
        ("inspection/1", "started_at", "1778635800", Level.TYPED),
        ("inspection/1", "certificate_shown", "是", Level.TYPED),
        ("inspection/1", "certificate_shown", "已出示", Level.IMPOSSIBLE),
        ("inspection/1", "officers[].name", "陈立诚、周敏", Level.TYPED),
        ("inspection/1", "officers[].number", "43011000101、43011000102", Level.TYPED),
        ("inspection/1", "party.phone", "0571-00000000", Level.TYPED),
        ("inspection/1", "party.legal_representative", "顾清源", Level.TYPED),
        ("inspection/1", "attachments[].url", "/ydzf/fj/7f3a.jpg", Level.TYPED),
    ],
)
def test_a_value_suits_or_not(document: str, path: str, value: str, expected: Level):
    """One value a case."""
    assert level(document, path, value) is expected


def test_no_value_says_nothing():
    """An empty column is neither right nor wrong."""
    assert level("permit/1", "region") is Level.UNKNOWN


@pytest.mark.parametrize(
    ("values", "patterns"),
    [
        (("20240910",), ("%Y%m%d",)),
        (("2024-09-10", "20240911"), ("%Y-%m-%d", "%Y%m%d")),
        (("2025年8月6日",), ("%Y年%m月%d日",)),
        (("2025-08-06 09:30:00",), ("%Y-%m-%d %H:%M:%S",)),
        (("2025-08-06T09:30:00+08:00",), ("%Y-%m-%dT%H:%M:%S%z",)),
        (("2025-08-06", "无效"), ()),
        (("20241399",), ()),
    ],
)
def test_the_fewest_patterns_that_read_all(values: tuple[str, ...], patterns: tuple[str, ...]):
    """A date pattern is taken only when it reads every value left."""
    assert shapes.dates(values) == patterns


def test_several_values_in_one_text_are_seen():
    """By what stands between them."""
    assert shapes.separator(("罚款、警告",)) == ",，、;"
    assert shapes.separator(("甲；乙，丙", "丁；戊")) == "；;"
    assert shapes.separator(("罚款",)) is None
    assert shapes.pieces((",张晓明,李文静",), ",，") == ("张晓明", "李文静")
    assert shapes.is_range(("2024-09-10至2029-09-09",)) == "至"
