"""The bundled adapters without their rate limits, for tests and benchmarks that are in a hurry."""

from __future__ import annotations

import shutil
from pathlib import Path

from adapters.adapter import bundled

LIMITS = "limits: {concurrency: 32, timeout: 30s}"


def unlimited(folder: Path, *names: str) -> Path:
    """Copy bundles (all, unless named) into `folder` as `fast-NAME`, the same in everything but their limits."""
    for name in names or bundled():
        copy = folder / f"fast-{name}"
        shutil.copytree(bundled()[name], copy)
        manifest = copy / "adapter.yaml"
        lines = manifest.read_text(encoding="utf-8").splitlines()
        kept = [LIMITS if line.startswith("limits:") else line for line in lines]
        text = "\n".join(kept).replace(f"adapter: {name}\n", f"adapter: fast-{name}\n", 1)
        manifest.write_text(text + "\n", encoding="utf-8")
    return folder
