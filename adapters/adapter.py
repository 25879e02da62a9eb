"""A bundle with its mappings and schemas compiled is an adapter: no code but the declarations in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapters import bundle as bundles
from adapters.base import (
    Answer,
    Cutter,
    IssuedToken,
    Limits,
    Lineage,
    OutboundRequest,
    Package,
    Record,
    Reply,
    RetrySchedule,
    Sending,
    Setting,
    SigningMoment,
    Translation,
    Verdict,
)
from adapters.bundle import Bundle
from adapters.bundle.files import MANIFEST
from adapters.bundle.grammar import FormatPart
from adapters.exchange.query import CompiledQuery
from adapters.exchange.receiving import CompiledReceive
from adapters.exchange.request import merged
from adapters.exchange.sending import CompiledSend
from adapters.formats.format import Format
from adapters.mapping import Program, compile_mapping
from adapters.native import NativeSchema, compile_schema
from adapters.source import BrokenBundle, BundleFinding
from schemas.budget import Budget
from schemas.findings import Rejected, Text

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CompiledBundle:
    """What a bundle becomes. `programs` are by mapping name; `defaults` are the settings' defaults."""

    programs: Mapping[str, Program]
    receives: Mapping[str, CompiledReceive]
    sends: Mapping[str, CompiledSend]
    queries: Mapping[str, CompiledQuery]
    schemas: Mapping[tuple[str, str], NativeSchema]
    """The native schema of (`receives` or `sends`, name), where one is declared."""
    formats: Mapping[tuple[str, str], Format]
    defaults: Mapping[str, Any]
    budget: Budget
    """The bounds of the work on one body, as the bundle declares them."""


class DeclarativeAdapter:
    """An adapter made of a bundle alone; raises `adapters.source.BrokenBundle` when it does not compile.

    Immutable once made; every method is pure and safe from any thread.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._compiled: CompiledBundle = compile_bundle(bundle)
        self._name = bundle.manifest.adapter
        self._version = bundle.manifest.version
        self._budget = self._compiled.budget
        self._settings = bundle.manifest.operator_settings()
        self._limits = bundle.manifest.limits.value()
        self._retry = bundle.manifest.retry.value()
        self._receives = {name: operation.type for name, operation in self._compiled.receives.items()}
        self._sends = frozenset(self._compiled.sends)

    @property
    def bundle(self) -> Bundle:
        """What it was made of."""
        return self._bundle

    @property
    def compiled(self) -> CompiledBundle:
        """The compiled bundle, for the check and the sandbox."""
        return self._compiled

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return self._version

    @property
    def title(self) -> str:
        return self._bundle.manifest.title

    @property
    def kind(self) -> str:
        return self._bundle.manifest.kind

    @property
    def digest(self) -> str:
        return self._bundle.digest

    @property
    def settings(self) -> Mapping[str, Setting]:
        return self._settings

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def retry(self) -> RetrySchedule:
        return self._retry

    @property
    def receives(self) -> Mapping[str, str]:
        return self._receives

    @property
    def sends(self) -> frozenset[str]:
        return self._sends

    @property
    def queries(self) -> frozenset[str]:
        return frozenset(self._compiled.queries)

    @property
    def budget(self) -> Budget:
        return self._budget

    def read(
        self, operation: str, body: bytes, content_type: str | None = None, *, budget: Budget | None = None
    ) -> Package:
        return _known(self._compiled.receives, operation).read(body, content_type, budget)

    def cutter(self, operation: str, content_type: str | None, *, budget: Budget | None = None) -> Cutter:
        return _known(self._compiled.receives, operation).cutter(content_type, budget)

    def translate_in(self, operation: str, record: Record) -> Translation:
        return _known(self._compiled.receives, operation).translate_in(record)

    def answer(self, operation: str, *, accepted: bool, values: Mapping[str, str]) -> Answer | None:
        return _known(self._compiled.receives, operation).answer(accepted=accepted, values=values)

    def translate_out(self, sending: Sending) -> OutboundRequest:
        return _known(self._compiled.sends, sending.type).write(sending)

    @property
    def signs(self) -> bool:
        return self._bundle.manifest.auth.signs

    def authorise(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment | None = None
    ) -> OutboundRequest:
        auth, known = self._bundle.manifest.auth, merged(self._compiled.defaults, settings)
        return auth.apply(request, known) if moment is None else auth.apply(request, known, moment)

    def ask_token(self, settings: Mapping[str, Any]) -> OutboundRequest | None:
        return self._bundle.manifest.auth.ask_token(merged(self._compiled.defaults, settings))

    def read_token(self, reply: Reply) -> IssuedToken | None:
        return self._bundle.manifest.auth.read_token(reply)

    def judge(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        return _known(self._compiled.sends, message_type).judge(reply, budget)

    def ask(self, sending: Sending) -> OutboundRequest | None:
        return _known(self._compiled.sends, sending.type).ask(sending)

    def judge_answer(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        return _known(self._compiled.sends, message_type).judge_answer(reply, budget)

    def query(
        self, name: str, parameters: Mapping[str, str], settings: Mapping[str, Any], page: int = 1
    ) -> OutboundRequest | None:
        return _known(self._compiled.queries, name).write(parameters, settings, page)

    def read_query(
        self, name: str, reply: Reply, page: int = 1, *, budget: Budget | None = None
    ) -> tuple[Sequence[Translation | Rejected], bool]:
        return _known(self._compiled.queries, name).read(reply, page, budget)

    def lineage(self, name: str) -> Sequence[Lineage]:
        spoken: Mapping[str, CompiledReceive | CompiledSend] = {**self._compiled.sends, **self._compiled.receives}
        return _known(spoken, name).lineage()


def load(path: Path | str) -> DeclarativeAdapter:
    """Load the adapter in a folder or a zip; raises `adapters.source.BrokenBundle` with every fault."""
    return DeclarativeAdapter(bundles.load(path))


def bundled() -> Mapping[str, Path]:
    """Give the folder of each bundled adapter by its name."""
    here = Path(__file__).parent
    return {folder.name: folder for folder in sorted(here.iterdir()) if (folder / MANIFEST).is_file()}


def compile_bundle(bundle: Bundle) -> CompiledBundle:
    """Compile everything a bundle declares; raises `BrokenBundle` with every fault found."""
    # Everything is compiled before anything is raised: an author sees all faults at once.
    faults: list[BundleFinding] = []
    programs = _programs(bundle, faults)
    formats = dict(_formats(bundle))
    schemas = _schemas(bundle, formats, faults)
    if faults:
        raise BrokenBundle(faults)
    manifest = bundle.manifest
    budget = manifest.limits.budget()
    defaults = {name: part.default for name, part in manifest.settings.items() if part.default is not None}
    receives = {
        name: CompiledReceive(
            declared, formats["receives", name], programs[declared.mapping], schemas.get(("receives", name)), budget
        )
        for name, declared in manifest.receives.items()
    }
    sends = {
        name: CompiledSend(
            declared, formats["sends", name], programs[declared.mapping], schemas.get(("sends", name)), defaults, budget
        )
        for name, declared in manifest.sends.items()
    }
    queries: dict[str, CompiledQuery] = {
        name: CompiledQuery(declared, formats["queries", name], programs[declared.mapping], defaults, budget)
        for name, declared in manifest.queries.items()
    }
    return CompiledBundle(programs, receives, sends, queries, schemas, formats, defaults, budget)


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


def _known(entries: Mapping[str, _T], name: str) -> _T:
    found = entries.get(name)
    if found is None:
        known = "、".join(sorted(entries)) or "—"
        text = Text(f"此适配器没有 {name}；有：{known}", f"this adapter has no {name}; it has: {known}")
        raise Rejected("operation.unknown", text, status=404)
    return found
