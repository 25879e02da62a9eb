"""Every version there is: those of the installation, and those kept in the ledger, compiled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import Adapter
from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.errors import version_exists
from gateway.ledger.records import Platform
from gateway.ledger.versions import AdapterState, AdapterVersion
from gateway.releases.installed import AdapterSnapshot, InstalledAdapters, age
from gateway.releases.release import Release, speakers
from gateway.releases.upload import opened
from schemas.findings import Rejected, Text

_log = logging.getLogger(__name__)

ACTOR = "gateway"
"""Who acts in the audit when no person did."""

Key = tuple[str, str]


class Shadowing(Protocol):
    """Runs versions in shadow, and judges what was found."""

    def run(self, active: Adapter, shadow: Adapter, expected: tuple[str, ...], at: datetime) -> None:
        """Let a version run in the shadow of another; one that runs already goes on, with what is expected now."""

    def end(self, name: str) -> None:
        """Let no version of an adapter run in shadow any more."""

    async def check_explained(self, name: str, version: str, most: int) -> None:
        """Refuse while a shadow differs in what nobody declared: Conflict `shadow.differences`."""


class Inventory:
    """The versions and their adapters. Drafts stay here; what is proven is installed, for platforms to speak."""

    def __init__(
        self,
        ledger: Ledger,
        installed: InstalledAdapters,
        platforms: Mapping[str, Platform],
        shadows: Shadowing,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._installed = installed
        self._platforms = platforms
        self._shadows = shadows
        self._clock = clock
        self._since: datetime = clock()
        self._drafts: dict[Key, Adapter] = {}
        self._broken: set[Key] = set()

    # ── taking up what the ledger keeps ───────────────────────────────────────────────────────
    async def learn(self) -> None:
        """Take up what the ledger keeps: compile it, follow what is active, and run what is in shadow.

        It only brings memory to where the ledger is, so it may be called again at any time: it is how
        every change is applied, and how one is that was committed although its answer was lost.
        A bundle that does not compile any more is told in the log. Where it was the active one,
        its adapter has no active version until another one is activated: deliveries wait, and none is
        translated by a version that nobody chose.
        """
        known = await self._ledger.adapters()
        for kept in known:
            if kept.uploaded and not self._is_known(kept) and _key(kept) not in self._broken:
                await self._compile(kept)
        self._follow(known)
        self._settle_shadows(known)

    async def _compile(self, kept: AdapterVersion) -> None:
        content = await self._ledger.adapter_content(kept.name, kept.version)
        try:
            adapter = await asyncio.to_thread(opened, content or b"")
        except Rejected as error:
            self._broken.add(_key(kept))
            _log.error("%s cannot be compiled any more: %s %s", kept.id, error, error.findings[:5])
            return
        self.put(kept, adapter)

    def _follow(self, known: Sequence[AdapterVersion]) -> None:
        # Nothing is awaited in between: no other task sees some of these steps and not the others.
        for kept in known:
            if (adapter := self.adapter(kept)) is not None:
                self.put(kept, adapter)
        self._installed.take(_spoken(self._installed.now, known, self.adapter))

    def _settle_shadows(self, known: Sequence[AdapterVersion]) -> None:
        """Run the version of each name that is in shadow beside the one that is active now, or none."""
        inside = {kept.name: kept for kept in known if kept.state is AdapterState.SHADOW}
        for name in {kept.name for kept in known}:
            shadow = self.adapter(inside[name]) if name in inside else None
            if shadow is None or self._installed.active(name) is None:
                self._shadows.end(name)
            else:
                self._shadows.run(self._installed.get(name), shadow, inside[name].expected, self._clock())

    async def gone(self) -> Sequence[AdapterVersion]:
        """Give the versions that the ledger calls active and that are not installed any more."""
        active = [one for one in await self._ledger.adapters() if one.state is AdapterState.ACTIVE]
        return [one for one in active if not one.uploaded and not self._is_known(one)]

    def after(self, versions: Iterable[AdapterVersion]) -> AdapterSnapshot:
        """Give what platforms will speak once these versions stand as they say."""
        return _spoken(self._installed.now, versions, self.adapter)

    def put(self, kept: AdapterVersion, adapter: Adapter) -> None:
        """Know a version's adapter; once it is proven it is installed, too."""
        if kept.proven:
            self._drafts.pop(_key(kept), None)
            self._installed.add(adapter)
        else:
            self._drafts[_key(kept)] = adapter

    # ── looking ───────────────────────────────────────────────────────────────────────────────
    def _is_known(self, kept: AdapterVersion) -> bool:
        return self.adapter(kept) is not None

    def adapter(self, kept: AdapterVersion) -> Adapter | None:
        """Give a version's adapter; None when it cannot be compiled any more, or is not installed any more."""
        return self._installed.now.known.get(kept.name, {}).get(kept.version) or self._drafts.get(_key(kept))

    def usable(self, kept: AdapterVersion) -> Adapter:
        """Give a version's adapter; Conflict `adapter.unusable` when there is none."""
        adapter = self.adapter(kept)
        if adapter is None:
            raise Conflict(
                Text(
                    f"{kept.name} {kept.version} 在本版网关中已无法编译；请上传修订后的新版本",
                    f"{kept.name} {kept.version} does not compile in this gateway any more; upload a mended version",
                ),
                code="adapter.unusable",
            )
        return adapter

    async def versions(self) -> Sequence[AdapterVersion]:
        """Give every version as it stands: by name, oldest first."""
        kept = {(one.name, one.version): one for one in await self._ledger.adapters()}
        found = [one for one in kept.values() if one.uploaded or self._is_known(one)]
        found += [self._came_with(one) for one in self._installed.all() if (one.name, one.version) not in kept]
        return sorted(found, key=lambda one: (one.name, age(one)))

    def _came_with(self, adapter: Adapter) -> AdapterVersion:
        active = self._installed.active(adapter.name) == adapter.version
        return AdapterVersion(
            name=adapter.name,
            version=adapter.version,
            digest=adapter.digest,
            state=AdapterState.ACTIVE if active else AdapterState.CHECKED,
            created_at=self._since,
            changed_at=self._since,
            uploaded=False,
            activated_at=self._since if active else None,
        )

    async def find(self, name: str, version: str) -> AdapterVersion:
        """Give one version as it stands; NotFound `adapter.unknown`."""
        versions = await self.versions()
        found = next((one for one in versions if (one.name, one.version) == (name, version)), None)
        if found is None:
            listed = ", ".join(one.version for one in versions if one.name == name) or "—"
            raise NotFound(
                Text(
                    f"没有适配器 {name} {version}；{name} 的已有版本：{listed}",
                    f"There is no adapter {name} {version}; versions of {name}: {listed}",
                ),
                code="adapter.unknown",
            )
        return found

    async def same(self, adapter: Adapter) -> AdapterVersion | None:
        """Give what is there already under an adapter's name and version; Conflict when its content is another."""
        there = (one for one in await self.versions() if (one.name, one.version) == (adapter.name, adapter.version))
        found = next(there, None)
        if found is not None and found.digest != adapter.digest:
            raise version_exists(found)
        return found

    def release(self, kept: AdapterVersion) -> Release:
        """Give a version with its adapter and who speaks it."""
        speaking = speakers(kept, self._installed.active(kept.name), self._platforms.values())
        return Release(kept, self.adapter(kept), tuple(sorted(one.id for one in speaking)))


def _key(kept: AdapterVersion) -> Key:
    return kept.name, kept.version


def _spoken(
    now: AdapterSnapshot, versions: Iterable[AdapterVersion], adapter_of: Callable[[AdapterVersion], Adapter | None]
) -> AdapterSnapshot:
    """Let platforms follow what these versions say is active, and no longer what they say is not.

    A version that is active and came with an installation that has it no more changes nothing: the
    newest one that is installed is followed.
    """
    versions = list(versions)
    active = {one.name: one for one in versions if one.state is AdapterState.ACTIVE}
    for one in versions:
        followed = now.active.get(one.name)
        if one.name not in active and followed is not None and followed.version == one.version:
            now = now.without(one.name)
    for one in active.values():
        adapter = adapter_of(one)
        if adapter is not None:
            now = now.following(adapter)
        elif one.uploaded:
            now = now.without(one.name)
    return now
