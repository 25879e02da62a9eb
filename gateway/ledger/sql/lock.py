"""One process a ledger file: a lock that the kernel lets go when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import Unavailable
from schemas.findings import Text


class FileLock:
    """A lock beside the ledger's file, held from `take` until `drop` or the end of the process."""

    def __init__(self, ledger: Path) -> None:
        self._path = ledger.with_name(ledger.name + ".lock")
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock and write our process id into it; Unavailable when another has it or it cannot be made."""
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip()
            os.close(file)
            raise self._taken(holder or "?") from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                Text(
                    f"不能在 {self._path.parent} 建立账本({error.strerror});请检查目录是否存在、可写。",
                    f"No ledger can be made in {self._path.parent} ({error.strerror}); see that it exists and is ours.",
                ),
                code="ledger.read-only",
            ) from error

    def _taken(self, holder: str) -> Unavailable:
        return Unavailable(
            Text(
                f"账本已被另一进程打开(进程号 {holder});同一账本文件只能由一个网关使用,请先停止它。",
                f"Another process ({holder}) has this ledger open; one file serves one gateway: stop the other first.",
            ),
            code="ledger.in-use",
        )

    def drop(self) -> None:
        """Let the lock go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
