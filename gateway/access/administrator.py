"""The administrator's token: given by a setting, else made at the first start and kept in a file of its own.

And the emergency token, which is kept outside: of it there is the hash alone.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from msgspec import Struct

from gateway.access.tokens import hash_token, new_token
from gateway.settings import SHORTEST_TOKEN

_HASH = re.compile(r"[0-9a-f]{64}")


class Appointed(Struct, frozen=True):
    """The hash of the administrator's token in force, and the file in which the token can be read, if any."""

    digest: str
    file: Path | None = None


class Administrator(Struct, frozen=True):
    """Where the administrator's token comes from.

    `given` is the setting's. Without it `file` counts; where there is none, or it is empty, a token is made and
    written there, readable by the file's owner alone. A file that holds a hash is of an earlier version, which
    showed the token once: that token goes on to be the administrator's.
    """

    given: str | None
    file: Path

    def appoint(self) -> Appointed:
        """Give the hash of the token in force. ValueError for a file with a token that is too short."""
        if self.given:
            return Appointed(hash_token(self.given))
        kept = self._kept()
        if _HASH.fullmatch(kept):
            return Appointed(kept)
        if kept and len(kept) < SHORTEST_TOKEN:
            raise ValueError(
                f"{self.file}: the token has fewer than {SHORTEST_TOKEN} characters; remove it to have one made"
            )
        if not kept:
            kept = new_token()
            write_privately(self.file, kept)
        return Appointed(hash_token(kept), self.file)

    def _kept(self) -> str:
        return self.file.read_text(encoding="ascii").strip() if self.file.exists() else ""


def write_privately(file: Path, text: str) -> None:
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


def emergency_hash(given: str, file: Path | None) -> str | None:
    """Give the hash of the emergency token: as given, else as a file says that only its owner can touch.

    None where there is neither. ValueError for a file that others can read or write, or that holds something else.
    """
    if given or file is None:
        return given or None
    try:
        kept, mode = file.read_text(encoding="ascii").strip(), stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise ValueError(f"{file}: the emergency token's hash cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(f"{file}: others than its owner can reach it; run chmod 600 {file}")
    if not _HASH.fullmatch(kept):
        raise ValueError(f"{file}: no hash of an emergency token; `hutong people emergency` makes one")
    return kept
