"""The manifest: what it leaves unused, secrets that would be stored, what its queries ask, and notes of compiling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from msgspec.structs import replace

from adapters import placeholders
from adapters.base import BASE_URL
from adapters.bundle.grammar import PARAMETERS, QUERIES, RequestPart
from adapters.check.outbound import kinds
from adapters.check.subject import Subject
from adapters.mapping import Program
from adapters.mapping.plan import Column, Parts
from adapters.source import BundleFinding, Key
from schemas import catalog, documents
from schemas.findings import Text

_PLACES = ("adapter.yaml", "mappings/", "native/", "codes/", "samples/")
ANY = "any"


def notes(subject: Subject) -> Iterator[BundleFinding]:
    """Warn of files that nothing names, of secrets that would be stored, and of what compiling noticed.

    A code table that lacks a code is an error where it is sent with: a valid document could not be written.
    """
    yield from _files(subject)
    yield from _manifest(subject)
    yield from _secrets(subject)
    yield from _settings(subject)
    sent = {part.mapping for part in subject.bundle.manifest.sends.values()}
    for name, program in subject.compiled.programs.items():
        for note in program.notes:
            yield replace(note, warning=name not in sent) if note.code == "codes.gaps" else note


def _files(subject: Subject) -> Iterator[BundleFinding]:
    used = set(_used(subject))
    for file in subject.bundle.files:
        if file.startswith(("mappings/", "native/", "codes/")) and file not in used:
            yield _note("file.unused", file, Text("没有被引用", "nothing refers to it"))
        elif not file.startswith(_PLACES) and not file.endswith(".md"):
            yield _note("file.stray", file, Text("不属于适配包的结构", "it has no place in a bundle"))


def _manifest(subject: Subject) -> Iterator[BundleFinding]:
    manifest, source = subject.bundle.manifest, subject.bundle.source
    if not (manifest.receives or manifest.sends or manifest.queries):
        text = Text("不接收、不发送、也不查询任何东西", "it receives, sends and asks nothing")
        remedy = Text("请填写 receives、sends 或 queries", "write receives, sends or queries")
        yield source.finding("manifest.nothing", text, remedy)
    if manifest.kind != ANY and manifest.kind not in kinds():
        known = "、".join(sorted(kinds()))
        text = Text(f"路由中没有平台类别 {manifest.kind}", f"no route knows the kind {manifest.kind}")
        remedy = Text(
            f"已知的类别：{known}；自定路由可忽略此提示", f"the kinds are: {known}, unless your routes name others"
        )
        yield source.finding("kind.unknown", text, remedy, "kind", warning=True)
    for name, part in manifest.settings.items():
        if part.type == "secret" and part.default is not None:
            text = Text(f"密钥 {name} 带有默认值，人人可知", f"the secret {name} has a default that everybody can read")
            remedy = Text("请删去 default，由运维人员填写", "remove the default: operators fill it in")
            yield source.finding("secret.default", text, remedy, "settings", name, "default", warning=True)


def _secrets(subject: Subject) -> Iterator[BundleFinding]:
    """Warn of secrets outside `auth`: what is sent is kept, to be resent byte for byte."""
    manifest, source = subject.bundle.manifest, subject.bundle.source
    secret = {name for name, part in manifest.settings.items() if part.type == "secret"}
    for name, send in manifest.sends.items():
        at: tuple[Key, ...] = ("sends", name)
        places: list[tuple[object, tuple[Key, ...]]] = [
            (send.request.path, (*at, "request", "path")),
            (dict(send.request.headers), (*at, "request", "headers")),
            (send.envelope, (*at, "envelope")),
        ]
        for value, keys in places:
            for found in sorted(placeholders.names(value) & secret):
                yield source.finding("secret.kept", *_kept(found), *keys, warning=True)
    for name, mapping in subject.bundle.mappings.items():
        for key, value in (mapping.value.get("constants") or {}).items():
            for found in sorted(placeholders.names(value) & secret):
                yield subject.bundle.mappings[name].finding(
                    "secret.kept", *_kept(found), "constants", key, warning=True
                )


def _settings(subject: Subject) -> Iterator[BundleFinding]:
    """Warn of settings that nothing uses."""
    manifest = subject.bundle.manifest
    used = placeholders.names(dict(manifest.auth.templates())) - manifest.auth.facts
    for send in manifest.sends.values():
        asked = (send.in_doubt.request, send.in_doubt.body) if send.in_doubt else (None, None)
        used |= _requested(send.request) | _requested(asked[0])
        used |= placeholders.names(send.envelope) | placeholders.names(asked[1])
    for query in manifest.queries.values():
        used |= _requested(query.request) | placeholders.names(query.body)
    for mapping in subject.bundle.mappings.values():
        used |= placeholders.names(mapping.value.get("constants"))
    for name in sorted(manifest.settings.keys() - used - {BASE_URL.name}):
        text = Text(f"设置 {name} 没有用处", f"nothing uses the setting {name}")
        remedy = Text("请在 auth、request、envelope 或 constants 中使用，或删去", "use it, or remove it")
        yield subject.bundle.source.finding("setting.unused", text, remedy, "settings", name, warning=True)


def _requested(request: RequestPart | None) -> frozenset[str]:
    return frozenset() if request is None else placeholders.names([request.path, *request.headers.values()])


def _kept(name: str) -> tuple[Text, Text]:
    return (
        Text(f"密钥 {name} 会随请求存入账本", f"the secret {name} would be kept in the ledger with the request"),
        Text("密钥请只用于 auth", "use secrets in auth only"),
    )


def _used(subject: Subject) -> Iterator[str]:
    manifest = subject.bundle.manifest
    for _, _, mapping, _ in subject.uses():
        yield f"mappings/{mapping}.yaml"
    yield from (f"native/{part.schema_}" for part in manifest.receives.values())
    yield from (f"native/{part.schema_}" for part in manifest.sends.values())
    for program in subject.compiled.programs.values():
        yield from (f"codes/{name}.csv" for name in _tables(program))


def _tables(program: Program) -> Iterator[str]:
    for node in program.plan.root.walk():
        if isinstance(node, Column | Parts):
            yield from (step.codes.name for step in node.chain if step.codes is not None)


def _note(code: str, file: str, message: Text) -> BundleFinding:
    return BundleFinding(code, message, Text("如不需要请删去", "remove it if it is not needed"), file, 1, 1, True)


# ── queries ──────────────────────────────────────────────────────────────────────────────────────
DOCUMENTS: Mapping[str, frozenset[str]] = {
    name: frozenset(one.document for one in catalog.of_dossier(name)) for name in QUERIES
}
"""What each query may answer with."""


def query_faults(subject: Subject, name: str) -> Iterator[BundleFinding]:
    """Report a query that would answer with every party's documents, without end, or with other documents."""
    source, query = subject.bundle.source, subject.bundle.manifest.queries[cast("Any", name)]
    used = placeholders.names(query.request.path) | placeholders.names(query.body)
    document = subject.compiled.programs[query.mapping].document
    if documents.current(document) not in DOCUMENTS[name]:
        wanted = "、".join(sorted(DOCUMENTS[name]))
        text = Text(f"{name} 的结果应是 {wanted}，映射的是 {document}", f"{name} gives {wanted}, not {document}")
        remedy = Text("请改用对应文档的映射", "use a mapping of such a document")
        yield source.finding("query.document", text, remedy, "queries", name, "mapping")
    if not used & frozenset(PARAMETERS):
        yield source.finding("query.parameter", _EVERYBODY, _PARAMETER, "queries", name, "request")
    if query.pages is not None and query.pages.number not in used:
        yield source.finding("query.page", _SAME_PAGE, _PAGE, "queries", name, "pages")


_EVERYBODY = Text(
    "请求中没有查询条件，会取回所有企业的数据", "the request names nobody: it would fetch everybody's documents"
)
_PARAMETER = Text(
    "请在 path 或 body 中使用 {credit_code}、{permit_number} 或 {project_code}",
    "use {credit_code}, {permit_number} or {project_code} in path or body",
)
_SAME_PAGE = Text("声明了分页，请求中却没有页码", "pages are declared, and the request has no page number")
_PAGE = Text("请在 path 或 body 中使用 pages.number 所指的占位符", "use the placeholder that pages.number names")
