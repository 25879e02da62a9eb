"""The quick reader of YAML says what the strict one says: every value, every line and column, every fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from adapters import source
from adapters.source import BrokenBundle, BundleFinding, Source
from schemas import yaml_events
from schemas.yaml_events import BadYaml, YamlEvent

ROOT = Path(__file__).parents[2]
FILES = sorted(one for top in ("adapters", "schemas", "tests/adapters") for one in (ROOT / top).rglob("*.yaml"))
TEXTS = {str(one.relative_to(ROOT)): one.read_text("utf-8") for one in FILES}

PIECES = (
    *"ab01  ::--,[]{}#'\"|>?&*!%@\\~`.\n\n\n=<+\t\r",
    *(
        "a: ",
        "- ",
        "\n  ",
        "\n ",
        "''",
        '""',
        ": ",
        "甲",
        "😀",
        "- - ",
        "? ",
        ":\n",
        " #",
        "# c",
        "\n\n",
        "\u2028",
        "\x85",
    ),
    *("|\n", "|-\n", ">\n", "|2\n", "---\n", "...\n", "%YAML 1.1\n", "!!str ", "! ", "&a ", "*a", "{a: b}", "[a, b]"),
    *("\\n", "\\u4e00", "\\x", "\\/", "\\\n"),
)
"""What means something in YAML, and what looks as if it did."""

FAULTY = (
    *(
        "a: 1\na: 2\n",
        "a: &x 1\n",
        "b: 1\na: *x\n",
        "a: !!python/object:os.system 1\n",
        "a: ! 1\n",
        "a: 1\n---\nb: 2\n",
    ),
    *(
        "a: [1, 2\nb: 3\n",
        "a: 1\n\tb: 2\n",
        "? [a]\n: 1\n",
        "a: \x00\n",
        "[" * 40,
        "- " * 40,
        "a: [" + "1," * 20_001 + "1]",
    ),
    *("", "# nothing\n", "~", "a: b: c\n", "a: 'b\n", '"\\q"', "a: @b\n", "a: `b`\n", "<<: *base\n", "a: b\n c\nd\n"),
    "a: &a [x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
)
"""Texts that are refused, in every way there is."""


def test_the_quick_reader_is_here() -> None:
    """The wheel that is pinned has libyaml; without it every bundle would be read slowly, and nothing be compared."""
    assert yaml_events.QUICK, "PyYAML is built without libyaml here: `make setup` installs the wheel that has it"


def _events(read: Iterator[YamlEvent] | None) -> Sequence[YamlEvent] | None:
    """Give all events; None when the reader does not read the text or finds it broken."""
    try:
        return None if read is None else list(read)
    except BadYaml:
        return None


def _read(text: str) -> Source | Sequence[BundleFinding]:
    """Give what a file of a bundle becomes: values with their lines, or findings."""
    try:
        return source.load(text.encode("utf-8"), "adapter.yaml")
    except BrokenBundle as broken:
        return broken.findings


def _read_strictly(text: str, monkeypatch: pytest.MonkeyPatch) -> Source | Sequence[BundleFinding]:
    with monkeypatch.context() as here:
        here.setattr(yaml_events, "QUICK", False)
        return _read(text)


@pytest.mark.parametrize("name", TEXTS)
def test_a_bundle_is_read_quickly_and_alike(name: str) -> None:
    """Every file of every bundle is one that both read, with the same events at the same places."""
    quick = _events(yaml_events.quick(TEXTS[name]))
    assert quick
    assert quick == _events(yaml_events.strict(TEXTS[name]))


def test_what_is_made_of_pieces_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes it takes as the strict reader does: texts of any pieces, and lines of bundles spoilt by some."""
    random, taken = Random(7), 0
    lines = [line for text in TEXTS.values() for line in text.splitlines()]
    for turn in range(1500):
        text = [random.choice(PIECES) for _ in range(random.randint(1, 14))]
        if turn % 2:
            at = random.randrange(len(lines))
            text = list("\n".join(lines[at : at + random.randint(1, 4)]))
            for _ in range(random.randint(1, 3)):
                place = random.randrange(len(text) + 1)
                text[place : place + random.choice((0, 1, 3))] = random.choice(PIECES)
        whole = "".join(text)
        quick = source._quickly(whole, "adapter.yaml")
        if quick is not None:
            taken += 1
            assert quick == _read_strictly(whole, monkeypatch), whole
    assert taken > 200


@pytest.mark.parametrize("text", FAULTY, ids=[repr(one[:20]) for one in FAULTY])
def test_faults_are_the_strict_readers(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault has the same words, line and column, whichever readers there are."""
    found = _read(text)
    assert not isinstance(found, Source)
    assert found == _read_strictly(text, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  b\n",
        "a: >-\n  b\n",
        "|\n# b",
        "a: |#b\n",
        "a:\tb\n",
        "a: b\r\nc: d\n",
        "a: b\u2028c: d\n",
        "a: \x85b\n",
        "a: \x7f\n",
        "{? \n}# c\n",
        'a: ["b":, c]\n',
        "{a:}\n",
        "a: b\n...\n...\n",
    ],
)
def test_what_they_read_differently_is_read_strictly(text: str) -> None:
    """Block scalars, odd keys and ends, tabs, other breaks and what may not be printed are read strictly."""
    assert yaml_events.quick(text) is None


@pytest.mark.parametrize("name", [one for one in TEXTS if one.startswith("adapters/penalty/")])
def test_without_libyaml_a_bundle_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no quick reader, the strict one reads everything."""
    assert _read_strictly(TEXTS[name], monkeypatch) == _read(TEXTS[name])
