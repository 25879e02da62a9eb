"""How far messages were followed: what those who watch over them were shown, and up to where they can go on."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from gateway.ledger.records import AuditEntry
from gateway.message import Message


class Followed(Struct, frozen=True):
    """How far messages were shown to one observer: all up to `position`.

    `mine`: this process shows them. `free`: any process may begin to, because none that lives does. `unseen_since`:
    when the oldest message came that was not shown yet; None: there is none.
    """

    position: int
    mine: bool
    free: bool
    unseen_since: datetime | None


class FollowedPage(Struct, frozen=True):
    """The messages behind a position, oldest first, and the position up to which there is no other one.

    `more`: there may be more at once.
    """

    messages: tuple[Message, ...]
    position: int
    more: bool


class NumberedEntry(Struct, frozen=True):
    """An entry of the audit with its number, by which entries are exported in order."""

    seq: int
    entry: AuditEntry


class AuditPage(Struct, frozen=True):
    """The entries of the audit behind a position, oldest first; `more`: there may be more at once."""

    entries: tuple[NumberedEntry, ...]
    more: bool


AUDIT_EXPORT = "audit export"
"""Under which name the audit is followed: its position is the number of an entry, not of a message."""


class ChangedMessage(Struct, frozen=True):
    """A message that was tied to another case, or lost one of its own to another, after it was shown.

    `seq` and `times` tell which change of which message that was. `message` is as it stands now, None when it is not
    kept any more.
    """

    seq: int
    times: int
    message: Message | None


class Numbered(Struct, frozen=True):
    """The last number that any row of a table has got, and the transactions that may not have kept theirs yet.

    `last` None: rows get their numbers in the order in which they are kept.
    """

    last: int | None
    writing: frozenset[str] = frozenset()


class Horizon(Struct, frozen=True):
    """Up to which number no message can appear any more that is not there (`upto`; None: whatever is there).

    Where several processes keep messages, a lower number may appear after a higher one. So what was numbered at one
    moment (`awaited`) counts as soon as each transaction that was under way then has ended. Those that began later
    took higher numbers.
    """

    upto: int | None = 0
    awaited: Numbered = Numbered(0)

    def later(self, now: Numbered) -> Horizon:
        """Give the horizon by how things stand now; `now.last` was read before `now.writing`."""
        if now.last is None or not now.writing:
            return Horizon(now.last, now)
        if not self.awaited.writing & now.writing:
            return Horizon(self.awaited.last, now)
        return self
