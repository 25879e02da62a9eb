"""What follows from how an attempt went: a pure decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from adapters.base import Reply, RetrySchedule, Verdict, VerdictKind
from gateway.delivery.health import HealthSign
from gateway.delivery.retry import LONGEST_ASKED, next_attempt
from gateway.ledger.records import Hold, Platform, Settlement, Work
from gateway.message import Attempt, HeldBy, State, unnamed
from schemas.catalog import TYPES, at
from schemas.reprs import Discreet

GAVE_UP = "gave-up"
"""The code of a delivery that was tried for as long as its platform's schedule allows."""

KEPT_REPLY = 16 * 1024
"""Bytes of a reply that are kept."""

_LONGEST_REFERENCE = 200
"""Characters; what is longer is no number, and is not kept as one."""
_LONGEST_REASON = 2000
_SERVER_ERROR = 500
_TOO_MANY = 429
_BUSY = (429, 503)
"""Statuses with which a platform asks for a rest (RFC 6585, 4; RFC 9110, 15.6.4)."""
_IN_FRONT = (502, 503, 504)
"""Statuses that come from what stands in front of a platform, or from all of it (RFC 9110, 15.6)."""


class CallOutcome(Discreet, frozen=True):
    """One attempt as it went: what was read from the answer, if any. `ours`: an exception of ours ended it.

    `started_at` is by the wall clock; `seconds` were measured by ticks.
    """

    started_at: datetime
    seconds: float
    verdict: Verdict
    reply: Reply | None = None
    in_doubt: bool = False
    ours: bool = False

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def rest(self) -> timedelta | None:
        """How long the platform asked everybody to wait."""
        busy = self.reply is not None and self.reply.status in _BUSY
        return self.verdict.after if busy and self.verdict.kind is VerdictKind.RETRY else None

    @property
    def sign(self) -> HealthSign | None:
        """What it tells of the platform's health; None: nothing, as it never left or the platform asks for a rest."""
        if self.ours:
            return None
        if self.verdict.kind is not VerdictKind.RETRY:
            return HealthSign.WELL if self.reply is not None else None
        if self.reply is None:
            return HealthSign.PLATFORM
        return _sign_of_failure(self.reply.status, self.verdict)


def _sign_of_failure(status: int, verdict: Verdict) -> HealthSign | None:
    if status == _TOO_MANY:
        return HealthSign.PLATFORM if verdict.after is None else None
    if verdict.in_doubt or status in _IN_FRONT:
        return HealthSign.PLATFORM
    return HealthSign.ENDPOINT if status >= _SERVER_ERROR else HealthSign.WELL


def interrupted(started_at: datetime, seconds: float) -> CallOutcome:
    """Give an attempt that a fault of our own cut short; the request may have left."""
    verdict = Verdict(VerdictKind.RETRY, code="internal")
    return CallOutcome(started_at, seconds, verdict, in_doubt=True, ours=True)


def settle(
    work: Work,
    number: int,
    tried: CallOutcome,
    platform: Platform,
    schedule: RetrySchedule,
    now: datetime,
    longest_asked: timedelta = LONGEST_ASKED,
) -> Settlement:
    """Decide what follows an attempt: the state, when to try again, a hold, and which number became known.

    `work` is the delivery as it was before this attempt, `number` the attempt's; `platform` is it as
    the attempt knew it; `now` is by the steady clock; no wait that a platform asks for is longer than
    `longest_asked`.
    """
    tried_for = work.delivery.tried_for + tried.seconds
    wait = _wait(number, tried, schedule, tried_for, longest_asked)
    state, code = _next(tried.verdict, wait)
    return Settlement(
        attempt=_attempt(work, number, tried, code),
        state=state,
        due_at=now + wait if wait is not None else None,
        waits_since=now if wait is not None else None,
        in_doubt=tried.in_doubt and state in (State.WAITING, State.READY, State.DEAD),
        tried_for=tried_for + (wait.total_seconds() if wait is not None else 0.0),
        alias=_alias(work, tried.verdict) if state is State.DELIVERED else None,
        hold=_hold(tried),
        revision=platform.revision,
    )


def _wait(
    number: int, tried: CallOutcome, schedule: RetrySchedule, tried_for: float, longest_asked: timedelta
) -> timedelta | None:
    if tried.verdict.kind is not VerdictKind.RETRY:
        return None
    after = tried.verdict.after
    return next_attempt(schedule, attempts=number, tried_for=tried_for, after=after, longest_asked=longest_asked)


def _next(verdict: Verdict, wait: timedelta | None) -> tuple[State, str | None]:
    match verdict.kind:
        case VerdictKind.ACCEPTED:
            return State.DELIVERED, verdict.code
        case VerdictKind.REFUSED:
            return State.REFUSED, verdict.code
        case VerdictKind.DEAD:
            return State.DEAD, verdict.code
        case VerdictKind.CREDENTIALS:
            return State.READY, verdict.code
        case VerdictKind.RETRY:
            return (State.DEAD, GAVE_UP) if wait is None else (State.WAITING, verdict.code)


def _hold(tried: CallOutcome) -> Hold | None:
    if tried.verdict.kind is not VerdictKind.CREDENTIALS:
        return None
    return Hold(HeldBy.CREDENTIALS, tried.ended_at, tried.verdict.code or HeldBy.CREDENTIALS.value)


def _attempt(work: Work, number: int, tried: CallOutcome, code: str | None) -> Attempt:
    verdict, reply = tried.verdict, tried.reply
    return Attempt(
        delivery_id=work.delivery.id,
        number=number,
        started_at=tried.started_at,
        ended_at=tried.ended_at,
        verdict=verdict.kind.value,
        status=reply.status if reply else None,
        reference=_reference(work, verdict),
        reason=_reason(work, verdict, code),
        code=code,
        reply=reply.body[:KEPT_REPLY] if reply else b"",
        level=verdict.level.value if verdict.level else None,
        answered=sha256(reply.body).digest() if reply else None,
    )


def _reference(work: Work, verdict: Verdict) -> str | None:
    reference = verdict.reference
    if reference is None or len(reference) > _LONGEST_REFERENCE or unnamed(work.message, reference) != reference:
        return None
    return reference


def _reason(work: Work, verdict: Verdict, code: str | None) -> str | None:
    why = verdict.code if code == GAVE_UP else None
    reason = "：".join(one for one in (why, verdict.reason) if one)
    return unnamed(work.message, reason)[:_LONGEST_REASON] or None


def _alias(work: Work, verdict: Verdict) -> tuple[str, str] | None:
    issued = TYPES[work.message.type].issues
    original = at(work.message.document, issued) if issued else None
    if issued is None or original is None or _reference(work, verdict) in (None, original):
        return None
    return issued, str(original)
