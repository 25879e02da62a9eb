"""What a signed call says once: whether it is said for the first time, to whichever process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from gateway.coordination import Forgetful, SharedMemory, Unshared, Unsure
from gateway.errors import Unavailable
from gateway.ledger.base import Ledger
from schemas.findings import Text

TOLERANCE = timedelta(minutes=5)
"""How far the time that a caller signs may be from ours."""

REMEMBERED = 3 * TOLERANCE
"""How long a nonce is remembered: for as long as its time is taken, and longer, since clocks are set."""

_AHEAD = 2 * TOLERANCE
"""How far ahead of the shared memory's clock a signed time may be, which is not ours."""

_UNAVAILABLE = Text(
    "暂时无法核对签名请求是否重复；请按 Retry-After 等待后重新签名发送",
    "Whether a signed call is a repeat cannot be told now; wait for Retry-After, sign it anew and send it",
)


class Nonces(Protocol):
    """Remembers nonces by their owner, the id of a credential."""

    async def spend(self, owner: str, nonce: str, made: int, now: datetime) -> bool:
        """Tell whether it is used for the first time. `made`: the Unix time that was signed with it.

        Unavailable (503) where that cannot be told: then nobody is let in.
        """
        ...


class LedgerNonces:
    """Remembers in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def spend(self, owner: str, nonce: str, made: int, now: datetime) -> bool:
        """See `Nonces`."""
        return await self._ledger.spend_nonce(owner, nonce, now, now + REMEMBERED)


class SharedNonces:
    """Remembers in the memory that processes share. While it is away signed calls wait, and others go on.

    What is signed with a time ahead of the memory's stands in the ledger, too: were it in the memory alone and that
    lost it, its time would be after the loss, as if it had never been used.
    """

    def __init__(self, memory: SharedMemory, ledger: Ledger) -> None:
        self._memory = memory
        self._kept = LedgerNonces(ledger)

    async def spend(self, owner: str, nonce: str, made: int, now: datetime) -> bool:
        """See `Nonces`."""
        try:
            seconds, ahead = REMEMBERED.total_seconds(), _AHEAD.total_seconds()
            return await self._memory.first(f"nonce {owner} {nonce}", made, seconds, ahead)
        except Unsure:
            return await self._kept.spend(owner, nonce, made, now)
        except (Unshared, Forgetful):
            raise Unavailable(_UNAVAILABLE, code="nonce.unavailable") from None
