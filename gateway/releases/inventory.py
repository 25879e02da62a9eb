"""Every version there is: those of the installation, and those kept in the ledger, compiled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.base import Adapter
from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.errors import version_exists
from gateway.ledger.records import Platform
from gateway.ledger.versions import AdapterState, AdapterVersion
from gateway.releases.installed import InstalledAdapters, age
from gateway.releases.release import Release, speakers
from gateway.releases.upload import opened
from schemas.findings import Rejected, Text

_log = logging.getLogger(__name__)

ACTOR = "gateway"
"""Who acts in the audit when no person did."""

Key = tuple[str, str]


class Inventory:
    """The versions and their adapters. Drafts stay here; what is proven is installed, for platforms to speak."""

    def __init__(
        self, ledger: Ledger, installed: InstalledAdapters, platforms: Mapping[str, Platform], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._installed = installed
        self._platforms = platforms
        self._clock = clock
        self._since: datetime = clock()
        self._drafts: dict[Key, Adapter] = {}
        self._broken: set[Key] = set()

    async def learn(self) -> None:
        """Compile what the ledger keeps, and follow the versions it says are active.

        A bundle that does not compile any more is told in the log. Where it was the active one,
        its adapter has no active version until another one is activated: deliveries wait, and none is
        translated by a version that nobody chose.
        """
        known = await self._ledger.adapters()
        for kept in known:
            if kept.uploaded and not self._is_known(kept):
                await self._compile(kept)
        active = {kept.name: kept for kept in known if kept.state is AdapterState.ACTIVE}
        for kept in known:
            if kept.name not in active and self._installed.active(kept.name) == kept.version:
                self._installed.suspend(kept.name)
        for kept in active.values():
            await self._follow(kept)

    async def _compile(self, kept: AdapterVersion) -> None:
        content = await self._ledger.adapter_content(kept.name, kept.version)
        try:
            adapter = await asyncio.to_thread(opened, content or b"")
        except Rejected as error:
            self._broken.add((kept.name, kept.version))
            _log.error("%s cannot be compiled any more: %s %s", kept.id, error, error.findings[:5])
            return
        self.put(kept, adapter)

    async def _follow(self, kept: AdapterVersion) -> None:
        if self._is_known(kept):
            self._installed.activate(kept.name, kept.version)
        elif kept.uploaded:
            self._installed.suspend(kept.name)
        else:
            _log.warning("%s was active and is not installed any more; the newest installed is followed", kept.id)
            at = self._clock()
            gone = replace(kept, state=AdapterState.RETIRED, changed_at=at)
            await self._ledger.change_adapters(
                [gone], actor=ACTOR, action="adapter.retired", reason="not installed any more", at=at
            )

    def put(self, kept: AdapterVersion, adapter: Adapter) -> None:
        """Know a version's adapter; once it is proven it is installed, too."""
        if kept.proven:
            self._drafts.pop((kept.name, kept.version), None)
            self._installed.add(adapter)
        else:
            self._drafts[kept.name, kept.version] = adapter

    def _is_known(self, kept: AdapterVersion) -> bool:
        return self.adapter(kept) is not None

    def adapter(self, kept: AdapterVersion) -> Adapter | None:
        """Give a version's adapter; None when it cannot be compiled any more, or is not installed any more."""
        installed = {one.version: one for one in self._installed.versions(kept.name)}
        return installed.get(kept.version) or self._drafts.get((kept.name, kept.version))

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
