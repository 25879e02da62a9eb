"""The bundles that come with the product are found by name."""

from __future__ import annotations

from adapters import bundled, load


def test_each_folder_is_named_after_its_adapter() -> None:
    """So that a name is a folder."""
    assert set(bundled()) >= {"canonical", "penalty"}
    assert all(load(path).name == name for name, path in bundled().items())
