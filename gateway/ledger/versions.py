"""Versions of an adapter, and the states a version passes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class AdapterState(StrEnum):
    """How far a version of an adapter has come."""

    DRAFT = "draft"
    CHECKED = "checked"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


TRANSITIONS: Mapping[AdapterState, frozenset[AdapterState]] = {
    AdapterState.DRAFT: frozenset({AdapterState.CHECKED, AdapterState.RETIRED}),
    AdapterState.CHECKED: frozenset({AdapterState.SHADOW, AdapterState.ACTIVE, AdapterState.RETIRED}),
    AdapterState.SHADOW: frozenset({AdapterState.CHECKED, AdapterState.ACTIVE, AdapterState.RETIRED}),
    AdapterState.ACTIVE: frozenset({AdapterState.RETIRED}),
    AdapterState.RETIRED: frozenset({AdapterState.CHECKED, AdapterState.ACTIVE}),
}
"""Every step a version may take. Retired is what another superseded, too: going back makes it active again."""


def may_become(before: AdapterState, after: AdapterState) -> bool:
    """Tell whether a version may go from one state to the other."""
    return after in TRANSITIONS[before]


def drawing() -> str:
    """Give the states as mermaid text, a line a step, generated from `TRANSITIONS`."""
    steps = [f"    {state} --> {after}" for state in AdapterState for after in AdapterState if may_become(state, after)]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {AdapterState.DRAFT}", *steps]) + "\n"


class AdapterVersion(Struct, frozen=True):
    """One immutable version of an adapter, as it stands. Its bundle's bytes are kept beside it.

    `uploaded` False: it came with the product or from a folder, and no bytes are kept. `report` is
    the last proof as JSON values; `expected` the fields in which it is meant to differ from the one
    before; `rolled_back`: it was left by a rollback, and not activated since; `revision` grows with every
    change of any version: a writer must have read the latest. `region` is whose it is, as its uploader said; empty:
    nobody's alone. `signed_by` is the id of the key that signed its archive, with when and the signature in Base64;
    empty and None where nobody did.
    """

    name: str
    version: str
    digest: str
    state: AdapterState
    created_at: datetime
    changed_at: datetime
    uploaded: bool = True
    report: Mapping[str, Any] | None = None
    expected: tuple[str, ...] = ()
    activated_at: datetime | None = None
    rolled_back: bool = False
    revision: int = 0
    region: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    signature: str = ""

    @property
    def id(self) -> str:
        """How messages, deliveries and the audit name it: `name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def proven(self) -> bool:
        """Whether it may go live: its proof was good, or it came with the installation."""
        return not self.uploaded or bool(self.report and self.report.get("ok"))


class BundleKey(Struct, frozen=True):
    """A public key with which a region signs its bundles: `kind` is `ed25519` or `sm2`, `public` in hexadecimal digits.

    It signs nothing from `expires_at` on, nor once it was revoked; an id is given once.
    """

    id: str
    kind: str
    public: str
    region: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def ended(self, now: datetime) -> bool:
        """Whether it signs nothing any more."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


def upload_of(version: AdapterVersion) -> Mapping[str, Any]:
    """Give what an upload asks for, as it is known again under its key."""
    return {"step": "upload", "version": version.id, "digest": version.digest}
