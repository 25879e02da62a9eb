"""What the ledger keeps of assessments: what the checks of each case came to, and runs over many cases."""

from __future__ import annotations

from datetime import datetime

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
