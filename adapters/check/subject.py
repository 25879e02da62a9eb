"""What is under check: a compiled bundle, and the fixed facts its documents are written with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters import formats
from adapters.adapter import CompiledBundle, DeclarativeAdapter
from adapters.base import Document, OutboundRequest, Sending, Setting
from adapters.bundle import Bundle
from adapters.formats import json
from adapters.formats.format import Body
from adapters.mapping import Program
from adapters.source import BundleFinding
from schemas.findings import Finding, Rejected, Text
from schemas.scalars import CHINA_TIME

SETTINGS = "samples/settings.json"
"""Values of the settings that the samples were written with; a setting without a value there is written as `{name}`."""

ACCEPTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=CHINA_TIME)

_BY_TYPE: Mapping[str, Any] = {"int": 1, "bool": True, "url": "https://platform.example"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A bundle that compiles, ready to be checked."""

    adapter: DeclarativeAdapter
    settings: Mapping[str, Any]

    @property
    def bundle(self) -> Bundle:
        """Its files and manifest."""
        return self.adapter.bundle

    @property
    def compiled(self) -> CompiledBundle:
        """Its programs, schemas and formats."""
        return self.adapter.compiled

    def sending(self, message_type: str, document: Document) -> Sending:
        """A message with the fixed facts: `{delivery_id}` and `{message_id}` stand for themselves."""
        return Sending(message_type, document, self.settings, "{delivery_id}", "{message_id}", ACCEPTED_AT)

    def write(self, message_type: str, document: Document) -> OutboundRequest:
        """Write the request for a document with the fixed facts; raises `Rejected`."""
        return self.adapter.translate_out(self.sending(message_type, document))

    def read_back(self, message_type: str, request: OutboundRequest) -> Body:
        """Parse a written body again, as the platform would."""
        return formats.read(self.compiled.formats["sends", message_type], request.body)

    def native_faults(self, message_type: str, body: Body) -> Iterator[Finding]:
        """Give what the platform's own schema says against a written body."""
        schema = self.compiled.schemas.get(("sends", message_type))
        if schema is not None:
            yield from (finding for _, finding in schema.faults(body))

    def uses(self) -> Iterator[tuple[str, str, str, Program]]:
        """Give (section, name, mapping, program) for everything the manifest declares."""
        manifest = self.bundle.manifest
        for section in ("receives", "sends", "queries"):
            for name, part in getattr(manifest, section).items():
                yield section, name, part.mapping, self.compiled.programs[part.mapping]


def subject(bundle: Bundle) -> Subject:
    """Compile a bundle and settle the settings its samples use; raises `BrokenBundle`."""
    adapter = DeclarativeAdapter(bundle)
    given = _given(bundle)
    settings = {name: given.get(name, _stand_in(one)) for name, one in adapter.settings.items()}
    return Subject(adapter, settings)


def _given(bundle: Bundle) -> Mapping[str, Any]:
    try:
        found = json.parse(bundle.files.get(SETTINGS, b"{}"))
    except Rejected:
        return {}
    return found if isinstance(found, dict) else {}


def _stand_in(setting: Setting) -> Any:
    if setting.default is not None:
        return setting.default
    return setting.choices[0] if setting.choices else _BY_TYPE.get(setting.type, f"{{{setting.name}}}")


def file_finding(file: str, code: str, said: Finding, remedy: Text, *, line: int = 1, column: int = 1) -> BundleFinding:
    """Turn a finding about a document into one about a file of the bundle."""
    where = said.path or said.field
    place = f"{where} {said.title}".strip()
    text = Text(
        f"{place}：{said.message.zh}" if place else said.message.zh,
        f"{where}: {said.message.en}" if where else said.message.en,
    )
    return BundleFinding(code, text, remedy, file, line, column)
