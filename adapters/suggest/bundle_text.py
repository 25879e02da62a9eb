"""The adapter.yaml and the README of a draft: what it receives, and what is left to fill in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapters import paths
from adapters.formats.format import Format
from adapters.paths import Step
from adapters.suggest.coding import DraftTable
from adapters.suggest.operation import DraftOperation
from adapters.suggest.terms import NO_FIELD
from adapters.suggest.yaml_text import comment, flow, text
from schemas import documents
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


# ── adapter.yaml ─────────────────────────────────────────────────────────────────────────────────
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


# ── README.md ────────────────────────────────────────────────────────────────────────────────────
def readme(name: str, title: str, operations: Sequence[DraftOperation], tables: Sequence[DraftTable]) -> str:
    """Write README.md."""
    lines = [
        f"# {_clean(title)}适配包",
        "",
        "由样例起草，尚未核对。样例如含真实的个人信息，提交前请替换为虚构内容。",
        "",
    ]
    lines += ["## 接收", "", "| 操作 | 消息类型 | 列 | 已映射 | 待决定 | 不认识 |", "|---|---|---|---|---|---|"]
    for operation in operations:
        lines.append(_row(operation))
    lines += ["", "## 待办", ""]
    for operation in operations:
        lines.extend(_to_do(operation))
    for table in tables:
        lines.extend(_codes(table))
    lines += [
        f"- [ ] `samples/`：没有的 `*.canonical.json` 用 `hutong adapter pairs {name}` 译出，逐个核对（不一定对）",
        "- [ ] `adapter.yaml`：核对 `title`、`identity`，填写 `settings`、`auth`、`sends`",
        f"- [ ] 运行 `hutong adapter check {name}`，直到没有问题",
        "",
    ]
    return "\n".join(lines)


def _row(operation: DraftOperation) -> str:
    title = TYPES[operation.type].title
    counts = [len(some) for some in (operation.suggestions, operation.sure, operation.asked, operation.unknown)]
    return f"| `{operation.name}` | `{operation.type}` {title} | {' | '.join(map(str, counts))} |"


def _to_do(operation: DraftOperation) -> Iterator[str]:
    fields = documents.fields(operation.document)
    file = f"mappings/{operation.name}.yaml"
    for path in operation.missing:
        yield f"- [ ] `{file}`：必填的 {fields[path].title}（`{path}`）还没有来源"
    asked = [one.column.path for one in operation.asked]
    unknown = [one.column.path for one in operation.unknown]
    if asked:
        yield f"- [ ] `{file}`：待决定 {'、'.join(f'`{_clean(path)}`' for path in asked)}"
    if unknown:
        yield f"- [ ] `{file}`：不认识 {'、'.join(f'`{_clean(path)}`' for path in unknown)}"


def _codes(table: DraftTable) -> Iterator[str]:
    if not table.unknown:
        yield f"- [ ] `codes/{table.name}.csv`：核对"
        return
    yield f"- [ ] `codes/{table.name}.csv`：补上 {'、'.join(f'`{_clean(one)}`' for one in table.unknown)}"
    yield from _offer(table)


def _offer(table: DraftTable) -> Iterator[str]:
    """Lines that could be pasted, once a human has seen that the vendor counts as the public list does."""
    if table.offered:
        yield "  公开码表如下；与平台核对一致后可照抄："
        yield ""
        yield "  ```csv"
        yield from (f"  {','.join(row)}" for row in table.offered)
        yield "  ```"


def _clean(said: str) -> str:
    return "".join(letter for letter in said if letter.isprintable() and letter not in "`|")[:100]
