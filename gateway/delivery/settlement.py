"""What follows from how an attempt went: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.base import Reply, RetrySchedule, Verdict, VerdictKind
from gateway.delivery.retry import next_attempt
from gateway.delivery.sender import NoAnswer
from gateway.ledger.records import Platform, Settlement, Work
from gateway.message import Attempt, State
from schemas.catalog import TYPES, at

GAVE_UP = "gave-up"
"""The code of a delivery that was tried for as long as its platform's schedule allows."""

_KEPT_REPLY = 16 * 1024
_LONGEST_REFERENCE = 200
"""Characters; what is longer is no number, and is neither kept as one nor spoken of later."""
_LONGEST_REASON = 2000
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt as it went: what was read from the answer, if any. `ours`: an exception of ours ended it."""

    started_at: datetime
    ended_at: datetime
    verdict: Verdict
    reply: Reply | None = None
    in_doubt: bool = False
    ours: bool = False

    @property
    def failed(self) -> bool:
        """Tell whether the platform failed: no answer or a server error, never a business no."""
        if self.verdict.kind is not VerdictKind.RETRY or self.ours:
            return False
        return self.reply is None or self.reply.status >= _SERVER_ERROR


def unanswered(reason: NoAnswer) -> Verdict:
    """Read the absence of an answer."""
    return Verdict(VerdictKind.RETRY, code=reason.reason)


def interrupted(started_at: datetime, ended_at: datetime) -> Try:
    """Give an attempt that a fault of our own cut short; the request may have left."""
    verdict = Verdict(VerdictKind.RETRY, code="internal")
    return Try(started_at, ended_at, verdict, in_doubt=True, ours=True)


def settle(work: Work, tried: Try, platform: Platform, schedule: RetrySchedule) -> Settlement:
    """Decide the state that follows an attempt, when to try again, and which number became known.

    `work` is the delivery as it was before this attempt.
    """
    state, due_at, code = _next(work, tried, platform, schedule)
    return Settlement(
        attempt=_attempt(work, tried, code),
        state=state,
        due_at=due_at,
        in_doubt=tried.in_doubt and state in (State.WAITING, State.READY, State.DEAD),
        alias=_alias(work, tried.verdict) if state is State.DELIVERED else None,
    )


def _next(
    work: Work, tried: Try, platform: Platform, schedule: RetrySchedule
) -> tuple[State, datetime | None, str | None]:
    verdict = tried.verdict
    match verdict.kind:
        case VerdictKind.ACCEPTED:
            return State.DELIVERED, None, verdict.code
        case VerdictKind.REFUSED:
            return State.REFUSED, None, verdict.code
        case VerdictKind.DEAD:
            return State.DEAD, None, verdict.code
        case VerdictKind.CREDENTIALS:
            return State.READY, None, verdict.code
        case VerdictKind.RETRY:
            due_at = _due(work, tried, platform, schedule)
            return (State.WAITING, due_at, verdict.code) if due_at else (State.DEAD, None, GAVE_UP)


def _due(work: Work, tried: Try, platform: Platform, schedule: RetrySchedule) -> datetime | None:
    clock = platform.unheld(tried.ended_at)
    since = work.delivery.trying_since
    return next_attempt(
        schedule,
        attempts=work.delivery.attempts + 1,
        tried_for=timedelta(seconds=0.0 if since is None else clock - since),
        now=tried.ended_at,
        after=tried.verdict.after,
    )


def _attempt(work: Work, tried: Try, code: str | None) -> Attempt:
    verdict, reply = tried.verdict, tried.reply
    return Attempt(
        delivery_id=work.delivery.id,
        number=work.delivery.attempts + 1,
        started_at=tried.started_at,
        ended_at=tried.ended_at,
        verdict=verdict.kind.value,
        status=reply.status if reply else None,
        reference=_reference(verdict),
        reason=_reason(verdict, code),
        code=code,
        reply=reply.body[:_KEPT_REPLY] if reply else b"",
    )


def _reference(verdict: Verdict) -> str | None:
    reference = verdict.reference
    return reference if reference is not None and len(reference) <= _LONGEST_REFERENCE else None


def _reason(verdict: Verdict, code: str | None) -> str | None:
    reason = verdict.reason or (verdict.code if code == GAVE_UP else None)
    return reason[:_LONGEST_REASON] if reason else None


def _alias(work: Work, verdict: Verdict) -> tuple[str, str] | None:
    issued = TYPES[work.message.type].issues
    original = at(work.message.document, issued) if issued else None
    if issued is None or original is None or _reference(verdict) in (None, original):
        return None
    return issued, str(original)
