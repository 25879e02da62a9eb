"""The two provincial examples: proven like the bundled adapters, on their double too."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import DeclarativeAdapter, load
from adapters.base import Reply, VerdictKind
from adapters.check import check
from gateway.sandbox.conformance import prove
from schemas.findings import Rejected

FOLDER = Path(__file__).parents[3] / "deploy" / "examples"
EXAMPLES = sorted(path.parent for path in FOLDER.glob("*/adapter.yaml"))


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.name)
def example(request: pytest.FixtureRequest) -> Path:
    """One example's folder."""
    return Path(request.param)


@pytest.fixture(scope="module")
def guizhou() -> DeclarativeAdapter:
    """The GBK XML with Chinese tags."""
    return load(FOLDER / "guizhou-project")


def test_there_are_two_of_different_style() -> None:
    """Pinyin JSON in UTF-8, and Chinese tags in GBK."""
    spoken = {path.name: load(path).bundle.manifest.format for path in EXAMPLES}
    assert {(one.body, one.charset) for one in spoken.values()} == {("json", "utf-8"), ("xml", "gbk")}


def test_an_example_has_nothing_to_mend(example: Path) -> None:
    """Neither in its files nor before its own double."""
    assert check(example).findings == ()
    assert prove(load(example)) == ()


def test_everything_it_speaks_has_three_samples(example: Path) -> None:
    """Enough to start a draft from."""
    adapter = load(example)
    for name in (*adapter.receives, *adapter.sends):
        assert len(list((example / "samples" / name).glob("*.native.*"))) >= 3


def test_its_readme_names_everything_it_speaks(example: Path) -> None:
    """And what it loses."""
    text = (example / "README.md").read_text("utf-8")
    adapter = load(example)
    assert all(f"`{name}`" in text for name in (*adapter.receives, *adapter.sends))
    assert "## 损失" in text


def _package(guizhou: DeclarativeAdapter, old: str, new: str) -> bytes:
    text = guizhou.bundle.files["samples/approval/1.native.xml"].decode("gbk")
    assert old in text
    return text.replace(old, new).encode("gbk")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<记录数>2</记录数>", "<记录数>3</记录数>", "envelope.count"),
        ("<记录数>2</记录数>", "", "envelope.count"),
        ("<数据类型>环评批复</数据类型>", "<数据类型>竣工验收</数据类型>", "envelope.require"),
    ],
)
def test_the_head_must_agree_with_the_records(guizhou: DeclarativeAdapter, old: str, new: str, code: str) -> None:
    """A count two levels down in the head, and the type of the package."""
    with pytest.raises(Rejected) as caught:
        guizhou.read("approval", _package(guizhou, old, new))
    assert caught.value.code == code


def test_a_count_may_be_padded(guizhou: DeclarativeAdapter) -> None:
    """It is a number, however it is written."""
    assert len(guizhou.read("approval", _package(guizhou, "<记录数>2<", "<记录数>02<")).records) == 2


def test_one_bad_record_leaves_the_other(guizhou: DeclarativeAdapter) -> None:
    """The platform's own schema is applied record by record."""
    first, second = guizhou.read("approval", _package(guizhou, "<环评类别>报告表<", "<环评类别>报告<")).records
    assert guizhou.translate_in("approval", first).document["form"] == "report-book"
    with pytest.raises(Rejected):
        guizhou.translate_in("approval", second)


def test_the_caller_is_answered_in_its_own_format(guizhou: DeclarativeAdapter) -> None:
    """GBK XML with Chinese tags."""
    answer = guizhou.answer("approval", accepted=True, values={"message_id": "M-1"})
    assert answer is not None
    assert "<受理编号>M-1</受理编号>" in answer.body.decode("gbk")


@pytest.mark.parametrize(
    ("root", "code", "kind"),
    [
        ("应答", "0", VerdictKind.ACCEPTED),
        ("应答", "2", VerdictKind.REFUSED),
        ("应答", "9", VerdictKind.RETRY),
        ("应答", "7", VerdictKind.DEAD),
        ("html", "0", VerdictKind.RETRY),
    ],
)
def test_a_reply_is_read_by_its_root_and_code(
    guizhou: DeclarativeAdapter, root: str, code: str, kind: VerdictKind
) -> None:
    """Anything but the agreed root is no answer."""
    body = f'<?xml version="1.0" encoding="GBK"?><{root}><结果代码>{code}</结果代码></{root}>'.encode("gbk")
    assert guizhou.judge("inspection.recorded", Reply(200, {}, body)).kind is kind
