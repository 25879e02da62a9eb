"""The only module that knows the database's exceptions: each is logged, and translated into one of ours."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.errors import HutongError, Unavailable
from schemas.findings import Text

_log = logging.getLogger(__name__)

_FULL = (
    "ledger.disk-full",
    Text("账本所在磁盘已满；请清理空间后重试。", "The ledger's disk is full; free some space and try again."),
)
_LOCKED = (
    "ledger.locked",
    Text("账本被其他程序锁住；请关闭正在打开它的程序。", "Another program locks the ledger; close what has it open."),
)
_BUSY = (
    "ledger.locked",
    Text(
        "账本正忙：其他网关进程长时间占用了所需的锁；请稍后重试，并查看数据库中等待的会话（pg_stat_activity）。",
        "The ledger is busy: another gateway held what this needs for too long; try again, and look at the sessions "
        "that wait (pg_stat_activity).",
    ),
)
_CORRUPT = (
    "ledger.corrupt",
    Text("账本文件已损坏；请停机并从备份恢复。", "The ledger's file is damaged; stop and restore a backup."),
)
_READ_ONLY = (
    "ledger.read-only",
    Text(
        "账本文件不可写；请检查文件与目录的属主和权限。",
        "The ledger's file cannot be written; check owner and permissions of the file and its folder.",
    ),
)
_STANDBY = (
    "ledger.read-only",
    Text(
        "数据库只读：可能是备库，或被设为只读；请让 HUTONG_LEDGER 指向主库。",
        "The database is read-only: a standby, or set so; let HUTONG_LEDGER name the primary.",
    ),
)
_DISK = (
    "ledger.disk",
    Text("读写账本磁盘出错；请检查磁盘。", "The ledger's disk gave an error; check the disk."),
)
_UNREACHABLE = (
    "ledger.unreachable",
    Text(
        "连接不上账本所在的数据库，或连接已断；请检查数据库是否运行、HUTONG_LEDGER 的地址与网络，随后重试。",
        "The ledger's database cannot be reached, or the connection is lost; see that it runs, that HUTONG_LEDGER is "
        "right and the network up, then try again.",
    ),
)
_REFUSED = (
    "ledger.refused",
    Text(
        "数据库拒绝了网关的登录或权限不足；请核对 HUTONG_LEDGER 中的用户、密码、库名，以及该用户的权限。",
        "The database does not let the gateway in, or do this; check user, password and database in HUTONG_LEDGER, and "
        "what that user may do.",
    ),
)
_TOO_MANY = (
    "ledger.connections",
    Text(
        "数据库的连接数或锁表已满；请调高 max_connections 或 max_locks_per_transaction，或减少进程。",
        "The database has no more connections or locks to give; raise max_connections or max_locks_per_transaction, or "
        "run fewer processes.",
    ),
)
_REMEDIES = {
    # SQLite's names
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_CANTOPEN": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_IOERR": _DISK,
    # PostgreSQL's codes (SQLSTATE), and their classes
    "53100": _FULL,
    "53200": _TOO_MANY,
    "53300": _TOO_MANY,
    "55P03": _BUSY,
    "40001": _BUSY,
    "40P01": _BUSY,
    "25006": _STANDBY,
    "25P03": _UNREACHABLE,
    "58030": _DISK,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
    "42501": _REFUSED,
    "3D000": _REFUSED,
    "28": _REFUSED,
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
}
_OTHER = (
    "ledger.failed",
    Text("账本未能完成操作；请查看日志后重试。", "The ledger could not do this; read the log and try again."),
)


_INTERRUPTED = {"SQLITE_INTERRUPT", "57014"}
_GAVE_WAY = {"40001", "40P01"}
_STATEMENT = re.compile(r"(INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM|SELECT|PRAGMA|BEGIN|COMMIT|\w+)(?: (\w+))?")


def _name(error: BaseException) -> str:
    """Give the database's name of an error; SQLite's extended codes count as their base code.

    A connection that could not be made, or broke, has no code: it counts as one of the class that stands for it.
    """
    cause = getattr(error, "orig", None)
    name = getattr(cause, "sqlite_errorname", None)
    if name is not None:
        return "_".join(str(name).split("_")[:2])
    broken = isinstance(error, OperationalError | InterfaceError)
    return str(getattr(cause, "sqlstate", None) or ("08000" if broken else ""))


def _remedy(error: SQLAlchemyError) -> tuple[str, Text]:
    if isinstance(error, PoolTimeout):
        return _UNREACHABLE
    name = _name(error)
    keys = (name, name[:3], name[:2])
    return next((_REMEDIES[key] for key in keys if key in _REMEDIES), _OTHER)


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
    return _name(error) in _INTERRUPTED


def is_lost(error: Exception) -> bool:
    """Tell whether the connection to the database is lost, or could not be made."""
    return isinstance(error, SQLAlchemyError) and _remedy(error) is _UNREACHABLE


def gave_way(error: Exception) -> bool:
    """Tell whether the database gave up a transaction for another's sake, so that it may be tried again."""
    return _name(error) in _GAVE_WAY
