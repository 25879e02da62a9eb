"""Uploads, checks, activates and retires versions: each step decided, kept in the ledger, then taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter
from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.ledger.records import AuditEntry, Intent, Platform
from gateway.ledger.versions import AdapterState, AdapterVersion
from gateway.releases import release
from gateway.releases.installed import AdapterSnapshot, InstalledAdapters
from gateway.releases.inventory import ACTOR, Inventory, Shadowing
from gateway.releases.proof import Prover
from gateway.releases.release import Release
from gateway.releases.upload import opened, packed

_log = logging.getLogger(__name__)

_REMEMBERED = 256

UNLESS_SEEN = 100
"""Messages a platform that are compared before a version leaves its shadow, when it was shown none."""


class RegistryChanges(Protocol):
    """Changes what platforms speak; handed in, since the register is in another package of the same layer."""

    async def change_adapters(
        self, versions: Sequence[AdapterVersion], intent: Intent, action: str, spoken: AdapterSnapshot
    ) -> Sequence[AdapterVersion]:
        """Commit how versions stand, together with the deliveries that waited for it, then apply it.

        `spoken` is what platforms speak after it. Gives the versions as they are kept.
        """


class Releases:
    """What operators do to adapter versions. One step at a time; a step that is refused changed nothing.

    Activation is one commit in the ledger and then one exchange in memory: a message is read and a
    delivery begun with the version before or the one after, and each records which. What is under
    way ends with the version it began with.
    """

    def __init__(
        self,
        ledger: Ledger,
        inventory: Inventory,
        installed: InstalledAdapters,
        platforms: Mapping[str, Platform],
        changes: RegistryChanges,
        clock: Clock,
        prove: Prover,
        shadows: Shadowing,
    ) -> None:
        self._ledger = ledger
        self._inventory = inventory
        self._installed = installed
        self._platforms = platforms
        self._changes = changes
        self._clock = clock
        self._prove = prove
        self._shadows = shadows
        self._step = asyncio.Lock()
        self._reports: dict[str, dict[str, Any]] = {}

    async def start(self) -> None:
        """Write down which versions are active no more, since they are not installed any more."""
        for gone in await self._inventory.gone():
            _log.warning("%s was active and is not installed any more; the newest installed is followed", gone.id)
            at = self._clock()
            retired = replace(gone, state=AdapterState.RETIRED, changed_at=at)
            await self._change([retired], ACTOR, "adapter.retired", "not installed any more", at)

    # ── looking ───────────────────────────────────────────────────────────────────────────────
    async def all(self) -> Sequence[Release]:
        """Give every version, by name, oldest first."""
        return [self._inventory.release(one) for one in await self._inventory.versions()]

    async def find(self, name: str, version: str) -> Release:
        """Give one version; NotFound `adapter.unknown`."""
        return self._inventory.release(await self._inventory.find(name, version))

    async def history(self, name: str, version: str) -> Sequence[AuditEntry]:
        """Give what was done to a version, oldest first."""
        return await self._ledger.audit(f"{name}@{version}")

    # ── steps ─────────────────────────────────────────────────────────────────────────────────
    async def upload(self, content: bytes, *, actor: str) -> tuple[Release, bool]:
        """Keep an uploaded bundle as a draft, and tell whether it is new.

        Rejected `bundle.broken` or `document.unsupported` when it does not compile; Conflict
        `adapter.version-exists` when its name and version are there with other content.
        """
        adapter = await asyncio.to_thread(opened, content)
        there = await self._inventory.same(adapter)
        if there is not None:
            # Known here as well, in case the answer to the first upload was lost after its commit.
            self._inventory.put(there, adapter)
            return self._inventory.release(there), False
        at = self._clock()
        draft = AdapterVersion(adapter.name, adapter.version, adapter.digest, AdapterState.DRAFT, at, at)
        kept = await self._ledger.add_adapter(draft, content, Intent(actor, "", at))
        self._inventory.put(kept, adapter)
        return self._inventory.release(kept), True

    async def check(self, name: str, version: str, *, actor: str) -> Release:
        """Prove a version and keep the report; a draft whose report is good is checked then."""
        # The proof takes long and is made without the lock, so that other steps go on meanwhile.
        # The version is looked up again under the lock: its state may have changed since.
        report = await self._report(await self._inventory.find(name, version))
        async with self._step:
            at = self._clock()
            known = await self._inventory.find(name, version)
            after = replace(known, report=report, changed_at=at)
            if after.proven and _is_unproven_yet(known):
                after = release.moved(after, AdapterState.CHECKED, at)
            return await self._keep(after, actor, "adapter.checked", "ok" if report["ok"] else "findings")

    async def _report(self, known: AdapterVersion) -> dict[str, Any]:
        if known.digest not in self._reports:
            self._reports[known.digest] = await self._prove(await self._content(known))
            while len(self._reports) > _REMEMBERED:
                del self._reports[next(iter(self._reports))]
        return self._reports[known.digest]

    async def _content(self, known: AdapterVersion) -> bytes:
        kept = await self._ledger.adapter_content(known.name, known.version)
        if kept is not None:
            return kept
        adapter = self._inventory.usable(known)
        assert isinstance(adapter, DeclarativeAdapter)
        return packed(adapter.bundle.files)

    async def activate(
        self, name: str, version: str, *, actor: str, reason: str = "", force: str | None = None
    ) -> Release:
        """Let platforms follow a version from now on; one that was active before may always return.

        Conflict `adapter.unproven`, `adapter.settings-missing`, and, unless `force` gives a reason,
        `adapter.narrower` and `shadow.differences`.
        """
        async with self._step:
            known = await self._inventory.find(name, version)
            if known.state is not AdapterState.ACTIVE:
                await self._check(known, forced=force is not None)
                await self._activate(known, actor, reason, force)
        return await self.find(name, version)

    async def rollback(self, name: str, *, actor: str, reason: str = "") -> Release:
        """Activate the version that was active before the present one; Conflict `adapter.no-previous`."""
        versions = [one for one in await self._inventory.versions() if one.name == name]
        before = release.previous(versions, name)
        return await self.activate(name, before.version, actor=actor, reason=reason or "rollback")

    async def _activate(self, known: AdapterVersion, actor: str, reason: str, force: str | None) -> None:
        at = self._clock()
        others = [one for one in await self._inventory.versions() if one.name == known.name]
        changes = release.activated(known, others, at)
        self._inventory.usable(known)
        action = "adapter.activated" if force is None else "adapter.activated-by-force"
        await self._change(changes, actor, action, force or reason, at)

    async def _check(self, known: AdapterVersion, *, forced: bool) -> None:
        release.check_proven(known)
        adapter, following = self._inventory.usable(known), release.followers(known.name, self._platforms.values())
        release.check_settings(adapter, following)
        if forced or known.activated_at is not None or self._installed.active(known.name) is None:
            return
        release.check_not_narrower(adapter, self._installed.get(known.name), following)
        if known.state is AdapterState.SHADOW:
            await self._shadows.check_explained(known.name, known.version, UNLESS_SEEN)

    # ── shadow ────────────────────────────────────────────────────────────────────────────────
    async def shadow(
        self, name: str, version: str, *, actor: str, expected: Sequence[str] | None = None, reason: str = ""
    ) -> Release:
        """Let a version translate beside the active one, sending nothing; `expected` fields may differ.

        Another version of the name that was in shadow is checked again. On one that is in shadow
        already it only declares what is expected; None leaves that as it is.
        """
        async with self._step:
            known = await self._inventory.find(name, version)
            release.check_comparable(known, self._installed.active(name))
            at = self._clock()
            declared = known.expected if expected is None else tuple(sorted(set(expected)))
            inside = known if known.state is AdapterState.SHADOW else release.moved(known, AdapterState.SHADOW, at)
            others = [one for one in await self._inventory.versions() if one.name == name and one.version != version]
            leaving = [one for one in others if one.state is AdapterState.SHADOW]
            changes = [*(release.moved(one, AdapterState.CHECKED, at) for one in leaving)]
            changes.append(replace(inside, expected=declared, changed_at=at))
            await self._change(changes, actor, "adapter.shadowed", reason, at)
        return await self.find(name, version)

    async def adapter(self, name: str, version: str) -> Adapter:
        """Give any version's adapter, a draft's too, to be tried; Conflict `adapter.unusable`."""
        return self._inventory.usable(await self._inventory.find(name, version))

    async def retire(self, name: str, version: str, *, actor: str, reason: str = "") -> Release:
        """Take a version out of use; Conflict `adapter.in-use` while a platform speaks it."""
        async with self._step:
            known = await self._inventory.find(name, version)
            active = self._installed.active(name)
            release.check_unused(known, release.speakers(known, active, self._platforms.values()))
            after = release.moved(known, AdapterState.RETIRED, self._clock())
            return await self._keep(after, actor, "adapter.retired", reason)

    async def _keep(self, after: AdapterVersion, actor: str, action: str, reason: str) -> Release:
        [kept] = await self._change([after], actor, action, reason, after.changed_at)
        return self._inventory.release(kept)

    async def _change(
        self, versions: Sequence[AdapterVersion], actor: str, action: str, reason: str, at: datetime
    ) -> Sequence[AdapterVersion]:
        spoken = self._inventory.after(versions)
        return await self._changes.change_adapters(versions, Intent(actor, reason, at), action, spoken)


def _is_unproven_yet(known: AdapterVersion) -> bool:
    """A draft, or one that was withdrawn without ever having been active."""
    withdrawn = known.state is AdapterState.RETIRED and known.activated_at is None
    return known.state is AdapterState.DRAFT or withdrawn
