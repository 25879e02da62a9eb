"""What the checks of cases came to: of each lane and rule the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger import decisions
from gateway.ledger.assessments import CaseFinding, FindingAnswer, FindingFilter
from gateway.ledger.records import ResultPage
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, text
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting
from gateway.ledger.sql.tables import FINDING
from gateway.ledger.sql.writing import Group, Transaction

_f = tables.findings.c
_COLUMNS = FINDING.select(tables.findings)
_of_rule = (_f.lane == sa.bindparam("lane_"), _f.rule == sa.bindparam("rule_"))

_THESE = PreparedMany(
    ["lane", "rule"],
    lambda wanted: sa.select(*_COLUMNS).select_from(
        wanted.join(tables.findings, sa.and_(_f.lane == wanted.c.lane, _f.rule == wanted.c.rule))
    ),
)
_ADD = inserting(tables.findings, FINDING.inserted)
_FORGET = Prepared(sa.delete(tables.findings).where(*_of_rule), ("lane_", "rule_"))
_SHOW = Prepared(
    sa.update(tables.findings)
    .where(*_of_rule)
    .values({name: sa.bindparam(f"{name}_new") for name in ("said_zh", "said_en", "evidence")}),
    ("said_zh_new", "said_en_new", "evidence_new", "lane_", "rule_"),
)
_TELL = Prepared(
    sa.update(tables.findings).where(*_of_rule, _f.at == sa.bindparam("at_")).values(told=sa.bindparam("told_new")),
    ("told_new", "lane_", "rule_", "at_"),
)
_ANSWERED = ("reviewer", "answer", "answered_by", "answered_at")
_ANSWER = Prepared(
    sa.update(tables.findings).where(*_of_rule).values({name: sa.bindparam(f"{name}_new") for name in _ANSWERED}),
    (*(f"{name}_new" for name in _ANSWERED), "lane_", "rule_"),
)
_UNTOLD = Prepared(
    sa.select(*_COLUMNS)
    .where(_f.told.is_(None), _f.seq > sa.bindparam("after"))
    .order_by(_f.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
FORGET_CASE = Prepared(sa.delete(tables.findings).where(_f.correlation_id == sa.bindparam("case_")), ("case_",))
FORGET_LANE = Prepared(sa.delete(tables.findings).where(_f.lane == sa.bindparam("lane_")), ("lane_",))


# ── writing ───────────────────────────────────────────────────────────────────────────────────
def _put(transaction: Transaction, batch: Sequence[Sequence[CaseFinding]]) -> Sequence[OperationResult]:
    putting = _Putting(transaction.connection, [each for findings in batch for each in findings])
    kept = [[putting.put(each) for each in findings] for findings in batch]
    putting.write()
    return [[each for each in findings if each is not None] for findings in kept]


class _Putting:
    """The findings of a batch, each beside the one of its lane and rule before it."""

    def __init__(self, connection: sa.Connection, findings: Sequence[CaseFinding]) -> None:
        self._connection = connection
        rows = _THESE.rows(connection, list({(each.lane, each.rule) for each in findings}))
        self._kept = {(each.lane, each.rule): each for each in map(FINDING.read, rows)}
        self._was = frozenset(self._kept)
        self._anew: dict[tuple[str, str], CaseFinding] = {}
        self._shown: dict[tuple[str, str], Row] = {}

    def put(self, finding: CaseFinding) -> CaseFinding | None:
        """Put a finding; gives it as it is kept where it is another one than before."""
        key = (finding.lane, finding.rule)
        kept = self._kept.get(key)
        if kept is not None and (kept.version, kept.result) == (finding.version, finding.result):
            shown = (finding.said_zh, finding.said_en, finding.evidence)
            if shown == (kept.said_zh, kept.said_en, kept.evidence):
                return None
            said_zh, said_en, evidence = shown
            self._kept[key] = replace(kept, said_zh=said_zh, said_en=said_en, evidence=evidence)
            if key in self._anew:
                self._anew[key] = self._kept[key]
            else:
                self._shown[key] = (said_zh, said_en, text(list(evidence)), *key)
            return None
        if kept is not None:
            finding = replace(finding, last_told=kept.result if kept.told else kept.last_told)
        self._shown.pop(key, None)
        self._kept[key] = self._anew[key] = finding
        return finding

    def write(self) -> None:
        """Write what has changed: another finding under a new number, for the newest are shown first."""
        _SHOW.run(self._connection, list(self._shown.values()))
        _FORGET.run(self._connection, [key for key in self._anew if key in self._was])
        _ADD.run(self._connection, list(map(FINDING.write, self._anew.values())))


PUT = Group(_put, lambda connection, batch: {f"findings {each.lane}" for findings in batch for each in findings})
"""Processes that assess one case keep its findings one after the other; nobody else waits for that."""


def _tell(transaction: Transaction, batch: Sequence[tuple[CaseFinding, str]]) -> Sequence[OperationResult]:
    rows = [(message_id, each.lane, each.rule, micros(each.at)) for each, message_id in batch]
    _TELL.run(transaction.connection, rows)
    return [None] * len(batch)


TELL = Group(_tell, lambda connection, batch: {f"findings {finding.lane}" for finding, _ in batch})


def answer(transaction: Transaction, lane: str, rule: str, said: FindingAnswer) -> bool:
    """Keep what an authority says of a finding."""
    if not _THESE.rows(transaction.connection, [(lane, rule)]):
        return False
    _ANSWER.run(transaction.connection, [(said.reviewer, said.answer, said.platform, micros(said.at), lane, rule)])
    return True


def forget_case(transaction: Transaction, correlation_id: str) -> None:
    """Let the findings of a case go with it."""
    FORGET_CASE.run(transaction.connection, [(correlation_id,)])


def forget_lane(transaction: Transaction, lane: str) -> None:
    """Let the findings go of what turned out to be part of another case."""
    FORGET_LANE.run(transaction.connection, [(lane,)])


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def untold(connection: sa.Connection, after: int, limit: int) -> tuple[Sequence[CaseFinding], int]:
    """Give findings of which it is to be decided whether anybody is told, and the number of the last."""
    found = _UNTOLD.rows(connection, after, limit)
    return [FINDING.read(row) for row in found], found[-1][FINDING.at("seq")] if found else after


def find(connection: sa.Connection, filter: FindingFilter, cursor: str | None, limit: int) -> ResultPage[CaseFinding]:
    """Find findings, the newest first."""
    before = decisions.read_cursor(cursor)
    query = sa.select(*_COLUMNS).where(*_conditions(filter)).order_by(_f.seq.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(_f.seq < before)
    found = connection.execute(query).fetchall()
    more = str(found[limit - 1][FINDING.at("seq")]) if len(found) > limit else None
    return ResultPage(tuple(FINDING.read(row) for row in found[:limit]), more)


def _conditions(filter: FindingFilter) -> Iterable[sa.ColumnElement[bool]]:
    if filter.lanes is not None:
        yield _f.lane.in_(filter.lanes)
    if filter.regions is not None:
        yield _f.region.between(*filter.regions)
    if filter.rule is not None:
        yield _f.rule == filter.rule
    if filter.result is not None:
        yield _f.result == filter.result
