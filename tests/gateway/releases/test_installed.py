"""Installed adapters: bundled and the operator's own, by name and version."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

import adapters
from adapters.source import BrokenBundle
from gateway.errors import HutongError, NotFound
from gateway.releases.installed import InstalledAdapters, install


def test_the_bundled_adapters_are_there():
    """Six come with the product."""
    assert {one.name for one in install().all()} == {
        "canonical",
        "construction-project",
        "credit-publicity",
        "mobile-enforcement",
        "penalty",
        "pollutant-permit",
    }


def test_a_folder_of_bundles_adds_to_them(tmp_path):
    """A province's own bundle beside ours; what is no bundle is passed over."""
    shutil.copytree(adapters.bundled()["penalty"], tmp_path / "zhejiang")
    manifest = tmp_path / "zhejiang" / "adapter.yaml"
    manifest.write_text(manifest.read_text().replace("adapter: penalty", "adapter: penalty-zhejiang", 1))
    (tmp_path / "notes").mkdir()
    assert install([tmp_path]).get("penalty-zhejiang").kind == "penalty"
    assert install([tmp_path / "zhejiang"]).get("penalty-zhejiang").name == "penalty-zhejiang"


def test_a_broken_bundle_stops_the_start_with_its_line(tmp_path):
    """Better now than at the first message."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "adapter.yaml").write_text("adapter: odd\nnonsense: 1\n")
    with pytest.raises(BrokenBundle) as caught:
        install([tmp_path])
    assert caught.value.findings[0].line > 0


def test_a_folder_that_is_not_there_names_the_setting(tmp_path):
    """HUTONG_ADAPTERS is the remedy."""
    with pytest.raises(HutongError, match="HUTONG_ADAPTERS"):
        install([tmp_path / "none"])


def test_without_a_version_the_newest_counts(plain):
    """Semantic versions: 1.10 is newer than 1.9, a release than its pre-release."""
    known = InstalledAdapters([replace(plain, version=one) for one in ("1.9.0", "1.10.0", "1.10.0-rc1")])
    assert known.get("plain").version == "1.10.0"
    assert known.get("plain", "1.9.0").version == "1.9.0"
    assert [one.version for one in known.all()] == ["1.9.0", "1.10.0-rc1", "1.10.0"]


def test_one_version_with_two_contents_is_an_error(plain):
    """A published version never changes."""
    with pytest.raises(HutongError, match="two different bundles"):
        InstalledAdapters([plain, replace(plain, digest="1" * 64)])
    assert InstalledAdapters([plain, replace(plain)]).get("plain") == plain


def test_what_is_not_installed_is_not_found_and_cannot_send(plain):
    """The error lists what there is."""
    known = InstalledAdapters([plain])
    with pytest.raises(NotFound, match=r"plain 1\.0\.0"):
        known.get("other")
    with pytest.raises(NotFound):
        known.get("plain", "2.0.0")
    assert known.can_send(Speaker("plain"), "case.transferred")
    assert not known.can_send(Speaker("other"), "case.transferred")


class Speaker:
    """Whoever speaks an adapter."""

    def __init__(self, adapter: str, version: str | None = None) -> None:
        self.adapter = adapter
        self.version = version
