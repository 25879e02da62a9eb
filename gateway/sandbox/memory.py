"""What a double received, by key: a repeat of an accepted key gets the first answer, and has no second effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from gateway.sandbox.patterns import ReceivedCall
from gateway.sandbox.wording import DoubleAnswer


@dataclass(slots=True)
class Received:
    """One document as it came. `answer` is the first one given, `times` how often the key came."""

    key: str
    type: str
    at: datetime
    call: ReceivedCall
    problems: tuple[str, ...] = ()
    accepted: bool = False
    reference: str | None = None
    answer: DoubleAnswer | None = None
    times: int = 1

    @property
    def valid(self) -> bool:
        """Tell whether the platform's own schema allows it."""
        return not self.problems


@dataclass(slots=True)
class Memory:
    """Everything received, in order of first arrival."""

    _all: list[Received] = field(default_factory=list)
    _by_key: dict[str, Received] = field(default_factory=dict)

    def known(self, key: str) -> Received | None:
        """Give what came under a key before."""
        return self._by_key.get(key)

    def keep(self, received: Received) -> None:
        """Remember a document; one without a key is never recognised again."""
        self._all.append(received)
        if received.key:
            self._by_key[received.key] = received

    def accepted(self, message_type: str) -> Iterator[Received]:
        """Give the accepted documents of a type, newest first."""
        return (one for one in reversed(self._all) if one.accepted and one.type == message_type)

    def __iter__(self) -> Iterator[Received]:
        return iter(self._all)

    def clear(self) -> None:
        """Forget everything."""
        self._all.clear()
        self._by_key.clear()


def reference_for(key: str) -> str:
    """Invent the platform's own number for a document: the same for the same key, digits only."""
    return f"{int.from_bytes(sha256(key.encode()).digest()[:8], 'big') % 10**16:016d}"
