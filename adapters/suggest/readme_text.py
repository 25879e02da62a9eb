"""The README of a draft: what it receives, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.suggest.coding import DraftTable
from adapters.suggest.operation import DraftOperation
from schemas import documents
from schemas.catalog import TYPES


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
