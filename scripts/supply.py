"""What production is made of: every package with its licence, held to what may be used; and the same as an SBOM.

    .venv/bin/python scripts/supply.py build/sbom.cdx.json

Needs no network: names, versions and hashes are those of the production pins, licences what the installed packages say.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import production
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

PAGE = production.ROOT / "docs" / "licences.md"

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
    }
)
"""Licences (SPDX) of what production may be made of. LGPL: used as a library, as it is published, and replaceable."""

SPELLED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""How packages that say no SPDX expression write it."""

STATED = {
    # It says both; the texts of the two are in the package, and either may be chosen.
    "uvloop": "MIT OR Apache-2.0",
    # It says LGPL without a version; its classifier and its COPYING say which.
    "python-stdnum": "LGPL-2.1-or-later",
}
"""Where what a package says of itself is not all of it."""

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_HEAD = """# Licences of what production is made of

Every package of `deploy/requirements.txt` with its licence (SPDX), as it says itself. `scripts/reference.py` writes
this page; the tests fail when it is not current, or when a licence is none of those that `scripts/supply.py` allows.
`make sbom` writes the same as a CycloneDX SBOM, with the hashes. Data that came with another licence is named in
[NOTICE](../NOTICE).

| package | version | licence |
| --- | --- | --- |
"""


def versions() -> Mapping[str, str]:
    """Give every package that production needs, with its version, in the order of its pins."""
    pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", production.page(), re.MULTILINE)
    return dict(pinned)


def licence(name: str) -> str:
    """Give a package's licence as an SPDX expression; as it writes it where that is none."""
    if name in STATED:
        return STATED[name]
    said = metadata.metadata(name)
    plain = said.get("License-Expression") or said.get("License")
    if not plain:
        named = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License ::")]
        plain = " AND ".join(SPELLED.get(one, one) for one in named)
    return SPELLED.get(plain, plain)


def is_allowed(expression: str) -> bool:
    """Tell whether a package of this licence may be used: of alternatives one, of several that hold together each."""
    alternatives = expression.replace("(", "").replace(")", "").split(" AND ")
    return all(any(one.strip() in ALLOWED for one in each.split(" OR ")) for each in alternatives)


def page() -> str:
    """Give the list for people."""
    return _HEAD + "".join(f"| {name} | {version} | {licence(name)} |\n" for name, version in versions().items())


def sbom() -> str:
    """Give the list for programs: CycloneDX 1.6 in JSON, the same for the same pins."""
    project = tomllib.loads((production.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom()
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=project["version"],
        bom_ref=project["name"],
        licenses=[LicenseExpression(project["license"])],
    )
    for component in _components():
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _components() -> Iterator[Component]:
    pins = production.pins()
    for name, version in versions().items():
        url = PackageURL("pypi", None, name, version)
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=url,
            bom_ref=url.to_string(),
            licenses=[LicenseExpression(licence(name))],
            # One for each file that may be installed: which it is, is the machine's matter.
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in sorted(_HASH.findall(pins[name]))],
        )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(sbom(), encoding="utf-8")
    print(f"{target}: {len(versions())} packages")
