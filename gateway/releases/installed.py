"""The adapters this gateway has: the bundled ones, and those in the operator's own folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import adapters
from adapters.base import Adapter
from gateway.errors import HutongError, NotFound
from gateway.ledger.records import Platform
from gateway.ledger.versions import AdapterVersion
from schemas.findings import Text

MANIFEST = "adapter.yaml"


class InstalledAdapters:
    """Adapters by name and version, and for each name the active version that platforms follow.

    A name's active version is exchanged in one step: whoever asks gets the one before or the one
    after. Versions are never taken away, so that what began with one can end with it.
    """

    def __init__(self, installed: Iterable[Adapter]) -> None:
        self._versions: dict[str, dict[str, Adapter]] = {}
        for adapter in installed:
            self.add(adapter)
        newest = (max(known.values(), key=age) for known in self._versions.values())
        self._active = {adapter.name: adapter for adapter in newest}

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""
        found = self._active.get(name) if version is None else self._versions.get(name, {}).get(version)
        if found is None:
            raise self._unknown(name, version)
        return found

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks."""
        return self.get(platform.adapter, platform.version)

    def can_send(self, platform: Platform, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
        try:
            return message_type in self.of(platform).sends
        except NotFound:
            return False

    def all(self) -> Sequence[Adapter]:
        """Give every adapter in every version, by name, oldest first."""
        return [one for name in sorted(self._versions) for one in self.versions(name)]

    def versions(self, name: str) -> Sequence[Adapter]:
        """Give every version of an adapter, oldest first."""
        return sorted(self._versions.get(name, {}).values(), key=age)

    def active(self, name: str) -> str | None:
        """Give the version that platforms follow; None when there is none."""
        found = self._active.get(name)
        return None if found is None else found.version

    def activate(self, name: str, version: str) -> None:
        """Let platforms follow a version from now on; NotFound `adapter.unknown`."""
        self._active[name] = self.get(name, version)

    def suspend(self, name: str) -> None:
        """Let nobody follow any version of an adapter."""
        self._active.pop(name, None)

    def add(self, adapter: Adapter) -> None:
        """Know a version, which nobody follows yet; HutongError `adapter.ambiguous` for a second content of it."""
        known = self._versions.setdefault(adapter.name, {})
        other = known.setdefault(adapter.version, adapter)
        if other.digest != adapter.digest:
            raise _ambiguous(adapter)

    def _unknown(self, name: str, version: str | None) -> NotFound:
        wanted = name if version is None else f"{name} {version}"
        listed = ", ".join(f"{one.name} {one.version}" for one in self.all())
        return NotFound(
            Text(
                f"没有安装适配器 {wanted}；已安装：{listed}", f"Adapter {wanted} is not installed; installed: {listed}"
            ),
            code="adapter.unknown",
        )


def install(folders: Sequence[Path] = ()) -> InstalledAdapters:
    """Load the bundled adapters and those in `folders`; BrokenBundle names file and line of every fault."""
    own = [bundle for folder in folders for bundle in bundles_in(folder)]
    return InstalledAdapters(adapters.load(bundle) for bundle in (*adapters.bundled().values(), *own))


def bundles_in(folder: Path) -> list[Path]:
    """Name the bundles in a folder: itself, its folders with a manifest, and its zips."""
    if (folder / MANIFEST).is_file() or folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise _missing(folder)
    return sorted(one for one in folder.iterdir() if (one / MANIFEST).is_file() or one.suffix == ".zip")


def age(adapter: Adapter | AdapterVersion) -> tuple[tuple[int, ...], str]:
    """Order versions as semantic ones: by number, a pre-release before its release."""
    numbers, _, pre = adapter.version.partition("-")
    return tuple(int(part) for part in numbers.split(".") if part.isdigit()), pre or "~"


def _ambiguous(adapter: Adapter) -> HutongError:
    wanted = f"{adapter.name} {adapter.version}"
    return HutongError(
        Text(
            f"适配器 {wanted} 有两份内容不同的文件包；请提高其中一份的版本号",
            f"There are two different bundles of {wanted}; give one of them another version",
        ),
        code="adapter.ambiguous",
    )


def _missing(folder: Path) -> HutongError:
    return HutongError(
        Text(
            f"适配器目录 {folder} 不存在；请检查 HUTONG_ADAPTERS", f"There is no folder {folder}; check HUTONG_ADAPTERS"
        ),
        code="adapters.folder-missing",
    )
