"""Uploads, checks, activates and retires versions: each step decided, kept in the ledger, then taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter
from adapters.bundle.signature import BundleSignature
from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.ledger.errors import adapter_changed
from gateway.ledger.records import AuditEntry, Intent, Platform
from gateway.ledger.versions import AdapterState, AdapterVersion, upload_of
from gateway.releases import release
from gateway.releases.installed import AdapterSnapshot, InstalledAdapters
from gateway.releases.inventory import ACTOR, Inventory, Shadowing
from gateway.releases.proof import Prover
from gateway.releases.release import Release
from gateway.releases.signatures import Signatures, signed
from gateway.releases.upload import opened, packed

_log = logging.getLogger(__name__)

_REMEMBERED = 256

Permit = Callable[[AdapterVersion], Awaitable[None]]
"""Raises when a draft may not be kept."""

Steps = tuple[Sequence[AdapterVersion], str, str]
"""What was decided: the versions as they are to be, and the action and its reason for the audit."""

UNLESS_SEEN = 100
"""Messages a platform that are compared before a version leaves its shadow, when it was shown none."""


class RegistryChanges(Protocol):
    """Changes what platforms speak; handed in, since the register is in another package of the same layer."""

    async def change_adapters(
        self,
        versions: Sequence[AdapterVersion],
        intent: Intent,
        action: str,
        spoken: AdapterSnapshot,
        asked: Mapping[str, Any] | None = None,
    ) -> Sequence[AdapterVersion]:
        """Commit how versions stand, together with the deliveries that waited for it, then apply it.

        `spoken` is what platforms speak after it, `asked` what is known again under the intent's key. Gives
        the versions as they are kept.
        """


class Releases:
    """What operators do to adapter versions. One step at a time; a step that is refused changed nothing.

    What was asked before under the key of an intent is not done again: the version that it moved then is given
    as it stands; something else under the key is Conflict `idempotency.key-reused`.

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
        signatures: Signatures,
    ) -> None:
        self._ledger = ledger
        self._inventory = inventory
        self._installed = installed
        self._platforms = platforms
        self._changes = changes
        self._clock = clock
        self._prove = prove
        self._shadows = shadows
        self.signatures = signatures
        self._step = asyncio.Lock()
        self._reports: dict[str, dict[str, Any]] = {}

    async def start(self) -> None:
        """Write down which versions are active no more, since they are not installed any more."""
        for gone in await self._inventory.gone():
            _log.warning("%s was active and is not installed any more; the newest installed is followed", gone.id)
            at = self._clock()
            retired = replace(gone, state=AdapterState.RETIRED, changed_at=at)
            await self._change([retired], Intent(ACTOR, "not installed any more", at), "adapter.retired")

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
    async def upload(
        self,
        content: bytes,
        intent: Intent,
        region: str = "",
        permit: Permit | None = None,
        signature: BundleSignature | None = None,
    ) -> tuple[Release, bool]:
        """Keep an uploaded bundle as a draft of a region (empty: nobody's alone), and tell whether it is new.

        `permit` raises when the draft may not be kept by whoever uploads it; it is asked before anything is.
        `signature` is one that `Signatures.judge` let pass: the draft is of its region then. See `check_draft` for
        what it must be for.

        Rejected `bundle.broken` or `document.unsupported` when it does not compile; Conflict
        `adapter.version-exists` when its name and version are there with other content.
        """
        adapter = await asyncio.to_thread(opened, content)
        draft = AdapterVersion(adapter.name, adapter.version, adapter.digest, AdapterState.DRAFT, intent.at, intent.at)
        draft = signed(replace(draft, region=region), signature)
        if permit is not None:
            await permit(draft)
        await self.signatures.check_draft(draft, await self._inventory.versions())
        asked = upload_of(draft)
        before = await self._ledger.asked_adapters(intent, asked)
        there = await self._inventory.same(adapter)
        if there is None:
            there = await self._ledger.add_adapter(draft, content, intent)
            new = True
        else:
            new = bool(before)
            if before is None:
                await self._change([], intent, "adapter.uploaded", asked)
        # Known here as well when it was there, in case the answer to the first upload was lost after its commit.
        self._inventory.put(there, adapter)
        return self._inventory.release(there), new

    async def check(self, name: str, version: str, intent: Intent) -> Release:
        """Prove a version and keep the report; a draft whose report is good is checked then."""
        # The proof takes long and is made without the lock, so that other steps go on meanwhile.
        # The version is looked up again under the lock: its state may have changed since.
        report = await self._report(await self._inventory.find(name, version))

        async def step() -> Steps:
            known = await self._inventory.find(name, version)
            after = replace(known, report=report, changed_at=intent.at)
            if after.proven and _is_unproven_yet(known):
                after = release.moved(after, AdapterState.CHECKED, intent.at)
            return [after], "adapter.checked", "ok" if report["ok"] else "findings"

        [checked] = await self._once(intent, {"step": "check", "version": f"{name}@{version}"}, step)
        return self._inventory.release(checked)

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
        self, name: str, version: str, intent: Intent, *, force: str | None = None, only_at: int | None = None
    ) -> Release:
        """Let platforms follow a version from now on; one that was active before may always return.

        `only_at`: only if it still stands as it did at this revision of it; Conflict `adapter.changed`.
        Conflict `adapter.unproven`, `adapter.settings-missing`, and, unless `force` gives a reason,
        `adapter.unsigned`, `adapter.narrower` and `shadow.differences`.
        """

        async def step() -> Steps:
            known = await self._inventory.find(name, version)
            if only_at is not None and known.revision != only_at:
                raise adapter_changed(known)
            if known.state is AdapterState.ACTIVE:
                return [], "adapter.activated", ""
            return await self._activated(known, intent, force)

        asked = {"step": "activate", "version": f"{name}@{version}", "force": force}
        await self._once(intent, asked, step)
        return await self.find(name, version)

    async def rollback(self, name: str, intent: Intent, *, only_from: str | None = None) -> Release:
        """Activate the version that was active before the present one; Conflict `adapter.no-previous`.

        `only_from`: only while this version is the active one; Conflict `adapter.changed`.
        One that a rollback left is not gone back to until it was activated again.
        """

        async def step() -> Steps:
            versions = [one for one in await self._inventory.versions() if one.name == name]
            active = next((one for one in versions if one.state is AdapterState.ACTIVE), None)
            if only_from is not None and active is not None and active.version != only_from:
                raise adapter_changed(active)
            reason = replace(intent, reason=intent.reason or "rollback")
            return await self._activated(release.previous(versions, name), reason, None, rollback=True)

        [*_, now] = await self._once(intent, {"step": "rollback", "name": name}, step)
        return self._inventory.release(now)

    async def _activated(
        self, known: AdapterVersion, intent: Intent, force: str | None, *, rollback: bool = False
    ) -> Steps:
        await self._check(known, forced=force is not None)
        others = [one for one in await self._inventory.versions() if one.name == known.name]
        changes = release.activated(known, others, intent.at, rollback=rollback)
        self._inventory.usable(known)
        action = "adapter.activated" if force is None else "adapter.activated-by-force"
        return changes, action, force or intent.reason

    async def _check(self, known: AdapterVersion, *, forced: bool) -> None:
        release.check_proven(known)
        if not forced:
            await self.signatures.check_standing(known)
        adapter, following = self._inventory.usable(known), release.followers(known.name, self._platforms.values())
        release.check_settings(adapter, following)
        if forced or known.activated_at is not None or self._installed.active(known.name) is None:
            return
        release.check_not_narrower(adapter, self._installed.get(known.name), following)
        if known.state is AdapterState.SHADOW:
            await self._shadows.check_explained(known.name, known.version, UNLESS_SEEN)

    # ── shadow ────────────────────────────────────────────────────────────────────────────────
    async def shadow(
        self, name: str, version: str, intent: Intent, *, expected: Sequence[str] | None = None
    ) -> Release:
        """Let a version translate beside the active one, sending nothing; `expected` fields may differ.

        Another version of the name that was in shadow is checked again. On one that is in shadow
        already it only declares what is expected; None leaves that as it is.
        """

        async def step() -> Steps:
            known, at = await self._inventory.find(name, version), intent.at
            release.check_comparable(known, self._installed.active(name))
            declared = known.expected if expected is None else tuple(sorted(set(expected)))
            inside = known if known.state is AdapterState.SHADOW else release.moved(known, AdapterState.SHADOW, at)
            others = [one for one in await self._inventory.versions() if one.name == name and one.version != version]
            leaving = [one for one in others if one.state is AdapterState.SHADOW]
            changes = [*(release.moved(one, AdapterState.CHECKED, at) for one in leaving)]
            changes.append(replace(inside, expected=declared, changed_at=at))
            return changes, "adapter.shadowed", intent.reason

        await self._once(intent, {"step": "shadow", "version": f"{name}@{version}", "expected": expected}, step)
        return await self.find(name, version)

    async def adapter(self, name: str, version: str) -> Adapter:
        """Give any version's adapter, a draft's too, to be tried; Conflict `adapter.unusable`."""
        return self._inventory.usable(await self._inventory.find(name, version))

    async def retire(self, name: str, version: str, intent: Intent) -> Release:
        """Take a version out of use; Conflict `adapter.in-use` while a platform speaks it."""

        async def step() -> Steps:
            known = await self._inventory.find(name, version)
            active = self._installed.active(name)
            release.check_unused(known, release.speakers(known, active, self._platforms.values()))
            return [release.moved(known, AdapterState.RETIRED, intent.at)], "adapter.retired", intent.reason

        [retired] = await self._once(intent, {"step": "retire", "version": f"{name}@{version}"}, step)
        return self._inventory.release(retired)

    async def _once(
        self, intent: Intent, asked: Mapping[str, Any], step: Callable[[], Awaitable[Steps]]
    ) -> Sequence[AdapterVersion]:
        """Decide a step and take it, alone; when it was asked before under its key, give the versions of that time.

        Asked first of all: what was decided then would often be refused now, or be another step.
        """
        asked = {**asked, "reason": intent.reason}
        async with self._step:
            before = await self._ledger.asked_adapters(intent, asked)
            if before is not None:
                return before
            changes, action, reason = await step()
            return await self._change(changes, replace(intent, reason=reason), action, asked)

    async def _change(
        self,
        versions: Sequence[AdapterVersion],
        intent: Intent,
        action: str,
        asked: Mapping[str, Any] | None = None,
    ) -> Sequence[AdapterVersion]:
        if not versions and intent.key is None:
            return []
        return await self._changes.change_adapters(versions, intent, action, self._inventory.after(versions), asked)


def _is_unproven_yet(known: AdapterVersion) -> bool:
    """A draft, or one that was withdrawn without ever having been active."""
    withdrawn = known.state is AdapterState.RETIRED and known.activated_at is None
    return known.state is AdapterState.DRAFT or withdrawn
