"""The adapters this gateway has: the bundled ones, and those in the operator's own folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

import adapters
from adapters.base import Adapter
from gateway.errors import HutongError, NotFound
from gateway.ledger.records import Platform
from gateway.ledger.versions import AdapterVersion
from schemas.findings import Text

MANIFEST = "adapter.yaml"


class AdapterSnapshot(Struct, frozen=True):
    """Every version there is, and of each name the active one that platforms follow, at one moment.

    It never changes, so it may be read on any thread; `following` and `without` give the next one.
    """

    known: Mapping[str, Mapping[str, Adapter]] = field(default_factory=dict)
    active: Mapping[str, Adapter] = field(default_factory=dict)

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""
        found = self.active.get(name) if version is None else self.known.get(name, {}).get(version)
        if found is None:
            raise self._unknown(name, version)
        return found

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""
        return self.get(platform.adapter, platform.version)

    def can_send(self, platform: Platform, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
        try:
            return message_type in self.of(platform).sends
        except NotFound:
            return False

    def all(self) -> Sequence[Adapter]:
        """Give every adapter in every version, by name, oldest first."""
        return [one for name in sorted(self.known) for one in self.versions(name)]

    def versions(self, name: str) -> Sequence[Adapter]:
        """Give every version of an adapter, oldest first."""
        return sorted(self.known.get(name, {}).values(), key=age)

    def knowing(self, adapter: Adapter) -> AdapterSnapshot:
        """Give the same with one more version, which nobody follows yet.

        HutongError `adapter.ambiguous` for a second content of it.
        """
        versions = self.known.get(adapter.name, {})
        other = versions.get(adapter.version, adapter)
        if other.digest != adapter.digest:
            raise _ambiguous(adapter)
        if adapter.version in versions:
            return self
        return replace(self, known={**self.known, adapter.name: {**versions, adapter.version: other}})

    def following(self, adapter: Adapter) -> AdapterSnapshot:
        """Give the same with a version that platforms follow."""
        knowing = self.knowing(adapter)
        return replace(knowing, active={**self.active, adapter.name: knowing.get(adapter.name, adapter.version)})

    def without(self, name: str) -> AdapterSnapshot:
        """Give the same with no version of an adapter that anybody follows."""
        return replace(self, active={other: one for other, one in self.active.items() if other != name})

    def _unknown(self, name: str, version: str | None) -> NotFound:
        wanted = name if version is None else f"{name} {version}"
        listed = ", ".join(f"{one.name} {one.version}" for one in self.all())
        return NotFound(
            Text(
                f"没有安装适配器 {wanted}；已安装：{listed}", f"Adapter {wanted} is not installed; installed: {listed}"
            ),
            code="adapter.unknown",
        )


class InstalledAdapters:
    """Adapters by name and version, and for each name the active version that platforms follow.

    All of it is one `AdapterSnapshot`, exchanged in one step: whoever asks gets the one before or the
    one after. Versions are never taken away, so that what began with one can end with it.
    """

    def __init__(self, installed: Iterable[Adapter]) -> None:
        self.now = AdapterSnapshot()
        for adapter in installed:
            self.add(adapter)
        for known in self.now.known.values():
            self.now = self.now.following(max(known.values(), key=age))

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the active one unless a version is named; NotFound `adapter.unknown`."""
        return self.now.get(name, version)

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""
        return self.now.of(platform)

    def can_send(self, platform: Platform, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
        return self.now.can_send(platform, message_type)

    def all(self) -> Sequence[Adapter]:
        """Give every adapter in every version, by name, oldest first."""
        return self.now.all()

    def versions(self, name: str) -> Sequence[Adapter]:
        """Give every version of an adapter, oldest first."""
        return self.now.versions(name)

    def active(self, name: str) -> str | None:
        """Give the version that platforms follow; None when there is none."""
        found = self.now.active.get(name)
        return None if found is None else found.version

    def take(self, snapshot: AdapterSnapshot) -> None:
        """Let platforms speak what a snapshot says from now on."""
        self.now = snapshot

    def add(self, adapter: Adapter) -> None:
        """Know a version, which nobody follows yet; HutongError `adapter.ambiguous` for a second content of it."""
        self.now = self.now.knowing(adapter)


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
