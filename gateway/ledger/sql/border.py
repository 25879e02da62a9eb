"""The only module that knows the database's exceptions: each becomes an error of ours, with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.errors import HutongError, Unavailable
from schemas.findings import Text

_REMEDIES = {
    "SQLITE_FULL": (
        "ledger.disk-full",
        Text("账本所在磁盘已满;请清理空间后重试。", "The ledger's disk is full; free some space and try again."),
    ),
    "SQLITE_BUSY": (
        "ledger.locked",
        Text(
            "账本被其他程序锁住;请关闭正在打开它的程序。", "Another program locks the ledger; close what has it open."
        ),
    ),
    "SQLITE_CORRUPT": (
        "ledger.corrupt",
        Text("账本文件已损坏;请停机并从备份恢复。", "The ledger's file is damaged; stop and restore a backup."),
    ),
    "SQLITE_READONLY": (
        "ledger.read-only",
        Text(
            "账本文件不可写;请检查文件与目录的属主和权限。",
            "The ledger's file cannot be written; check owner and permissions of the file and its folder.",
        ),
    ),
    "SQLITE_IOERR": (
        "ledger.disk",
        Text("读写账本磁盘出错;请检查磁盘。", "The ledger's disk gave an error; check the disk."),
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
    Text("账本未能完成操作;请查看日志后重试。", "The ledger could not do this; read the log and try again."),
)


def translated(error: SQLAlchemyError) -> HutongError:
    """Translate a database's exception into an error of ours; SQLite's extended codes count as their base code."""
    name = getattr(getattr(error, "orig", None), "sqlite_errorname", "") or ""
    base = "_".join(name.split("_")[:2])
    code, detail = _REMEDIES.get(_SAME_AS.get(base, base), _OTHER)
    return Unavailable(detail, code=code)


@contextmanager
def border() -> Iterator[None]:
    """Translate every exception of the database that is raised inside."""
    try:
        yield
    except SQLAlchemyError as error:
        raise translated(error) from error


def is_about_one(error: Exception) -> bool:
    """Tell whether another operation may still succeed: the rows were wrong, not the store."""
    if isinstance(error, DBAPIError):
        return translated(error).code == _OTHER[0]
    return True
