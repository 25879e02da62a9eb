"""The only module that knows the database's exceptions: each is logged, and translated into one of ours."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from gateway.errors import HutongError, Unavailable
from schemas.findings import Text

_log = logging.getLogger(__name__)

_REMEDIES = {
    "SQLITE_FULL": (
        "ledger.disk-full",
        Text("账本所在磁盘已满；请清理空间后重试。", "The ledger's disk is full; free some space and try again."),
    ),
    "SQLITE_BUSY": (
        "ledger.locked",
        Text(
            "账本被其他程序锁住；请关闭正在打开它的程序。", "Another program locks the ledger; close what has it open."
        ),
    ),
    "SQLITE_CORRUPT": (
        "ledger.corrupt",
        Text("账本文件已损坏；请停机并从备份恢复。", "The ledger's file is damaged; stop and restore a backup."),
    ),
    "SQLITE_READONLY": (
        "ledger.read-only",
        Text(
            "账本文件不可写；请检查文件与目录的属主和权限。",
            "The ledger's file cannot be written; check owner and permissions of the file and its folder.",
        ),
    ),
    "SQLITE_IOERR": (
        "ledger.disk",
        Text("读写账本磁盘出错；请检查磁盘。", "The ledger's disk gave an error; check the disk."),
    ),
}
_SAME_AS = {
    "SQLITE_LOCKED": "SQLITE_BUSY",
    "SQLITE_NOTADB": "SQLITE_CORRUPT",
    "SQLITE_CANTOPEN": "SQLITE_READONLY",
    "SQLITE_PERM": "SQLITE_READONLY",
}
_OTHER = (
    "ledger.failed",
    Text("账本未能完成操作；请查看日志后重试。", "The ledger could not do this; read the log and try again."),
)


_INTERRUPTED = "SQLITE_INTERRUPT"
_STATEMENT = re.compile(r"(INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM|SELECT|PRAGMA|BEGIN|COMMIT|\w+)(?: (\w+))?")


def _name(error: BaseException) -> str:
    """Give SQLite's name of an error; extended codes count as their base code."""
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", "") or ""
    return "_".join(name.split("_")[:2])


def _remedy(error: SQLAlchemyError) -> tuple[str, Text]:
    base = _name(error)
    return _REMEDIES.get(_SAME_AS.get(base, base), _OTHER)


def translated(error: SQLAlchemyError) -> HutongError:
    """Log a database's exception, and give the gateway's error that it becomes."""
    code, detail = _remedy(error)
    # Never the parameters: they hold people's names and numbers.
    _log.error("%s: %s in %s", code, getattr(error, "orig", None) or type(error).__name__, _statement(error))
    return Unavailable(detail, code=code)


def _statement(error: SQLAlchemyError) -> str:
    """Say what kind of statement failed: its verb, and its table where it names one first."""
    statement = error.statement if isinstance(error, StatementError) else None
    found = _STATEMENT.match(statement.strip()) if statement else None
    if found is None:
        return "no statement"
    verb, table = found.groups()
    return verb if verb == "SELECT" or table is None else f"{verb} {table}"


def ours(error: Exception) -> Exception:
    """Give the error to answer with: for one of the database's the gateway's, any other as it is."""
    return translated(error) if isinstance(error, SQLAlchemyError) else error


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate every exception of the database that is raised inside."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translated(error) from error


def is_about_one(error: Exception) -> bool:
    """Tell whether another operation may still succeed: the rows were wrong, not the store."""
    return not isinstance(error, DBAPIError) or _remedy(error) is _OTHER


def is_interrupted(error: Exception) -> bool:
    """Tell whether a statement was stopped because it took too long."""
    return _name(error) == _INTERRUPTED
