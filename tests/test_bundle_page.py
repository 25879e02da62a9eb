"""The page of the bundle syntax and the editors' schemas: current, and true of every bundle there is."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import bundle_page
import editor
import jsonschema_rs
import pytest

from adapters import source
from adapters.mapping import REGISTRY
from adapters.mapping.syntax import CONDITION, MEANINGS, PURPOSES, SHAPES, TOP

ROOT = Path(__file__).parents[1]
FOLDERS = ("adapters/*", "deploy/examples/*", "tests/adapters/bundles/*")
MANIFESTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/adapter.yaml"))
MAPPINGS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/mappings/*.yaml"))
EXAMPLES = re.findall(r"```yaml\n(document: .*?)```", bundle_page.PAGE.read_text(encoding="utf-8"), re.DOTALL)


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.validator_for((editor.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


def _faults(name: str, text: bytes) -> list[str]:
    value = json.loads(json.dumps(source.load(text, name).value, default=_number))
    return [f"{list(error.instance_path)} {error.message}" for error in _validator(name).iter_errors(value)]


def _number(value: Any) -> float:
    assert isinstance(value, Decimal)
    return float(value)


def test_the_page_is_current():
    """Every key, converter and limit stands in docs/bundle.md as the grammar has it."""
    assert bundle_page.PAGE.read_text(encoding="utf-8") == bundle_page.page(), "run scripts/reference.py"


def test_every_table_has_its_place():
    """And every place its table."""
    places = re.findall(r"<!-- ([a-z-]+) -->", bundle_page.PAGE.read_text(encoding="utf-8"))
    assert sorted(places) == sorted(bundle_page.TABLES)


@pytest.mark.parametrize("path", editor.files(), ids=lambda path: path.name)
def test_the_schemas_are_current(path):
    """Editors see the grammar as it is."""
    assert path.read_text(encoding="utf-8") == editor.files()[path], "run scripts/reference.py"


def test_every_word_is_explained():
    """In both languages."""
    used = {*TOP, *CONDITION, *(key for keys in SHAPES.values() for key in keys)}
    assert used == MEANINGS.keys()
    assert SHAPES.keys() == PURPOSES.keys()
    assert all(text.zh and text.en for text in (*MEANINGS.values(), *PURPOSES.values()))


def test_every_key_of_the_manifest_is_explained():
    """In both languages, on the page and in the editor."""
    for line in bundle_page.PAGE.read_text(encoding="utf-8").split("## mappings")[0].splitlines():
        if line.startswith("| `") and line.count(" | ") == 3:
            _, _, meaning, chinese = line.strip("| ").split(" | ")
            assert meaning.endswith("."), line
            assert re.search(r"[\u4e00-\u9fff]|json", chinese), line


def test_every_converter_is_on_the_page():
    """With its argument, domain and examples."""
    text = bundle_page.PAGE.read_text(encoding="utf-8")
    assert all(f"#### `{name}`\n" in text for name in REGISTRY)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_every_manifest_fits_the_editors_schema(path):
    """Nothing that works is underlined."""
    assert _faults("adapter", path.read_bytes()) == []


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_every_mapping_fits_the_editors_schema(path):
    """Nothing that works is underlined."""
    assert _faults("mapping", path.read_bytes()) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_the_examples_on_the_page_fit_too(example):
    """What the page shows can be written."""
    assert _faults("mapping", example.encode()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mapping", "{document: permit/9, fields: {permit_number: A}}"),
        ("mapping", "{document: permit/1, fields: {permit_nummer: A}}"),
        ("mapping", "{document: permit/1, fields: {permit_number: {at: A, as: textt}}}"),
        ("mapping", "{document: permit/1, fields: {permit_number: {at: A, as: code}}}"),
        ("mapping", "{document: permit/1, fields: {permit_number: {at: A, when: {is: 1}}}}"),
        ("mapping", "{document: permit/1, fields: {permit_number: {att: A}}}"),
        ("mapping", "{document: case-file/1, fields: {violations: {each: 'A[]', fields: {fact: B}}}}"),
        ("mapping", "{document: case-file/1, fields: {violations: {each: A, fields: {facts: B}}}}"),
        ("mapping", "{document: permit/1, fields: {permit_number: A}, unknown: maybe}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a, kind: a, format: {body: yaml}}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a, kind: a, limits: {timeout: 10 seconds}}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a, kind: a, sends: {permit.change: {}}}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a, kind: a, receives: {x: {type: permit, mapping: m}}}"),
        ("adapter", "{adapter: a, version: 1.0.0, title: a, kind: a, auth: {scheme: basic, user: x}}"),
    ],
)
def test_what_is_wrong_is_underlined(name, text):
    """A key, a field, a converter, a value."""
    assert _faults(name, text.encode())
