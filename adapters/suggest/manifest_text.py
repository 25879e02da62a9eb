"""The adapter.yaml of a draft: what it receives, how that is written, and what to fill in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapters import paths
from adapters.formats.format import Format
from adapters.paths import Step
from adapters.suggest.operation import DraftOperation
from adapters.suggest.terms import NO_FIELD
from adapters.suggest.yaml_text import comment, flow, text
from schemas.catalog import TYPES

_SENDS = (
    "sends:                 # 本平台要接收的消息：逐个写映射、请求、回执规则，如",
    "  case.transferred:",
    "    mapping: case-out",
    "    request: {method: POST, path: /api/cases}",
    "    reply:",
    "      - {when: {status: 2xx, at: code, is: 0}, verdict: accepted, reference: data.id}",
    "      - {when: {status: 2xx}, verdict: refused, reason: msg}",
)


def manifest(name: str, kind: str, title: str, operations: Sequence[DraftOperation]) -> str:
    """Write adapter.yaml."""
    first = operations[0].samples[0].format
    lines = [
        comment("由样例起草；请核对 title、identity，并按平台要求填写 settings、auth、sends。"),
        f"adapter: {name}",
        "version: 0.1.0",
        f"title: {text(title)}",
        f"kind: {kind}",
        f"format: {flow({'body': first.body, 'charset': first.charset})}",
        "auth: {scheme: none}    # api-key、basic、hmac 等，见适配包语法",
        "",
        "receives:",
    ]
    for operation in operations:
        lines.extend(_receive(operation, Format(first.body, first.charset)))
    return "\n".join([*lines, "", *(comment(line) if line[0] != " " else f"# {line}" for line in _SENDS), ""])


def _receive(operation: DraftOperation, usual: Format) -> Iterator[str]:
    yield f"  {operation.name}:"
    yield f"    type: {operation.type}  {comment(TYPES[operation.type].title)}"
    yield f"    mapping: {operation.name}"
    if said := _format(operation.samples[0].format, usual):
        yield f"    format: {flow(said)}"
    if operation.envelope.split:
        yield f"    split: {flow(operation.envelope.split)}"
    if operation.envelope.require:
        yield f"    require: {flow(dict(operation.envelope.require))}"
    yield from _identity(operation)
    if has_schema(operation):
        yield f"    schema: {schema_name(operation)}"
    else:
        yield f"    {comment('样例含多个命名空间，未推断平台模式；有 XSD 时写 schema: 文件名')}"


def _format(written: Format, usual: Format) -> dict[str, Any]:
    """What an operation's format says beyond the adapter's."""
    same = (written.body, written.charset) == (usual.body, usual.charset)
    said: dict[str, Any] = {} if same else {"body": written.body, "charset": written.charset}
    if written.delimiter != usual.delimiter:
        said["delimiter"] = written.delimiter
    if written.header != usual.header:
        said["header"] = {"row": written.header}
    if written.root:
        said["root"] = written.root
    return said


def _identity(operation: DraftOperation) -> Iterator[str]:
    found = identity(operation)
    if found:
        yield f"    identity: {flow(found)}  {comment('同一文书由这些列认出，请核对')}"
    else:
        yield f"    {comment('identity: [编号列]   同一文书由哪些列认出；样例中没有看出')}"


def identity(operation: DraftOperation) -> list[str]:
    """The columns surely taken for the fields by which documents of this type are told apart."""
    columns = {one.target: one.column.path for one in operation.suggestions if one.confident and not one.column.lists}
    found = []
    for field in TYPES[operation.type].identifying:
        options = ("project.code", "approval_number", "project.name") if field == "project" else (field,)
        column = next((columns[option] for option in options if option in columns and option != NO_FIELD), None)
        if column is None:
            return []
        found.append(column)
    return found


def has_schema(operation: DraftOperation) -> bool:
    """Whether a native schema is inferred; not for XML of several namespaces."""
    return not operation.samples[0].elements or operation.one_namespace


def schema_name(operation: DraftOperation) -> str:
    """The file of an operation's native schema."""
    return f"{operation.name}.{'xsd' if operation.samples[0].extension == 'xml' else 'schema.json'}"


def steps_of(split: str) -> tuple[Step, ...]:
    """The steps of the path of the records, none when the body is one record."""
    return paths.in_body(split).steps if split else ()
