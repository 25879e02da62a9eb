"""The records of a package, translated one after the other until more is wrong than anybody is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.base import Adapter, Record, Translation
from schemas.budget import FINDINGS, MORE
from schemas.findings import Finding, Rejected, Text


def translated(
    adapter: Adapter, operation: str, records: Sequence[Record]
) -> Iterator[tuple[Record, Translation | Rejected]]:
    """Give each record with what it becomes, or why it cannot.

    After the fiftieth finding of a package nothing more is looked at: the next record is rejected with
    `bound.findings`, which stands for all that follow it, and is the last one given.
    """
    found = 0
    for place, record in enumerate(records):
        outcome = _outcome(adapter, operation, record) if found < FINDINGS else None
        if outcome is None or _stopped(outcome):
            yield record, _unjudged(records, place)
            return
        found += max(1, len(outcome.findings)) if isinstance(outcome, Rejected) else 0
        yield record, outcome


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


def _stopped(outcome: Translation | Rejected) -> bool:
    """Tell whether the native schema stopped before this record: nobody knows what it would say of it."""
    return isinstance(outcome, Rejected) and [one.code for one in outcome.findings] == [MORE]


def _unjudged(records: Sequence[Record], place: int) -> Rejected:
    first, last = records[place].index, records[-1].index
    text = Text(
        f"数据包的错误已达 {FINDINGS} 处，第 {first} 至 {last} 条记录（从 0 起）未检查、未受理；"
        "请先改正以上各处，再发送这些记录",
        f"the package has {FINDINGS} findings and more: records {first} to {last} (from 0) were neither looked at nor "
        "accepted; correct the others first, then send these",
    )
    return Rejected(MORE, text, [Finding(MORE, text)])
