"""How much work one thing from outside may cause: one value for every reader, and the refusal that names a bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import asdict, replace

from schemas.findings import Finding, Rejected, Text

FINDINGS = 50
"""As many findings as anybody gets at once; one more says that there are others."""

MORE = "bound.findings"
"""The code of that one more."""

_MEGABYTE = 1024 * 1024


class Bound(Struct, frozen=True):
    """One bound: what it counts, and how high an operator may raise it."""

    zh: str
    en: str
    ceiling: int
    status: int = 413
    code: str = ""
    """The code that callers know it by, where it is older than the others'."""


BOUNDS: Mapping[str, Bound] = {
    "body": Bound("报文字节数", "bytes of the body", 64 * _MEGABYTE),
    "nodes": Bound("节点数", "nodes", 2_000_000),
    "depth": Bound("嵌套层数", "levels of nesting", 128, 400, "body.depth"),
    "names": Bound("一个元素的属性数或一个对象的字段数", "attributes of one element or fields of one object", 20_000),
    "attributes": Bound("属性总数", "attributes in all", 500_000),
    "namespaces": Bound("同时有效的命名空间数", "namespaces in scope at once", 256),
    "declarations": Bound("命名空间声明总数", "namespace declarations in all", 100_000),
    "items": Bound("一个列表的项数", "items of one list", 500_000),
    "records": Bound("记录数", "records", 100_000),
    "digits": Bound("一个数值的位数", "digits of one number", 1_000, 400),
    "exponent": Bound("数值的指数", "the exponent of a number", 1_000, 400),
    "text": Bound("一段文本的字符数", "characters of one text", 64 * _MEGABYTE),
    "findings": Bound("错误数", "findings", FINDINGS, 422),
    "answer": Bound("应答字节数", "bytes of the answer", 16 * _MEGABYTE),
}
"""What each field of a `Budget` counts."""


class Budget(Struct, frozen=True):
    """The bounds of the work on one body. A reader stops at the first that is broken.

    The defaults fit what platforms send. A bundle may only lower them (`lowered`); an operator may
    raise them for a platform (`raised`), never beyond the ceilings in `BOUNDS`.
    """

    body: int = 2 * _MEGABYTE
    nodes: int = 300_000
    depth: int = 64
    names: int = 1_000
    attributes: int = 50_000
    namespaces: int = 64
    declarations: int = 10_000
    items: int = 50_000
    records: int = 10_000
    digits: int = 100
    exponent: int = 400
    text: int = 16 * _MEGABYTE
    findings: int = FINDINGS
    answer: int = 4 * _MEGABYTE

    def lowered(self, said: Mapping[str, int | None]) -> Budget:
        """Give the budget with what a bundle says, where it says less."""
        wanted = {name: value for name, value in said.items() if value is not None}
        return replace(self, **{name: min(value, getattr(self, name)) for name, value in wanted.items()})

    def raised(self, said: Mapping[str, int]) -> Budget:
        """Give the budget with what an operator says for one platform, within the ceilings.

        Raises `ValueError` for a bound that does not exist, and for a value outside 1 and the ceiling.
        """
        for name, value in said.items():
            if name not in BOUNDS:
                raise ValueError(f"there is no bound {name}; there are: {', '.join(BOUNDS)}")
            if not 1 <= value <= BOUNDS[name].ceiling:
                raise ValueError(f"the bound {name} is from 1 to {BOUNDS[name].ceiling}")
        return replace(self, **said)

    def exceeded(self, name: str, where: str = "", *, path: str = "") -> BudgetExceeded:
        """Make the refusal for a broken bound; `where` tells the place in the sender's bytes."""
        return BudgetExceeded(name, getattr(self, name), where, path)

    def to_dict(self) -> dict[str, int]:
        """Give the bounds by name."""
        return asdict(self)


class BudgetExceeded(Rejected):
    """A body that would take more work than its budget allows: `bound` names what was broken, `limit` its value.

    The code is `bound.NAME` (`body.depth` for the depth); the status 413 for what is too much, 400 for
    what cannot be read.
    """

    def __init__(self, bound: str, limit: int, where: str = "", path: str = "") -> None:
        self.bound = bound
        self.limit = limit
        self.place = place = where or path
        said = BOUNDS[bound]
        text = Text(
            f"{f'{place}：' if place else ''}{said.zh}超过上限 {limit}；请拆分或精简后重新发送",
            f"{f'{place}: ' if place else ''}more than {limit} {said.en}; send less, or send it in parts",
        )
        code = said.code or f"bound.{bound}"
        super().__init__(code, text, [Finding(code, text, path=path)], status=said.status)


STANDARD = Budget()
"""The budget where nobody said anything."""

NAMES: tuple[str, ...] = Budget.__struct_fields__


def at_most(found: Iterable[Finding], most: int = FINDINGS) -> list[Finding]:
    """Give at most `most` findings, and one that says so when there are more; the rest is never made."""
    kept: list[Finding] = []
    for finding in found:
        if len(kept) >= most:
            return [*kept, more(most)]
        kept.append(finding)
    return kept


def more(most: int = FINDINGS) -> Finding:
    """Say that there are more findings than were listed."""
    return Finding(
        MORE,
        Text(
            f"错误超过 {most} 处，其余未列出；请先改正以上各处",
            f"there are more than {most} findings; the others are not listed: correct these first",
        ),
    )
