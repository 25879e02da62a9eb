"""The processes of one port count apart, and are scraped as one: whichever is asked asks its siblings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Counted = Callable[[], Awaitable[bytes]]
"""Gives what this process counted, and nothing of what the ledger says."""

_PATIENCE = 2.0
"""Seconds that a sibling may take; one that stands still is left out."""


class Siblings:
    """This process among those of one port; each answers on a socket of its own in a folder of theirs alone."""

    def __init__(self, folder: Path, name: str, counted: Counted) -> None:
        self._folder = folder
        self._name = name
        self._counted = counted
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Begin to answer. A process that had this name before is not asked any more."""
        place = self._folder / f"{self._name}.sock"
        place.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, place)

    async def stop(self) -> None:
        """End answering."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._counted())
            await writer.drain()
        finally:
            writer.close()

    async def merged(self, own: bytes) -> bytes:
        """Give what all of them counted, told apart by a label `process`; what is the ledger's is given once."""
        names = sorted(place.stem for place in self._folder.glob("*.sock") if place.stem != self._name)
        asked = await asyncio.gather(*(self._ask(name) for name in names))
        others = {name: text for name, text in zip(names, asked, strict=True) if text is not None}
        return await asyncio.to_thread(merge, own, {self._name: await self._counted(), **others})

    async def _ask(self, name: str) -> bytes | None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_unix_connection(self._folder / f"{name}.sock")
                try:
                    return await reader.read(-1)
                finally:
                    writer.close()
        return None


def merge(whole: bytes, counted: Mapping[str, bytes]) -> bytes:
    """Merge what processes counted, by name, with what one of them says as a whole, the ledger's part included."""
    families: dict[str, Family] = {}
    for name, text in counted.items():
        for family in text_string_to_metric_families(text.decode()):
            merged = families.setdefault(family.name, Family(family.name, family.documentation, family.type))
            for sample in family.samples:
                merged.samples.append(sample._replace(labels={**sample.labels, "process": name}))
    for family in text_string_to_metric_families(whole.decode()):
        if not families.get(family.name, family).samples or family.name not in families:
            families[family.name] = family
    return generate_latest(_Given(families))


class _Given(Collector):
    """Families that are written as they are."""

    def __init__(self, families: Mapping[str, Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return list(self._families.values())
