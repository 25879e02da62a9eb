"""What production is made of: licences that may be used, and an SBOM that names every package with its hashes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import supply
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from deployed import ROOT


@pytest.mark.parametrize("name", supply.versions())
def test_a_package_has_a_licence_that_may_be_used(name: str) -> None:
    """An SPDX expression of those that are allowed; a new package with another one stops here."""
    assert supply.is_allowed(supply.licence(name)), f"{name}: {supply.licence(name)}"


@pytest.mark.parametrize("other", ["", "GPL-3.0-only", "MIT AND GPL-2.0-only", "Proprietary", "AGPL-3.0 OR SSPL-1.0"])
def test_another_licence_is_found(other: str) -> None:
    """None at all, one that binds what uses it, and one of several that hold together."""
    assert not supply.is_allowed(other)
    assert supply.is_allowed("MPL-2.0 AND (Apache-2.0 OR GPL-2.0-only)")


def test_the_list_of_licences_is_current() -> None:
    """docs/licences.md is what is pinned."""
    assert supply.PAGE.read_text(encoding="utf-8") == supply.page(), "run scripts/reference.py"


def test_the_sbom_names_everything_with_its_hashes() -> None:
    """Valid by the published schema of CycloneDX 1.6; every pin of production is in it, and nothing of development."""
    written = supply.sbom()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    bom = json.loads(written)
    assert (bom["metadata"]["component"]["name"], bom["bomFormat"]) == ("hutong", "CycloneDX")
    pins = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    named = {one["name"]: {each["content"] for each in one["hashes"]} for one in bom["components"]}
    assert set(named) == set(re.findall(r"^([a-z0-9][\w.-]*)==", pins, re.MULTILINE))
    assert {one for each in named.values() for one in each} == set(re.findall(r"sha256:([0-9a-f]{64})", pins))
    assert "pytest" not in named
    assert str(Path.home()) not in written


def test_the_licence_is_there_as_a_whole() -> None:
    """Of the product: Apache 2.0 from its title to its appendix; and what NOTICE names is there."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    for part in ("Version 2.0, January 2004", "9. Accepting Warranty", "END OF TERMS AND CONDITIONS", "APPENDIX"):
        assert part in text
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert all((ROOT / name).is_file() for name in re.findall(r"[\w/.-]+\.md", notice))
