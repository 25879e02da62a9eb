"""Write the canonical bundle's native schemas from the published ones. A test keeps them current."""

from __future__ import annotations

import json
from typing import Any

from adapters.adapter import bundled
from schemas.documents import NAMES
from schemas.publish import json_schema

FOLDER = bundled()["canonical"] / "native"


def native(document: str) -> dict[str, Any]:
    """Give a document's schema as the bundle has it: without its `$id`, and without patterns that look around."""
    published = json_schema(document)
    del published["$id"]
    linear: dict[str, Any] = _linear(published)
    return linear


def _linear(node: Any) -> Any:
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not (k == "pattern" and isinstance(v, str) and "(?!" in v)}
        return {name: _linear(value) for name, value in kept.items()}
    return [_linear(one) for one in node] if isinstance(node, list) else node


if __name__ == "__main__":
    for name in NAMES:
        text = json.dumps(native(name), ensure_ascii=False, indent=2)
        (FOLDER / f"{name.partition('/')[0]}.schema.json").write_text(text + "\n", encoding="utf-8")
