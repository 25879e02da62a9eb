"""The halves that samples lack: of what is received, of what is sent, of what is asked for."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest

from adapters import DeclarativeAdapter, bundle, bundled
from adapters.suggest import missing_pairs

NATIVE = {"件": {"案号": "A1", "环节": "filed", "时间": "2026-05-22T10:00:00+08:00"}}
CANONICAL = {"case_number": "A1", "node": "filed", "at": "2026-05-22T10:00:00+08:00"}
_MANIFEST = """
adapter: town
version: 1.0.0
title: 镇平台
kind: penalty
{section}
"""
_RECEIVES = 'receives: {progress: {type: case.progressed, mapping: progress, split: "件[]"}}'
_SENDS = (
    "sends: {case.progressed: {mapping: progress, request: {path: /p},"
    ' envelope: {件: "{record}"}, reply: [{when: {status: 2xx}, verdict: accepted}]}}'
)
_MAPPING = "document: case-progress/1\nfields: {case_number: 案号, node: 环节, at: 时间}\n"


def _adapter(section: str, **files: object) -> DeclarativeAdapter:
    written = {"adapter.yaml": _MANIFEST.format(section=section).encode(), "mappings/progress.yaml": _MAPPING.encode()}
    written |= {f"samples/{name}": orjson.dumps(tree) for name, tree in files.items()}
    return DeclarativeAdapter(bundle.assemble({name: written[name] for name in sorted(written)}))


def _made(adapter: DeclarativeAdapter) -> Mapping[str, object]:
    pairs = missing_pairs(adapter)
    assert not pairs.refused
    return {name: orjson.loads(content) for name, content in pairs.made.items()}


def test_what_is_received_in_packages_becomes_a_list() -> None:
    """One document a record, as the check compares them."""
    adapter = _adapter(_RECEIVES, **{"progress/1.native.json": NATIVE})
    assert _made(adapter) == {"samples/progress/1.canonical.json": [CANONICAL]}


def test_what_is_sent_becomes_one_document() -> None:
    """Read back by the mapping it is written with, out of its envelope."""
    adapter = _adapter(_SENDS, **{"case.progressed/1.native.json": NATIVE})
    assert _made(adapter) == {"samples/case.progressed/1.canonical.json": CANONICAL}


def test_a_list_made_while_it_was_received_becomes_the_document() -> None:
    """Corrections made by hand are kept."""
    halves = {
        "case.progressed/1.native.json": NATIVE,
        "case.progressed/1.canonical.json": [CANONICAL | {"opinion": "x"}],
    }
    assert _made(_adapter(_SENDS, **halves)) == {
        "samples/case.progressed/1.canonical.json": CANONICAL | {"opinion": "x"}
    }


def test_a_pair_that_is_whole_is_left_alone() -> None:
    """Nothing is written twice."""
    halves = {"case.progressed/1.native.json": NATIVE, "case.progressed/1.canonical.json": CANONICAL}
    assert _made(_adapter(_SENDS, **halves)) == {}


@pytest.mark.parametrize("half", [{}, {"progress/1.canonical.json": [CANONICAL]}])
def test_samples_of_what_was_moved_away_are_told(half: Mapping[str, object]) -> None:
    """With the folders that they could be in."""
    pairs = missing_pairs(_adapter(_SENDS, **{"progress/1.native.json": NATIVE, **half}))
    [(file, error)] = pairs.refused.items()
    assert (file, error.code) == ("samples/progress/1.native.json", "sample.unknown")
    assert "case.progressed" in error.detail.zh


@pytest.mark.parametrize(
    "files",
    [
        {"case.progressed/1.native.json": {"件": [NATIVE["件"], NATIVE["件"]]}},
        {"case.progressed/1.native.json": NATIVE, "case.progressed/1.canonical.json": [CANONICAL, CANONICAL]},
    ],
)
def test_a_message_that_is_sent_holds_one_document(files: Mapping[str, object]) -> None:
    """Which of several it is, is for a human to say."""
    pairs = missing_pairs(_adapter(_SENDS, **files))
    assert [error.code for error in pairs.refused.values()] == ["sample.several"]
    assert not pairs.made


@pytest.mark.parametrize("name", sorted(bundled()))
def test_what_the_bundled_adapters_send_is_read_back(name: str) -> None:
    """Every native sample finds its half again, whatever it is a sample of."""
    files = bundle.load(bundled()[name]).files
    golden = {path for path in files if path.endswith(".canonical.json")}
    adapter = DeclarativeAdapter(
        bundle.assemble({path: content for path, content in files.items() if path not in golden})
    )
    pairs = missing_pairs(adapter)
    assert not pairs.refused
    assert pairs.made.keys() == golden
    for path in golden:
        lists = [isinstance(orjson.loads(half), list) for half in (files[path], pairs.made[path])]
        assert lists[0] == lists[1]
