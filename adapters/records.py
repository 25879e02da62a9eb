"""The records of a package, translated one after the other until more is wrong than anybody is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.base import Adapter, Record, Translation
from schemas.budget import FINDINGS, MORE
from schemas.findings import Finding, Rejected, Text


def translated(
    adapter: Adapter, operation: str, records: Sequence[Record]
) -> Iterator[tuple[Record, Translation | Rejected]]:
    """Give each record with what it becomes, or why it cannot: each is judged for itself.

    After the fiftieth finding of a package no more is told of single ones: what is faulty behind it has
    one rejection with `bound.findings`, which names all of them and is the last one given.
    """
    found = 0
    untold: list[Record] = []
    for record in records:
        outcome = _outcome(adapter, operation, record)
        if isinstance(outcome, Rejected) and (found >= FINDINGS or _untold(outcome)):
            untold.append(record)
            continue
        found += max(1, len(outcome.findings)) if isinstance(outcome, Rejected) else 0
        yield record, outcome
    if untold:
        yield untold[-1], _more_faulty([one.index for one in untold])


def all_read(found: Sequence[Translation | Rejected]) -> Sequence[Translation]:
    """Give the records of a query's page when each could be read; raises the `Rejected` of the first that could not."""
    read = [one for one in found if not isinstance(one, Rejected)]
    if len(read) < len(found):
        raise next(one for one in found if isinstance(one, Rejected))
    return read


def _outcome(adapter: Adapter, operation: str, record: Record) -> Translation | Rejected:
    try:
        return adapter.translate_in(operation, record)
    except Rejected as error:
        return error


def _untold(rejected: Rejected) -> bool:
    """Tell whether the native schema found a record faulty without saying where: enough was told before it."""
    return [one.code for one in rejected.findings] == [MORE]


_MOST_SPANS = 50


def _more_faulty(indexes: Sequence[int]) -> Rejected:
    named = _spans(indexes)
    text = Text(
        f"数据包的错误已达 {FINDINGS} 处，其后另有 {len(indexes)} 条记录有误、未受理，不逐条说明（从 0 起）：{named}；"
        "请改正后重新发送这些记录",
        f"the package has {FINDINGS} findings and more: {len(indexes)} further records are faulty and were not "
        f"accepted, which are not told one by one: records {named} (from 0); correct them and send them again",
    )
    return Rejected(MORE, text, [Finding(MORE, text)])


def _spans(indexes: Sequence[int]) -> str:
    """Write indexes in their order as spans, `3, 7-9`; of very many spans the first."""
    spans: list[list[int]] = []
    for index in indexes:
        if spans and spans[-1][1] == index - 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in spans[:_MOST_SPANS]]
    return ", ".join([*told, "…"] if len(spans) > _MOST_SPANS else told)
