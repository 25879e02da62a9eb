"""The administrator's token: given by a setting, else made at first start and kept as a hash beside the ledger."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gateway.access.tokens import hash_token, new_token


@dataclass(frozen=True, slots=True)
class Administrator:
    """Where the administrator's token comes from.

    `given` is the setting's. Without it the hash in `file` counts; without that a token is made and
    its hash written there. `file` None: a new one at each start.
    """

    given: str | None = None
    file: Path | None = None

    def appoint(self) -> tuple[str, str | None]:
        """Give the hash of the token in force, and the token itself when it was made just now."""
        if self.given:
            return hash_token(self.given), None
        kept = self._kept()
        return (kept, None) if kept else self._made()

    def _kept(self) -> str | None:
        if self.file is None or not self.file.exists():
            return None
        return self.file.read_text(encoding="ascii").strip() or None

    def _made(self) -> tuple[str, str]:
        token = new_token()
        digest = hash_token(token)
        if self.file is not None:
            _write_privately(self.file, digest)
        return digest, token


def _write_privately(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all.

    Flushed to disk before it is renamed: after a crash there is the old file or the whole new one.
    """
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as output:
        output.write(f"{text}\n")
        output.flush()
        os.fsync(output.fileno())
    draft.replace(file)
