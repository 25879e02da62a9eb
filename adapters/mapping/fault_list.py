"""The faults of a mapping file, gathered with their lines so that an author sees all of them at once."""

from __future__ import annotations

from adapters.mapping.converters import REGISTRY, BadArgument
from adapters.paths import PathError
from adapters.source import BrokenBundle, BundleFinding, Keys, Source
from schemas.findings import Text


class FaultList:
    """The findings about one file. `notes` do not stop it from being compiled."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[BundleFinding] = []
        self.notes: list[BundleFinding] = []

    def add(self, keys: Keys, code: str, message: Text, remedy: Text) -> None:
        """Note something that must be mended."""
        self.found.append(self.source.finding(code, message, remedy, *keys))

    def warn(self, keys: Keys, code: str, message: Text, remedy: Text) -> None:
        """Note something that should be looked at."""
        self.notes.append(self.source.finding(code, message, remedy, *keys, warning=True))

    def path(self, keys: Keys, error: PathError) -> None:
        """Note a path that cannot be read."""
        self.add(keys, "mapping.path", error.message, error.remedy)

    def argument(self, keys: Keys, error: BadArgument) -> None:
        """Note a converter that cannot be made."""
        names = "、".join(REGISTRY)
        self.add(
            keys, "mapping.converter", error.message, Text(f"可用的转换器：{names}", f"the converters are: {names}")
        )

    def shape(self, keys: Keys, zh: str, en: str) -> None:
        """Note a value of the wrong shape, told by what it should be."""
        self.add(
            keys,
            "mapping.shape",
            Text(f"此处应为{zh}", f"expected {en} here"),
            Text(f"请改写为{zh}", f"write {en}"),
        )

    def stop(self) -> None:
        """Raise `BrokenBundle` when anything must be mended."""
        if self.found:
            raise BrokenBundle([*self.found, *self.notes])
