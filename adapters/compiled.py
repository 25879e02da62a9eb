"""Compile a bundle: every mapping to a program, every schema to a validator, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.bundle import Bundle
from adapters.bundle.manifest import FormatPart
from adapters.formats.format import Format
from adapters.mapping import Program, compile_mapping
from adapters.native import NativeSchema, compile_schema
from adapters.querying import Question
from adapters.receiving import Receiving
from adapters.sending import Outgoing
from adapters.source import BrokenBundle, BundleFinding


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a bundle becomes. `programs` are by mapping name; `defaults` are the settings' defaults."""

    programs: Mapping[str, Program]
    receives: Mapping[str, Receiving]
    sends: Mapping[str, Outgoing]
    queries: Mapping[str, Question]
    schemas: Mapping[tuple[str, str], NativeSchema]
    """The native schema of (`receives` or `sends`, name), where one is declared."""
    formats: Mapping[tuple[str, str], Format]
    defaults: Mapping[str, Any]


def compile_bundle(bundle: Bundle) -> Compiled:
    """Compile everything a bundle declares; raises `BrokenBundle` with every fault found."""
    faults: list[BundleFinding] = []
    programs = _programs(bundle, faults)
    formats = dict(_formats(bundle))
    schemas = _schemas(bundle, formats, faults)
    if faults:
        raise BrokenBundle(faults)
    manifest = bundle.manifest
    limit = manifest.limits.body
    defaults = {name: part.default for name, part in manifest.settings.items() if part.default is not None}
    receives = {
        name: Receiving(
            declared, formats["receives", name], programs[declared.mapping], schemas.get(("receives", name)), limit
        )
        for name, declared in manifest.receives.items()
    }
    sends = {
        name: Outgoing(
            declared, formats["sends", name], programs[declared.mapping], schemas.get(("sends", name)), defaults, limit
        )
        for name, declared in manifest.sends.items()
    }
    queries: dict[str, Question] = {
        name: Question(declared, formats["queries", name], programs[declared.mapping], defaults, limit)
        for name, declared in manifest.queries.items()
    }
    return Compiled(programs, receives, sends, queries, schemas, formats, defaults)


def _programs(bundle: Bundle, faults: list[BundleFinding]) -> Mapping[str, Program]:
    programs = {}
    names = frozenset(bundle.manifest.operator_settings())
    for name, source in bundle.mappings.items():
        with _collecting(faults):
            programs[name] = compile_mapping(source, bundle.codes, settings=names)
    return programs


def _formats(bundle: Bundle) -> Iterator[tuple[tuple[str, str], Format]]:
    manifest = bundle.manifest
    whole = manifest.format.over(Format())
    declared: list[tuple[str, str, FormatPart]] = [
        *(("receives", name, part.format) for name, part in manifest.receives.items()),
        *(("sends", name, part.format) for name, part in manifest.sends.items()),
        *(("queries", name, part.format) for name, part in manifest.queries.items()),
    ]
    for section, name, part in declared:
        yield (section, name), part.over(whole)


def _schemas(
    bundle: Bundle, formats: Mapping[tuple[str, str], Format], faults: list[BundleFinding]
) -> dict[tuple[str, str], NativeSchema]:
    manifest = bundle.manifest
    named = [
        *((("receives", name), part.schema_) for name, part in manifest.receives.items()),
        *((("sends", name), part.schema_) for name, part in manifest.sends.items()),
    ]
    schemas: dict[tuple[str, str], NativeSchema] = {}
    for key, file in named:
        if file is not None:
            with _collecting(faults):
                schemas[key] = compile_schema(bundle.native(file), f"native/{file}", formats[key])
    return schemas


@contextmanager
def _collecting(faults: list[BundleFinding]) -> Iterator[None]:
    try:
        yield
    except BrokenBundle as broken:
        faults.extend(broken.findings)
