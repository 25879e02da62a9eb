"""The published JSON Schemas are the models', and valid."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import jsonschema_rs
import pytest

from schemas.documents import NAMES, fields
from schemas.evolution import breaks
from schemas.publish import PUBLISHED, export, json_schema
from schemas.samples import sample


def test_published_schemas_are_current(tmp_path: Path) -> None:
    """Run `hutong schemas export` after a change; this is how you notice."""
    written = export(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in written] == [f"{name}.json" for name in NAMES]
    for path in written:
        kept = PUBLISHED / path.relative_to(tmp_path)
        assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), kept
    assert len(list(PUBLISHED.rglob("*.json"))) == len(written)


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_valid_under_the_published_schema(name: str) -> None:
    """The schema says what the check says."""
    validator = jsonschema_rs.validator_for(json_schema(name))
    for seed in range(30):
        validator.validate(sample(name, Random(seed)))


@pytest.mark.parametrize("name", NAMES)
def test_published_versions_still_read_what_was_published(name: str) -> None:
    """A model may only widen its published version; otherwise it is a new one."""
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert breaks(published, json_schema(name)) == ()


def test_personal_fields_are_marked() -> None:
    """In the schema as in the field list."""
    party = json_schema("case-file/1")["$defs"]["Party"]["properties"]
    marked = {name for name, field in party.items() if field.get("personal")}
    assert marked == {"citizen_id", "legal_representative", "address", "phone"}
    listed = {path for path, field in fields("case-file/1").items() if field.personal}
    within = {*marked, "certificate.number"}
    assert listed == {f"{party}.{name}" for party in ("party", "other_parties[]") for name in within}
