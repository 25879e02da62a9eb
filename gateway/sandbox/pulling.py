"""A double that fetches its documents from a gateway's inbox, as a platform behind a one-way gate does."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import httpx

from adapters.base import Verdict, VerdictKind
from gateway.sandbox.double import Double
from gateway.sandbox.patterns import ReceivedCall

_log = logging.getLogger(__name__)

_INBOX = "/v1/inbox"
_PAUSE = 1.0
"""Seconds before the gateway is asked again after something failed."""
_PATIENCE = 30.0
"""Seconds beyond the wait that was asked for."""


class PullingDouble:
    """Asks for the inbox of the platform that a credential belongs to, has its double take what comes, and says so.

    What the double is told to do wrong it does here, too: a failing one asks for it later, and one whose
    connection breaks after it took a document gives no receipt.
    """

    def __init__(self, double: Double, gateway: str, credential: str, *, wait: float = 20.0, most: int = 10) -> None:
        self._double = double
        self._gateway = gateway
        self._headers = {"Authorization": f"Bearer {credential}"}
        self._wait = wait
        self._most = most

    async def run(self) -> None:
        """Fetch and answer, until cancelled; whatever fails is tried again."""
        patience = self._wait + _PATIENCE
        async with httpx.AsyncClient(
            base_url=self._gateway, headers=self._headers, timeout=patience, trust_env=False
        ) as client:
            while True:
                try:
                    await self.once(client)
                except httpx.HTTPError as error:
                    _log.warning("the gateway is asked again in a moment: %s", error)
                    await asyncio.sleep(_PAUSE)

    async def once(self, client: httpx.AsyncClient) -> int:
        """Ask once, and answer what came, in order; gives how many. HTTPStatusError when the gateway says no."""
        answer = await client.get(_INBOX, params={"max": self._most, "wait": self._wait})
        answer.raise_for_status()
        deliveries = answer.json()["deliveries"]
        for one in deliveries:
            await self._receive(client, one)
        return len(deliveries)

    async def _receive(self, client: httpx.AsyncClient, leased: Mapping[str, Any]) -> None:
        verdict = self._double.fetched(leased["type"], _call(leased))
        if verdict is None:
            return
        path = f"{_INBOX}/{leased['delivery_id']}/receipt"
        answer = await client.post(path, json=_receipt(verdict, leased["attempt"]))
        # 409: it came too late and was fetched again, so that it comes again.
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()


def _call(leased: Mapping[str, Any]) -> ReceivedCall:
    path, _, query = leased["path"].partition("?")
    headers = {name.lower(): value for name, value in leased["headers"].items()}
    return ReceivedCall(leased["method"], path, query, headers, b64decode(leased["body_base64"]))


def _receipt(verdict: Verdict, attempt: int) -> dict[str, Any]:
    # What would hold a platform that is called holds nobody here: it asks again.
    kind = VerdictKind.RETRY if verdict.kind is VerdictKind.CREDENTIALS else verdict.kind
    said = {"verdict": kind.value, "reference": verdict.reference, "reason": verdict.reason, "attempt": attempt}
    return {name: value for name, value in said.items() if value is not None}
