"""Four eyes: a change is kept until another person approves it, then done exactly once, by what the world is then."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from msgspec import convert

from gateway.clock import Clock, new_id
from gateway.errors import Conflict, HutongError, NotFound, Unavailable
from gateway.hub.deliveries import BulkReplays, OperatorSteps
from gateway.ledger.base import Ledger
from gateway.ledger.errors import no_approval
from gateway.ledger.records import ApprovalState, DeliveryFilter, Intent, SecondApproval
from gateway.message import State
from gateway.platforms import Register
from gateway.releases import Releases
from schemas.findings import Text

_log = logging.getLogger(__name__)

STANDS = timedelta(days=7)
"""For so long a change waits for its approval; then it has to be asked for again."""


class Approvals:
    """Changes that wait for a second person, and what does them.

    `kinds`: what needs four eyes, as the setting says. An order holds what a part's method takes, with what it was
    decided on: the platform's revision, the version's, the delivery's state. The method compares that in the
    transaction of the change, under a key of the approval's own: so what moved meanwhile is a Conflict, and however
    often it is done, by whichever process, it is done once.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        kinds: Collection[str],
        *,
        platforms: Register,
        releases: Releases,
        deliveries: OperatorSteps,
        replays: BulkReplays,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self.kinds = frozenset(kinds)
        self._platforms = platforms
        self._releases = releases
        self._deliveries = deliveries
        self._replays = replays

    def kind_of(self, touched: Collection[str]) -> str | None:
        """Give the first of the kinds that a change touches for which four eyes are set; None: it is done at once."""
        return next((one for one in sorted(touched) if one in self.kinds), None)

    async def ask(
        self, kind: str, subject: str, order: Mapping[str, Any], shown: Mapping[str, Any], intent: Intent
    ) -> SecondApproval:
        """Keep a change until it is approved. `shown` is what others are told of it: never a secret."""
        until = intent.at + STANDS
        asked = SecondApproval(
            new_id(intent.at), kind, subject, intent.actor, intent.reason, intent.at, until, shown, order
        )
        return await self._ledger.ask_approval(asked, intent)

    async def all(self) -> list[SecondApproval]:
        """Give every approval, the newest first."""
        return list(await self._ledger.approvals())

    async def get(self, approval_id: str) -> SecondApproval:
        """Give one; NotFound `approval.unknown`."""
        found = next((one for one in await self._ledger.approvals() if one.id == approval_id), None)
        if found is None:
            raise no_approval(approval_id)
        return found

    async def approve(self, approval_id: str, intent: Intent) -> SecondApproval:
        """Approve a change and do it; approved again by the same person, it is told how it stands.

        Forbidden `approval.own` for whoever asked; Conflict `approval.decided`, `approval.expired`,
        `approval.asker-gone`. What it was asked for may have changed: the Conflict of that, and it is not done.
        """
        known = await self.get(approval_id)
        gone = {one.id for one in await self._ledger.people() if one.removed_at is not None}
        if known.state is ApprovalState.PENDING and known.asked_by in gone:
            raise _asker_gone(known.asked_by)
        approved = await self._ledger.decide_approval(approval_id, ApprovalState.APPROVED, intent)
        return await self._done(approved)

    async def reject(self, approval_id: str, intent: Intent) -> SecondApproval:
        """Have a change not done; whoever asked for it may take it back so."""
        return await self._ledger.decide_approval(approval_id, ApprovalState.REJECTED, intent)

    async def resume(self) -> None:
        """Do what was approved and is not done: after a crash, or when an answer was lost."""
        for one in await self._ledger.approvals():
            if one.state is ApprovalState.APPROVED:
                try:
                    await self._done(one)
                except (Conflict, NotFound) as error:
                    _log.warning("the approved change %s is not done any more: %s", one.id, error)

    async def _done(self, approved: SecondApproval) -> SecondApproval:
        if approved.state is not ApprovalState.APPROVED:
            return approved
        at = approved.decided_at or approved.at
        # No caller's key has a space in it: what somebody asked under a key of their own is another thing.
        intent = Intent(approved.asked_by, approved.reason, at, f"approval {approved.id}")
        try:
            await self._do(approved.order, intent)
        except Unavailable:
            raise  # it may have been done: `resume` finds out
        except HutongError as error:
            await self._ledger.finish_approval(approved.id, self._clock(), error.code)
            raise
        return await self._ledger.finish_approval(approved.id, self._clock(), None)

    async def _do(self, order: Mapping[str, Any], intent: Intent) -> None:
        said = {name: value for name, value in order.items() if name != "step"}
        match order["step"]:
            case "discard":
                await self._deliveries.discard(said["delivery_id"], intent, only=State(said["state"]))
            case "replay":
                chosen = convert(said["filter"], DeliveryFilter)
                await self._replays.begin(chosen, intent, stale_ok=said["stale_ok"])
            case "activate":
                await self._releases.activate(**said, intent=intent)
            case "rollback":
                await self._releases.rollback(**said, intent=intent)
            case "platform":
                await self._platforms.put(**said, intent=intent)
            case step:
                raise AssertionError(step)


def _asker_gone(person: str) -> Conflict:
    return Conflict(
        Text(
            f"申请人 {person} 已被移除；如仍需要，请由他人重新提出",
            f"{person}, who asked for it, was removed; let somebody else ask for it again if it is still wanted",
        ),
        code="approval.asker-gone",
    )
