"""What a name may mean: one case a way of naming."""

import pytest

from adapters.suggest import naming, terms
from adapters.suggest.terms import vocabulary


def best(name: str, document: str, prefixes: frozenset[str] = frozenset()) -> str:
    """The likeliest meaning."""
    return naming.matches(name, vocabulary(document), prefixes)[0].target


@pytest.mark.parametrize(
    ("name", "document", "target"),
    [
        ("统一社会信用代码", "permit/1", "holder.credit_code"),
        ("项目实际总投资(万元)", "project-acceptance/1", "investment"),
        ("处罚决定时间", "penalty-decision/1", "decided_on"),
        ("TYSHXYDM", "permit/1", "holder.credit_code"),
        ("tyshxydm", "inspection/1", "party.credit_code"),
        ("STARTTIME_", "inspection/1", "started_at"),
        ("qiyemingcheng", "permit/1", "holder.name"),
        ("QiYeMingCheng", "permit/1", "holder.name"),
        ("creditCode", "permit/1", "holder.credit_code"),
        ("permit_no", "permit/1", "permit_number"),
        ("PUNISHDECIDETIME", "penalty-decision/1", "decided_on"),
        ("caseNumber", "case-file/1", "case_number"),
        ("PunishTypes", "penalty-decision/1", "kinds[]"),
        ("BZ", "permit/1", "-"),
        ("ZZJGDM", "permit/1", "-"),
    ],
)
def test_a_name_is_understood(name: str, document: str, target: str):
    """By Chinese, initials, pinyin or English words."""
    assert best(name, document) == target


def test_what_many_columns_begin_with_is_no_part_of_a_name():
    """CF_ before every column says 处罚, not part of the initials."""
    prefixes = naming.table_prefixes(["CF_XDR_MC", "CF_WSH", "CF_JDRQ", "CF_NR"])
    assert prefixes == frozenset({"cf"})
    assert best("CF_XDR_MC", "penalty-decision/1", prefixes) == "party.name"


def test_the_reason_says_how_it_was_told():
    """A person reads why."""
    [match, *_] = naming.matches("TYSHXYDM", vocabulary("permit/1"))
    assert match.reason == "拼音首字母 TYSHXYDM = 统一社会信用代码"


def test_two_meanings_are_both_given():
    """CFJG is 处罚机关 here and 处罚结果 there."""
    targets = {match.target for match in naming.matches("CFJG", vocabulary("penalty-decision/1"))}
    assert {"authority.name", "content"} <= targets


@pytest.mark.parametrize(
    ("names", "document", "container"),
    [
        (("PARTY",), "case-file/1", "party"),
        (("当事人信息", "当事人"), "case-file/1", "party"),
        (("附件列表", "附件"), "inspection/1", "attachments[]"),
        (("FILEINFO",), "case-file/1", "attachments[]"),
        (("DATA",), "case-file/1", None),
    ],
)
def test_what_a_column_lies_in_is_understood(names: tuple[str, ...], document: str, container: str | None):
    """An object around a column says whose name or number it holds."""
    assert naming.container(names, document) == container


def test_letters_run_together_are_taken_apart_only_into_known_words():
    """HANDLEPEOPLENAMES is three words, XKZNUM is none."""
    assert terms.words("handle people names") == ("handle", "people", "name")
    assert naming.matches("XQZZNUM", vocabulary("permit/1")) == ()


def test_a_name_without_end_costs_little():
    """Only the first letters of a hostile name are looked at."""
    assert naming.matches("A" * 100_000, vocabulary("permit/1")) == ()


@pytest.mark.parametrize(
    ("term", "letters"), [("调度编号", "ddbh"), ("行业类别", "hylb"), ("重点区域", "zdqy"), ("重大变动", "zdbd")]
)
def test_characters_of_several_readings_are_read_by_their_word(term: str, letters: str):
    """调 is d in 调度, 行 is h in 行业."""
    assert terms.initials(term) == letters
