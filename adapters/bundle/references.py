"""Does everything a manifest names exist: mappings, schemas, settings, message types?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters import placeholders
from adapters.base import Tree
from adapters.bundle.grammar import PARAMETERS, Manifest, Query, Receive, RequestPart, Send
from adapters.placeholders import RECORD, RECORD_TEXT
from adapters.source import BundleFinding, Key, Source
from schemas import catalog, documents
from schemas.findings import Text

ANSWER = frozenset({"message_id", "code", "detail"})


def references(
    manifest: Manifest,
    source: Source,
    files: Mapping[str, bytes],
    mappings: Mapping[str, Source],
) -> Iterator[BundleFinding]:
    """Give a finding for every name that refers to nothing."""
    checks = _NameChecks(manifest, source, files, mappings)
    yield from checks.settings()
    for name, receive in manifest.receives.items():
        yield from checks.receive(name, receive)
    for name, send in manifest.sends.items():
        yield from checks.send(name, send)
    for query_name, query in manifest.queries.items():
        yield from checks.query(query_name, query)


class _NameChecks:
    def __init__(
        self, manifest: Manifest, source: Source, files: Mapping[str, bytes], mappings: Mapping[str, Source]
    ) -> None:
        self.source = source
        self.files = files
        self.mappings = mappings
        self.auth = manifest.auth
        self.own = frozenset(manifest.operator_settings())

    def settings(self) -> Iterator[BundleFinding]:
        for key, text in self.auth.templates().items():
            yield from self._names(text, self.own | self.auth.facts, "auth", *key.split(".", 1))

    def receive(self, name: str, receive: Receive) -> Iterator[BundleFinding]:
        at = ("receives", name)
        yield from self._type(receive.type, *at, "type")
        yield from self._mapping(receive.mapping, receive.type, *at, "mapping")
        yield from self._schema(receive.schema_, *at, "schema")
        for path, value in receive.require.items():
            yield from self._names(value, frozenset({"count"}), *at, "require", path)
        if receive.answer is not None:
            yield from self._tree(receive.answer.accepted.body, ANSWER, *at, "answer", "accepted", "body")
            yield from self._tree(receive.answer.rejected.body, ANSWER, *at, "answer", "rejected", "body")

    def send(self, name: str, send: Send) -> Iterator[BundleFinding]:
        at = ("sends", name)
        yield from self._type(name, *at)
        yield from self._mapping(send.mapping, name, *at, "mapping")
        yield from self._schema(send.schema_, *at, "schema")
        if name not in catalog.TYPES:
            return
        known = self.own | placeholders.FACTS | _fields(name)
        yield from self._request(send.request, known, *at, "request")
        if send.envelope is not None:
            yield from self._envelope(send.envelope, known, *at, "envelope")
        if send.in_doubt is not None:
            yield from self._request(send.in_doubt.request, known, *at, "in_doubt", "request")
            yield from self._tree(send.in_doubt.body, known, *at, "in_doubt", "body")

    def query(self, name: str, query: Query) -> Iterator[BundleFinding]:
        at = ("queries", name)
        turned = {query.pages.number, "size"} if query.pages else set()
        known = self.own | frozenset(PARAMETERS) | turned
        yield from self._mapping(query.mapping, None, *at, "mapping")
        yield from self._request(query.request, known, *at, "request")
        yield from self._tree(query.body, known, *at, "body")

    def _request(self, request: RequestPart, known: frozenset[str], *at: Key) -> Iterator[BundleFinding]:
        yield from self._names(request.path, known, *at, "path")
        for header, text in request.headers.items():
            yield from self._names(text, known, *at, "headers", header)

    def _envelope(self, envelope: Tree, known: frozenset[str], *at: Key) -> Iterator[BundleFinding]:
        yield from self._tree(envelope, known | {RECORD, RECORD_TEXT}, *at)
        if not any(f"{{{name}}}" in text for name in (RECORD, RECORD_TEXT) for text in _texts(envelope)):
            yield self.source.finding(
                "envelope.record",
                Text("envelope 中没有 {record} 或 {record_text}", "the envelope has no {record} or {record_text}"),
                Text("请在放置记录的位置写 {record}", "write {record} where the record goes"),
                *at,
            )

    def _tree(self, tree: Tree, known: frozenset[str], *at: Key) -> Iterator[BundleFinding]:
        if isinstance(tree, dict):
            for key, value in tree.items():
                yield from self._tree(value, known, *at, key)
        elif isinstance(tree, list):
            for index, value in enumerate(tree):
                yield from self._tree(value, known, *at, index)
        elif isinstance(tree, str):
            yield from self._names(tree, known, *at)

    def _names(self, text: str, known: frozenset[str], *at: Key) -> Iterator[BundleFinding]:
        try:
            names = placeholders.parse(text).names
        except placeholders.BadTemplate as error:
            yield self.source.finding(
                "placeholder.syntax",
                Text(f"占位符写法有误：{error.message.zh}", f"the placeholders cannot be read: {error}"),
                Text("占位符写作 {名称}，花括号本身写作 {{ }}", "write {name}, and {{ }} for braces themselves"),
                *at,
            )
            return
        for name in sorted(names - known):
            yield self.source.finding(
                "placeholder.unknown",
                Text(f"此处没有名为 {name} 的值", f"there is no value called {name} here"),
                Text(
                    "请改用设置项、该文档的字段，或此处可用的占位符",
                    "use a setting, a field of the document, or a placeholder known here",
                ),
                *at,
            )

    def _type(self, name: str, *at: Key) -> Iterator[BundleFinding]:
        if name not in catalog.TYPES:
            yield self.source.finding(
                "type.unknown",
                Text(f"没有名为 {name} 的消息类型", f"there is no message type {name}"),
                Text(f"请使用：{'、'.join(catalog.TYPES)}", f"use one of: {', '.join(catalog.TYPES)}"),
                *at,
            )

    def _mapping(self, name: str, message_type: str | None, *at: Key) -> Iterator[BundleFinding]:
        file = f"mappings/{name}.yaml"
        if name not in self.mappings:
            if file not in self.files:
                yield self._missing(file, *at)
            return
        value = self.mappings[name].value
        document = value.get("document") if isinstance(value, dict) else None
        known = catalog.TYPES.get(message_type or "")
        # A mapping of an earlier version stays good: what it makes is read as the present one.
        if known is not None and documents.current(str(document)) != known.document:
            wanted = known.document
            yield self.source.finding(
                "mapping.document",
                Text(
                    f"{file} 映射的是 {document}，{message_type} 需要 {wanted}",
                    f"{file} maps {document}, but {message_type} is {wanted}",
                ),
                Text("请改用对应文档的映射", "use a mapping of that document"),
                *at,
            )

    def _schema(self, name: str | None, *at: Key) -> Iterator[BundleFinding]:
        if name is not None and f"native/{name}" not in self.files:
            yield self._missing(f"native/{name}", *at)

    def _missing(self, file: str, *at: Key) -> BundleFinding:
        return self.source.finding(
            "file.missing",
            Text(f"没有文件 {file}", f"there is no file {file}"),
            Text("请添加该文件，或更正名称", "add the file, or correct the name"),
            *at,
        )


def _fields(message_type: str) -> frozenset[str]:
    known = catalog.TYPES.get(message_type)
    return frozenset(documents.fields(known.document)) if known is not None else frozenset()


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _texts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _texts(value)
    elif isinstance(tree, str):
        yield tree
