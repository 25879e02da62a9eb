"""What the files of the bundles promise each other beyond what the check asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import canonical_schemas
from lxml import etree
from stdnum.cn import uscc

from adapters import DeclarativeAdapter, bundled
from adapters.mapping import Program
from adapters.mapping.plan import canonical
from adapters.paths import EACH
from adapters.paths import parse as parse_path
from schemas.codes import table

XS = "{http://www.w3.org/2001/XMLSchema}"


def _walk(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str):
                yield name, value
            yield from _walk(value)
    elif isinstance(node, list):
        for one in node:
            yield from _walk(one)


def _properties(schema: Any, steps: tuple[str | None, ...]) -> bool:
    for step in steps:
        if step is EACH:
            schema = schema["items"]
        elif step in schema.get("properties", {}):
            schema = schema["properties"][step]
        else:
            return False
    return True


def _read(program: Program) -> list[str]:
    return [use.path for use in program.path_uses if use.read]


def _used(program: Program) -> list[str]:
    return [use.path for use in program.path_uses]


def test_every_native_path_is_spelled_in_the_native_schema(receives_declared: tuple[DeclarativeAdapter, str]) -> None:
    """Also where the schema is open, so that a slip of the pen is not taken for a new column."""
    adapter, name = receives_declared
    declared = adapter.bundle.manifest.receives[name]
    if declared.schema_ is None or not declared.schema_.endswith(".json"):
        return
    schema = json.loads(adapter.bundle.native(declared.schema_))
    program = adapter.compiled.programs[declared.mapping]
    ignored = adapter.bundle.mappings[declared.mapping].value.get("ignored", [])
    unknown = [text for text in (*_read(program), *ignored) if not _properties(schema, parse_path(text).steps)]
    assert unknown == []


def test_every_column_of_a_package_is_known_both_ways(adapter_of: Callable[[str], DeclarativeAdapter]) -> None:
    """Records take new columns, so the known ones are compared by name."""
    adapter = adapter_of("pollutant-permit")
    root = etree.fromstring(adapter.bundle.native("package.xsd"))
    columns = {node.get("name") for node in root if node.find(f"{XS}simpleType") is not None}
    head = {"SJBBH", "SJBLX", "DWDM", "JLS", "SCRQ"}
    mapping = adapter.bundle.mappings["permit"].value
    known = {*_read(adapter.compiled.programs["permit"]), *mapping["ignored"]}
    assert columns - head == known


def test_every_column_of_a_received_schema_is_mapped_or_declared_lost(
    receives_declared: tuple[DeclarativeAdapter, str],
) -> None:
    """Nothing a platform is known to send is dropped in silence."""
    adapter, name = receives_declared
    declared = adapter.bundle.manifest.receives[name]
    schema = adapter.compiled.schemas.get(("receives", name))
    if schema is None or declared.split is not None:
        return
    mapping = adapter.bundle.mappings[declared.mapping].value
    program = adapter.compiled.programs[declared.mapping]
    known = {parse_path(text).steps[0] for text in (*_used(program), *mapping.get("ignored", []))}
    assert set(schema.shape.names) - known == set()


def test_code_tables_are_total(adapter: DeclarativeAdapter) -> None:
    """Each canonical code can be written."""
    for program in adapter.compiled.programs.values():
        for node in program.plan.root.walk():
            for step in getattr(node, "chain", ()):
                for target in canonical(node):
                    if step.codes is not None and target.field.codes is not None:
                        assert step.codes.gaps(table(target.field.codes).codes) == ()


def test_credit_codes_of_samples_are_valid(adapter: DeclarativeAdapter) -> None:
    """Invented enterprises have numbers that pass their check."""
    for file in sorted((bundled()[adapter.name] / "samples").rglob("*.canonical.json")):
        for name, value in _walk(json.loads(file.read_text("utf-8"))):
            if name == "credit_code":
                assert uscc.is_valid(value), f"{file}: {value}"


def test_the_authorities_of_samples_may_decide(adapter: DeclarativeAdapter) -> None:
    """A 分局 or a 支队 acts in the bureau's name unless it is authorised by law."""
    for file in sorted((bundled()[adapter.name] / "samples").rglob("*.canonical.json")):
        for found in _authorities(json.loads(file.read_text("utf-8"))):
            assert not found.endswith(("分局", "支队", "大队")), f"{file}: {found}"


def _authorities(node: Any) -> Iterator[str]:
    for one in node if isinstance(node, list) else [node]:
        yield from (one[name]["name"] for name in ("authority", "issuer") if name in one)


def test_the_canonical_adapter_writes_the_published_documents(adapter: DeclarativeAdapter) -> None:
    """Its native schemas are the published ones, less the patterns that look around."""
    if adapter.name == "canonical":
        for name, declared in adapter.bundle.manifest.sends.items():
            document = adapter.compiled.programs[declared.mapping].document
            assert json.loads(adapter.bundle.native(str(declared.schema_))) == canonical_schemas.native(document), name
