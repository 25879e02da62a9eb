"""The adapters this gateway has: the bundled ones, and those in the operator's own folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import adapters
from adapters.base import Adapter
from gateway.errors import HutongError, NotFound
from schemas.findings import Text

MANIFEST = "adapter.yaml"


class Speaks(Protocol):
    """What names an adapter: a registered platform does."""

    @property
    def adapter(self) -> str: ...
    @property
    def version(self) -> str | None: ...


class InstalledAdapters:
    """Adapters by name and version; a platform without a version follows the newest."""

    def __init__(self, installed: Iterable[Adapter]) -> None:
        self._versions: dict[str, dict[str, Adapter]] = {}
        for adapter in installed:
            self._add(adapter)
        self._newest = {name: max(known.values(), key=_age) for name, known in self._versions.items()}

    def get(self, name: str, version: str | None = None) -> Adapter:
        """Give an adapter, the newest unless a version is named; NotFound `adapter.unknown`."""
        found = self._newest.get(name) if version is None else self._versions.get(name, {}).get(version)
        if found is None:
            raise self._unknown(name, version)
        return found

    def of(self, platform: Speaks) -> Adapter:
        """Give the adapter that a platform speaks."""
        return self.get(platform.adapter, platform.version)

    def can_send(self, platform: Speaks, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
        try:
            return message_type in self.of(platform).sends
        except NotFound:
            return False

    def all(self) -> Sequence[Adapter]:
        """Give every adapter in every version, by name, oldest first."""
        return [one for name in sorted(self._versions) for one in sorted(self._versions[name].values(), key=_age)]

    def _add(self, adapter: Adapter) -> None:
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


def _age(adapter: Adapter) -> tuple[tuple[int, ...], str]:
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
