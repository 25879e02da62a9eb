"""Why a ledger is not copied, compared or brought up to date, each with what to do."""

from __future__ import annotations

import orjson

from gateway.errors import Conflict, HutongError, Unavailable
from gateway.ledger.sql.copying.plan import CopiedTable, Row
from schemas.findings import Text


def missing(name: str) -> HutongError:
    """Say that there is no ledger."""
    return HutongError(
        Text(f"{name} 不存在，或其中没有账本；请核对地址。", f"There is no ledger at {name}; check the address."),
        code="ledger.missing",
    )


def in_use(name: str, sessions: str) -> Unavailable:
    """Say that a gateway, or another command, works on a database."""
    return Unavailable(
        Text(
            f"{name} 正被使用（{sessions}）；请先停止使用它的网关或命令。",
            f"{name} is in use ({sessions}); stop the gateway or command that works on it first.",
        ),
        code="ledger.in-use",
    )


def older(name: str, found: str, newest: str) -> Conflict:
    """Say that a ledger's schema is not up to date."""
    return Conflict(
        Text(
            f"{name} 的表结构为 {found}，本版本为 {newest}；请先运行 hutong ledger migrate {name}。",
            f"The schema of {name} is {found}, and this version's {newest}; run hutong ledger migrate {name} first.",
        ),
        code="ledger.older",
    )


def one_engine(engine: str) -> Conflict:
    """Say that copying is between engines."""
    return Conflict(
        Text(
            f"源和目标都是 {engine}；同类之间请用数据库自己的备份与恢复（sqlite3 .backup，pg_dump）。",
            f"Source and target are both {engine}; within one engine use its own backup (sqlite3 .backup, pg_dump).",
        ),
        code="ledger.one-engine",
    )


def not_empty(name: str, what: str) -> Conflict:
    """Say that the target has something in it that copying did not put there."""
    return Conflict(
        Text(
            f"目标 {name} 不是空的（{what}）；请另建一个空库，或先清空它。",
            f"The target {name} is not empty (it has {what}); make an empty one, or empty it first.",
        ),
        code="ledger.not-empty",
    )


def other_source(name: str) -> Conflict:
    """Say that a target was begun from another source, or from this one before it went on."""
    return Conflict(
        Text(
            f"目标 {name} 中未完成的复制来自另一个源，或源在此之后又被网关使用、迁移过；"
            "不能续传：请清空目标，从头复制。",
            f"What was copied to {name} so far is from another source, or the source was served or migrated since; "
            "it cannot go on: empty the target, and copy anew.",
        ),
        code="ledger.other-source",
    )


def unreadable(table: CopiedTable, after: Row | None, cause: str) -> HutongError:
    """Say behind which row the source cannot be read."""
    behind, where = (
        ("开头", "its first row") if after is None else (f"{shown(after)} 之后", f"the row after {shown(after)}")
    )
    return HutongError(
        Text(
            f"源表 {table.name} 在 {behind}读不出（{cause}）；请从备份恢复或修复后再试，已复制的部分会保留。",
            f"{table.name} of the source cannot be read at {where} ({cause}); restore or mend it, then go on: what was "
            "copied stays.",
        ),
        code="ledger.unreadable",
    )


def row_refused(table: CopiedTable, row: Row, cause: str) -> Conflict:
    """Say which row the target does not take."""
    return Conflict(
        Text(
            f"目标不接受 {table.name} 中主键为 {shown(table.key_of(row))} 的行（{cause}）；"
            "请在源中更正该行，再运行同一命令，已复制的部分会保留。",
            f"The target does not take the row {shown(table.key_of(row))} of {table.name} ({cause}); correct it in the "
            "source and run the same command again: what was copied stays.",
        ),
        code="ledger.row-refused",
    )


def alike(table: CopiedTable, key: Row) -> Conflict:
    """Say that two rows would become one, because PostgreSQL keeps U+0000 as its symbol."""
    return Conflict(
        Text(
            f"{table.name} 中有两行只在 U+0000 与 ␀ 上不同（{shown(key)}），而 PostgreSQL 把前者存为后者；"
            "请在源中更正其一。尚未复制任何内容。",
            f"Two rows of {table.name} differ in nothing but U+0000 and its symbol ␀ ({shown(key)}), and PostgreSQL "
            "keeps the one as the other; correct one of them in the source. Nothing was copied yet.",
        ),
        code="ledger.alike",
    )


def shown(key: Row) -> str:
    """Write a key on one line."""
    return orjson.dumps(list(key), default=repr).decode()
