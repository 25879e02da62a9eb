"""The bundles that come with the product."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapters.bundle.files import MANIFEST


def bundled() -> Mapping[str, Path]:
    """Give the folder of each bundled adapter by its name."""
    here = Path(__file__).parent
    return {folder.name: folder for folder in sorted(here.iterdir()) if (folder / MANIFEST).is_file()}
