"""Golden samples, both ways: what a platform says means this, and this is said so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adapters import DeclarativeAdapter, formats
from adapters.base import Document, OutboundRequest, Reply
from schemas import catalog, documents

Write = Callable[[DeclarativeAdapter, str, Document], OutboundRequest]


def _lost(value: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Give the canonical fields for which a mapping declares a loss or only one direction."""
    for name, entry in value["fields"].items():
        if isinstance(entry, dict):
            if {"lossy", "only"} & entry.keys():
                yield f"{prefix}{name}"
            if "each" in entry:
                yield from _lost(entry, f"{prefix}{name}[].")


def _without(document: Document, lost: set[str], prefix: str = "") -> Document:
    kept: Document = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if path in lost:
            continue
        if isinstance(value, dict):
            value = _without(value, lost, f"{path}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            value = [_without(one, lost, f"{path}[].") for one in value]
        if value not in ({}, []):
            kept[name] = value
    return kept


def _covered(document: Document, fields: set[str], prefix: str = "") -> Document:
    """Keep what a mapping can say."""
    kept: Document = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            value = _covered(value, fields, f"{path}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            value = [_covered(one, fields, f"{path}[].") for one in value]
        elif not {path, f"{path}[]"} & fields:
            continue
        if value not in ({}, []) and value != [{}] * len(value if isinstance(value, list) else ()):
            kept[name] = value
    return kept


def _program(adapter: DeclarativeAdapter, section: str, name: str) -> tuple[Any, set[str]]:
    mapping = getattr(adapter.bundle.manifest, section)[name].mapping
    return adapter.compiled.programs[mapping], set(_lost(adapter.bundle.mappings[mapping].value))


def test_what_a_platform_sends_is_understood(golden_receives: Any) -> None:
    """Native bytes become the canonical sample, record by record."""
    adapter, name = golden_receives.adapter, golden_receives.name
    package = adapter.read(name, golden_receives.native)
    made = [adapter.translate_in(name, record) for record in package.records]
    assert [one.document for one in made] == golden_receives.canonicals
    assert {one.type for one in made} == {adapter.receives[name]}
    assert package.split is isinstance(golden_receives.canonical, list)


def test_what_was_understood_can_be_said_again(golden_receives: Any) -> None:
    """in(out(in(n))) = in(n): what comes back may be normalised, never mean something else."""
    program, lost = _program(golden_receives.adapter, "receives", golden_receives.name)
    for document in golden_receives.canonicals:
        again = documents.check(program.document, program.inward(program.outward(document)).document).document
        assert _without(again, lost) == _without(document, lost)


def test_what_is_sent_is_written_so(golden_sends: Any, write: Write) -> None:
    """The canonical sample becomes the native one, value for value."""
    adapter, name = golden_sends.adapter, golden_sends.name
    declared = adapter.compiled.formats["sends", name]
    request = write(adapter, name, golden_sends.canonical)
    assert formats.read(declared, request.body).tree == formats.read(declared, golden_sends.native).tree


def test_what_is_sent_fits_the_platforms_own_schema(golden_sends: Any, write: Write) -> None:
    """The platform would take it."""
    adapter, name = golden_sends.adapter, golden_sends.name
    schema = adapter.compiled.schemas["sends", name]
    body = formats.read(adapter.compiled.formats["sends", name], write(adapter, name, golden_sends.canonical).body)
    assert [finding.message.en for _, finding in schema.faults(body)] == []


def test_what_is_sent_can_be_read_back(golden_sends: Any) -> None:
    """in(out(d)) = d, for everything the mapping can say and does not declare lost."""
    program, lost = _program(golden_sends.adapter, "sends", golden_sends.name)
    document = golden_sends.canonical
    back = program.inward(program.outward(document, {"source_name": "x", "source_code": "y"})).document
    covered = {one.field for one in program.explain()}
    assert _without(back, lost) == _without(_covered(document, covered), lost)


def test_received_samples_are_in_normal_form(golden_receives: Any) -> None:
    """Checking a canonical sample changes nothing."""
    name = catalog.TYPES[golden_receives.adapter.receives[golden_receives.name]].document
    for document in golden_receives.canonicals:
        assert documents.check(name, document).document == document


def test_sent_samples_are_in_normal_form(golden_sends: Any) -> None:
    """Checking a canonical sample changes nothing."""
    document = golden_sends.canonical
    assert documents.check(catalog.TYPES[golden_sends.name].document, document).document == document


def test_queries_read_what_platforms_answer(golden_queries: Any) -> None:
    """Each record of the answer is a canonical document."""
    page = golden_queries.adapter.read_query(golden_queries.name, Reply(200, {}, golden_queries.native))
    found, more = page.whole(), page.more
    assert [one.document for one in found] == golden_queries.canonicals
    assert not more
