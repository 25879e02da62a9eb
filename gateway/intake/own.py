"""What the gateway itself sends: canonical documents about cases, from `gateway.000000`, decided as everybody's are."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from gateway.errors import NotFound
from gateway.intake.routes import GATEWAY
from gateway.intake.steps import IntakeCall, IntakePreview, IntakeResult, Previewed
from gateway.ledger.records import Accepted, Platform
from schemas.regions import NATIONAL

_log = logging.getLogger(__name__)

ITSELF = Platform(f"{GATEWAY}.{NATIONAL}", GATEWAY, NATIONAL, "canonical", {}, datetime(2026, 1, 1, tzinfo=UTC))
"""The gateway as the source of messages. Nobody can register it: no platform is of its kind."""


class OwnMessages:
    """Sends what the gateway has to say. It is taken in by `submit`, and looked at before by `preview`."""

    def __init__(
        self,
        preview: Callable[[IntakeCall], Awaitable[IntakePreview]],
        submit: Callable[[IntakeCall], Awaitable[IntakeResult]],
    ) -> None:
        self._preview = preview
        self._submit = submit

    async def send(self, type: str, document: Mapping[str, Any], words: str) -> str | None:
        """Send a document, durable when this returns; gives the message's id, None where nobody takes it.

        `words`: the platform that issued the numbers in it. The same document again is the same message. Raises
        Unavailable when nobody knows whether it was kept: then send it again.
        """
        body = orjson.dumps({"type": type, "document": document})
        # Two platforms may have issued one number: the same words of another case are another message.
        key = blake2b(words.encode() + body, digest_size=20).hexdigest()
        call = IntakeCall(ITSELF, type, body, "application/json", key, words=words)
        if not await self._is_taken(call):
            return None
        [entry] = (await self._submit(call)).receipt.entries
        if isinstance(entry, Accepted):
            return entry.message.id
        _log.error("what the gateway sends itself was rejected: %s", entry.problem)
        return None

    async def _is_taken(self, call: IntakeCall) -> bool:
        """Tell whether any platform would get it: a message that nobody gets is not made."""
        try:
            [entry] = (await self._preview(call)).entries
        except NotFound as error:
            _log.warning("the gateway cannot send anything itself: %s", error)
            return False
        if isinstance(entry, Previewed):
            return any(one.platform for one in entry.routes)
        _log.error("what the gateway would send itself is not right: %s", entry.problem)
        return False
