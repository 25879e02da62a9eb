"""The bundled adapters, compiled once, and their golden samples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters import DeclarativeAdapter, bundled, load
from adapters.base import Document, OutboundRequest, Sending

FOLDERS = bundled()
_NATIVE = re.compile(r"(\d+)\.native\.(json|xml)")


@dataclass(frozen=True)
class Golden:
    """A native file and the canonical content it stands for: `name` is an operation, type or query."""

    adapter: DeclarativeAdapter
    name: str
    number: str
    path: Path

    @property
    def native(self) -> bytes:
        """The bytes a platform sends or gets."""
        return self.path.read_bytes()

    @property
    def canonical(self) -> Any:
        """The canonical document, or the list of them a package holds."""
        return json.loads((self.path.parent / f"{self.number}.canonical.json").read_text("utf-8"))

    @property
    def canonicals(self) -> list[Document]:
        """The canonical documents, one or several."""
        return self.canonical if isinstance(self.canonical, list) else [self.canonical]


@cache
def _adapter(name: str) -> DeclarativeAdapter:
    return load(FOLDERS[name])


def _goldens(section: str) -> Iterator[Golden]:
    for bundle in FOLDERS:
        for name in sorted(getattr(_adapter(bundle), section)):
            for path in sorted((FOLDERS[bundle] / "samples" / name).glob("*.native.*")):
                if match := _NATIVE.fullmatch(path.name):
                    yield Golden(_adapter(bundle), name, match[1], path)


def _declared(section: str) -> list[tuple[str, str]]:
    return [(bundle, name) for bundle in FOLDERS for name in sorted(getattr(_adapter(bundle), section))]


def _settings(adapter: DeclarativeAdapter) -> Mapping[str, Any]:
    file = FOLDERS[adapter.name] / "samples" / "settings.json"
    given = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {setting: f"{setting}-value" for setting in adapter.settings} | given


Write = Callable[[DeclarativeAdapter, str, Document], OutboundRequest]


@pytest.fixture
def write() -> Write:
    """Write the request for a document with fixed facts and the samples' settings."""

    def written(adapter: DeclarativeAdapter, message_type: str, document: Document) -> OutboundRequest:
        at = datetime(2026, 8, 1, 1, 2, 3, tzinfo=UTC)
        sending = Sending(message_type, document, _settings(adapter), "delivery-1", "message-1", at)
        return adapter.translate_out(sending)

    return written


@pytest.fixture
def adapter_of() -> Callable[[str], DeclarativeAdapter]:
    """Give a bundled adapter by its name."""
    return _adapter


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for every adapter, everything declared, or every golden sample it asks for."""
    for section in ("receives", "sends", "queries"):
        if f"golden_{section}" in metafunc.fixturenames:
            found = list(_goldens(section))
            ids = [f"{one.adapter.name}/{one.name}/{one.number}" for one in found]
            metafunc.parametrize(f"golden_{section}", found, ids=ids)
        if f"{section}_declared" in metafunc.fixturenames:
            pairs = _declared(section)
            ids = [f"{bundle}/{name}" for bundle, name in pairs]
            metafunc.parametrize(f"{section}_declared", [(_adapter(b), name) for b, name in pairs], ids=ids)
    if "adapter" in metafunc.fixturenames:
        metafunc.parametrize("adapter", [_adapter(name) for name in FOLDERS], ids=list(FOLDERS))
