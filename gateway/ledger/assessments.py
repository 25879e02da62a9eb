"""What the ledger keeps of assessments: what the checks of each case came to, and runs over many cases."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class CaseFinding(Struct, frozen=True):
    """What one check of a case came to: the last of its lane and rule.

    `lane` is the case's ordering key, `case_number` its number as its issuer writes it. `at`: since when it is so.
    `evidence`: the messages that show it. `told`: the message by which it was told, empty where nobody was to be told,
    None while that is still to be decided; `last_told`: the result that was told last before it. `reviewer`, `answer`,
    `answered_by`, `answered_at`: what the authority said of it, and through which platform.
    """

    lane: str
    rule: str
    case_number: str
    correlation_id: str
    region: str
    version: str
    result: str
    said_zh: str
    said_en: str
    evidence: tuple[str, ...]
    at: datetime
    told: str | None = None
    last_told: str | None = None
    reviewer: str | None = None
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


class ToldFinding(Struct, frozen=True):
    """A finding and the message by which it was told; empty: nobody is to be told."""

    finding: CaseFinding
    message_id: str


class FindingAnswer(Struct, frozen=True):
    """What an authority says of a finding, through one of its platforms."""

    platform: str
    at: datetime
    reviewer: str | None = None
    answer: str | None = None


class FindingFilter(Struct, frozen=True):
    """What to look for among findings; None does not restrict.

    `lanes` are cases; `regions` the first and the last code of a region and all that lies in it.
    """

    lanes: tuple[str, ...] | None = None
    regions: tuple[str, str] | None = None
    rule: str | None = None
    result: str | None = None


CALENDAR = "calendar"
"""The ground of whatever was counted in working days; its values are years."""


class Ground(Struct, frozen=True, order=True):
    """Something outside a case that its findings rest on.

    `name`: what it is, a year of the calendar or messages of one type under one search key. `value`: the year, or the
    number under which they are looked up.
    """

    name: str
    value: str


class AssessedCase(Struct, frozen=True):
    """A case that was assessed, and the days on which its findings hold: from `since` until before `until`.

    None: all days before, or after. `grounds`: what they rest on outside the case. `changes`: how often one of these
    had changed before the case was read (`Ledger.ground_changes`).
    """

    lane: str
    correlation_id: str
    since: date | None
    until: date | None
    grounds: tuple[Ground, ...]
    changes: int


class DueCase(Struct, frozen=True):
    """A case whose findings do not hold any more, or may not."""

    lane: str
    correlation_id: str


class CaseSearch(Struct, frozen=True):
    """Which cases to look for: those of which a message came from `since` until before `until`, in some regions.

    `name` is how the lanes of cases begin.
    """

    name: str
    since: datetime
    until: datetime
    regions: tuple[str, str] | None = None


class CaseFound(Struct, frozen=True):
    """A message of a case: the case's lane and correlation, when it came, and the cursor after it."""

    cursor: str
    lane: str
    correlation_id: str
    received_at: datetime


class AssessmentRun(Struct, frozen=True):
    """An assessment of many cases, or of one (`lane`), and how far it has come.

    Cases are gone through by when their messages came, from `since` on: `reached_at` is how far. `cases`: how many were
    assessed, `changed`: how many findings were news.
    """

    id: str
    actor: str
    reason: str
    created_at: datetime
    region: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    case_number: str | None = None
    lane: str | None = None
    correlation_id: str | None = None
    cursor: str = ""
    reached_at: datetime | None = None
    cases: int = 0
    changed: int = 0
    finished_at: datetime | None = None
