"""What the gateway adds to an adapter's reading of a reply: how long to wait, and why a reply is none; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import UNREADABLE, Adapter, Reply, Verdict, VerdictKind
from gateway.delivery.decoding import LARGEST_REPLY
from gateway.delivery.no_answer import NoAnswer
from schemas.budget import Budget

_SECONDS = re.compile(r"\d{1,1000}(?:\.\d*)?")
_FOR_EVER = 10 * 365 * 24 * 3600
_SHOWN = 160
_NUMBERS = re.compile(r"\d{11,}[0-9Xx]?")

UNREAD = frozenset({UNREADABLE, "reply.too-costly", "reader.busy", "reader.unavailable"})
"""The codes of replies that tell nothing: not in the agreed format, or not read for reasons of ours (`unjudged`)."""


class JudgeReply(Struct, frozen=True):
    """Read a reply to a message within `budget`, or with `question` the answer to the question about it."""

    message_type: str
    reply: Reply
    budget: Budget
    question: bool = False

    def __call__(self, adapter: Adapter) -> Iterator[Verdict]:
        """Read it."""
        judge = adapter.judge_answer if self.question else adapter.judge
        yield judge(self.message_type, self.reply, budget=self.budget)


def unjudged(code: str, reason: str) -> Verdict:
    """Read a reply that could not be read for reasons of ours: it tells nothing of the request."""
    return Verdict(VerdictKind.RETRY, reason=reason, code=code, in_doubt=True)


def unanswered(none: NoAnswer) -> Verdict:
    """Read the absence of an answer."""
    return Verdict(VerdictKind.RETRY, reason=none.detail or None, code=none.reason)


def judged(verdict: Verdict, reply: Reply, at: datetime, longest_asked: timedelta) -> Verdict:
    """Complete an adapter's verdict: the wait that was asked for, up to the longest, and why it could not be read."""
    if verdict.kind is not VerdictKind.RETRY:
        return verdict
    asked = asked_wait(reply.headers, at)
    after = verdict.after if asked is None else asked
    said = [verdict.reason or described(reply) if verdict.code == UNREADABLE else verdict.reason]
    if after is not None and after > longest_asked:
        asked_for, most = after.total_seconds(), longest_asked.total_seconds()
        said.append(f"平台要求等待 {asked_for:.0f} 秒（Retry-After），按上限 {most:.0f} 秒处理")
        after = longest_asked
    return replace(verdict, after=after, reason="；".join(one for one in said if one) or None)


def asked_wait(headers: Mapping[str, str], at: datetime) -> timedelta | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds, or a date; None when it says nothing that can be understood.

    A date is compared with the reply's own Date, since clocks differ; without one, with the moment
    `at` which the reply came (RFC 9110, 6.6.1).
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and _SECONDS.fullmatch(said):
        return timedelta(seconds=min(float(said), _FOR_EVER))
    until, now = _moment(said), _moment(headers.get("date", "")) or at
    return None if until is None else max(until - now, timedelta(0))


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def described(reply: Reply) -> str:
    """Say what came instead of a readable answer: its type, where it points, and how it begins.

    Long numbers are left out, since they may be people's.
    """
    kind = reply.headers.get("content-type", "") or "no content type"
    to = f" → {reply.headers['location']}" if 300 <= reply.status < 400 and "location" in reply.headers else ""
    begin = " ".join(reply.body[:_SHOWN].decode("utf-8", "replace").split())
    cut = f", cut at {len(reply.body)} bytes" if len(reply.body) >= LARGEST_REPLY else ""
    text = f"HTTP {reply.status}{to}, {kind}{cut}: {begin}" if begin else f"HTTP {reply.status}{to}, {kind}, no body"
    return _NUMBERS.sub("…", "".join(one if one.isprintable() else "\ufffd" for one in text[: 3 * _SHOWN]))
