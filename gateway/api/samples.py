"""The bundles' own samples, read as text, so that the documentation speaks each platform's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.base import Adapter
from adapters.declarative import DeclarativeAdapter
from adapters.formats import BODY_FORMATS, SUFFIXES


@dataclass(frozen=True, slots=True)
class Sample:
    """One native document: `value` is its JSON, or its text in any other format."""

    adapter: str
    title: str
    operation: str
    media_type: str
    value: Any


def samples(adapters: Iterable[Adapter]) -> list[Sample]:
    """Give the first sample of each operation that an installed bundle receives."""
    return [one for adapter in adapters if isinstance(adapter, DeclarativeAdapter) for one in _of(adapter)]


def _of(adapter: DeclarativeAdapter) -> Iterator[Sample]:
    for operation in adapter.receives:
        folder = f"samples/{operation}/"
        named = sorted(name for name in adapter.bundle.files if name.startswith(folder) and ".native." in name)
        if named:
            yield _sample(adapter, operation, named[0])


def _sample(adapter: DeclarativeAdapter, operation: str, name: str) -> Sample:
    extension = name.rpartition(".")[2]
    text = adapter.bundle.files[name].decode(_charset(adapter, operation), "replace")
    value = orjson.loads(text) if extension == "json" else text
    written = SUFFIXES.get(extension, BODY_FORMATS["form"])
    return Sample(adapter.name, adapter.title, operation, written.media_type, value)


def _charset(adapter: DeclarativeAdapter, operation: str) -> str:
    manifest = adapter.bundle.manifest
    receives = manifest.receives[operation]
    charset = (receives.format or manifest.format).charset or manifest.format.charset or "utf-8"
    return "gb18030" if charset.lower() in ("gbk", "gb2312") else charset
