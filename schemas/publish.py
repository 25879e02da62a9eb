"""The published JSON Schema of every document: made from the models, never written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.documents import MODELS

PUBLISHED = Path(__file__).parent / "published"
"""Where the schemas that belong to this release are kept."""


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a document such as `permit/1`; raises KeyError for an unknown one.

    Fields carry `x-type`, codes their table and titles, and what is personal `"personal": true`.
    """
    model = MODELS[name]
    document, _, version = name.partition("/")
    schema = model.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hutong:schema:{document}:{version}",
        "title": model.TITLE,
    }
    return head | {key: value for key, value in schema.items() if key != "title"}


def export(directory: Path) -> list[Path]:
    """Write every schema to `<directory>/<document>/<version>.json`; return the files in order."""
    written = []
    for name in MODELS:
        target = directory / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(json_schema(name), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.append(target)
    return written
