"""The converter language as a whole: documented, with examples that run."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.mapping.converters import REGISTRY, BadArgument, Kind, Specimen, build

_EXAMPLES = [(kind, example) for kind in REGISTRY.values() for example in kind.examples]
_NAMES = [
    *("text", "int", "decimal", "scale", "bool", "date", "datetime", "epoch", "range", "code", "split", "pad"),
    *("strip", "prefix", "region-name", "coordinates", "embedded", "document-number"),
]


def test_every_promised_name_is_there() -> None:
    """The names mappings may rely on."""
    assert set(_NAMES) <= REGISTRY.keys()


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=lambda kind: kind.name)
def test_every_converter_is_documented(kind: Kind) -> None:
    """A line and a domain in both languages, and at least one example."""
    for text in (kind.title, kind.domain):
        assert text.zh
        assert text.en
        assert "\n" not in text.en
    assert kind.examples


@pytest.mark.parametrize(("kind", "example"), _EXAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_every_example_runs(kind: Kind, example: Specimen) -> None:
    """Forward as shown, backward as shown."""
    converter = build(kind.name, example.argument, {})
    assert converter.forward(example.native) == example.canonical
    written = converter.backward(example.canonical)
    assert written == (list(example.out.values()) if kind.name == "join" else example.out)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("nonsense", None),
        ("text", 1),
        ("scale", None),
        ("scale", 0),
        ("scale", "x"),
        ("bool", [1]),
        ("bool", ["1", 1]),
        ("bool", ["1", ["0", "1"]]),
        ("bool", ["1", []]),
        ("suffix", ""),
        ("grouped", ","),
        ("region-name", "999999"),
        ("region-name", {"under": 330000}),
        ("region-name", {"on": "省"}),
        ("date", "%Q"),
        ("date", "%Y%Y%m%d"),
        ("date", "%Y-%m"),
        ("date", ["%Y%m%d"] * 9),
        ("epoch", "us"),
        ("range", ""),
        ("code", "missing"),
        ("split", "x" * 65),
        ("pad", 0),
        ("pad", True),
        ("strip", ""),
        ("coordinates", "mars"),
        ("embedded", "yaml"),
        ("region-code", 7),
        ("join", None),
    ],
)
def test_a_wrong_argument_is_told_before_any_message(name: str, argument: Any) -> None:
    """In both languages."""
    with pytest.raises(BadArgument) as caught:
        build(name, argument, {})
    assert caught.value.message.zh
    assert caught.value.message.en


def test_a_label_says_what_the_mapping_wrote() -> None:
    """For lineage."""
    assert build("date", ["%Y%m%d", "%Y-%m-%d"], {}).label == "date: %Y%m%d, %Y-%m-%d"
    assert build("decimal", None, {}).label == "decimal"
