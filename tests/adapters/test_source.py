"""Reading a bundle's YAML: plain values with lines, and nothing clever."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.source import BrokenBundle, Source, load


def _fault(text: bytes) -> tuple[str, int, int]:
    with pytest.raises(BrokenBundle) as caught:
        load(text, "adapter.yaml")
    finding = caught.value.findings[0]
    assert finding.file == "adapter.yaml"
    assert finding.remedy.zh
    assert finding.remedy.en
    return finding.code, finding.line, finding.column


def test_values_are_plain_and_remember_their_lines() -> None:
    """Each value is known by the keys that lead to it."""
    source = load("甲: 1\nlist:\n  - {a: b}\n  - c\n".encode(), "x.yaml")
    assert source.value == {"甲": 1, "list": [{"a": "b"}, "c"]}
    assert [source.line("甲"), source.line("list", 0, "a"), source.line("list", 1)] == [1, 3, 4]
    assert source.mark("list", 0, "a") == (3, 6)


def test_an_unknown_place_is_told_by_what_is_around_it() -> None:
    """A missing key is reported where it should have been written."""
    source = load(b"a:\n  b: 1\n", "x.yaml")
    assert source.line("a", "missing") == 1
    assert Source("y", {}).line("z") == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("01", "01"),
        ("0", 0),
        ("1.50", Decimal("1.50")),
        ("'1'", "1"),
        ("true", True),
        ("yes", "yes"),
        ("on", "on"),
        ("2xx", "2xx"),
        ("~", None),
        ("2024-09-10", "2024-09-10"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("''", ""),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Only what YAML 1.2 calls a number, truth or nothing is one; a code with a leading zero is text."""
    source = load(f"on: {text}".encode(), "x.yaml")
    assert source.value == {"on": value}
    assert type(source.value["on"]) is type(value)


def test_keys_are_always_text() -> None:
    """A key that looks like a number or a word of YAML is still a name."""
    assert load(b"404: a\nnull: b\ntrue: c\n", "x").value == {"404": "a", "null": "b", "true": "c"}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (b"a: 1\na: 2\n", "yaml.duplicate-key", 2),
        (b"a: &x 1\n", "yaml.alias", 1),
        (b"b: 1\na: *x\n", "yaml.alias", 2),
        (b"a: !!python/object:os.system 1\n", "yaml.tag", 1),
        (b"a: 1\n---\nb: 2\n", "yaml.documents", 2),
        (b"a: [1, 2\nb: 3\n", "yaml.syntax", 2),
        (b"a: 1\n\tb: 2\n", "yaml.syntax", 2),
        (b"? [a]\n: 1\n", "yaml.key", 1),
        (b"a: b\n\xff: c\n", "yaml.encoding", 2),
        (b"", "yaml.empty", 1),
        (b"# nothing\n", "yaml.empty", 1),
        (b"a: \x00\n", "yaml.syntax", 1),
        (b"[" * 40, "yaml.depth", 1),
        (b"a" * (256 * 1024 + 1), "yaml.size", 1),
    ],
)
def test_what_is_rejected_is_told_with_its_line(text: bytes, code: str, line: int) -> None:
    """Every rejection names the file, the line and what to do."""
    found, at, _ = _fault(text)
    assert (found, at) == (code, line)


def test_a_million_laughs_cost_nothing() -> None:
    """Entity-bomb shapes stop at their first anchor."""
    bomb = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i) for i in range(20))
    assert _fault(bomb)[0] == "yaml.alias"
