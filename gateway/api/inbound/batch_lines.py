"""What a batch is answered: a line for each record, and the model that describes it."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, Field

from gateway.api.inbound.answer import found_in_dry_run, message_state
from gateway.api.models import FieldError, Problem
from gateway.errors import HutongError
from gateway.errors.problems import problem, tell_warnings, told
from gateway.intake.steps import IntakePreview, IntakeResult
from gateway.ledger.records import Accepted, Rejection
from schemas.findings import Rejected

MEDIA_TYPE = "application/x-ndjson"


class BatchLine(BaseModel):
    """What became of one record of a batch: accepted, or a problem."""

    index: int = Field(description="Counted from 0 at the start of the file, whatever `offset` is")
    message_id: str | None = None
    type: str | None = None
    state: str | None = None
    duplicate: bool | None = Field(default=None, description="An equal document was there already, and this is it")
    warnings: list[FieldError] | None = None
    problem: Problem | None = None
    ended: bool | None = Field(
        default=None,
        description="True in a last line whose problem is about the batch: what stands from `index` on was not "
        "looked at. Send the file again with `offset` = `index`, after a 429, 500 or 503 as it is",
    )


class BatchLines:
    """Writes the lines of one batch, and counts what they say."""

    def __init__(self, language: str, trace_id: str) -> None:
        self._language = language
        self._trace_id = trace_id
        self.accepted = 0
        self.duplicates = 0
        self.rejected = 0

    def taken(self, index: int, result: IntakeResult) -> bytes:
        """Answer a record that was taken in: accepted or kept as rejected; several where a line was a package."""
        repeated = result.receipt.repeated
        return _line(index, [self._entry(one, repeated=repeated) for one in result.receipt.entries])

    def _entry(self, entry: Accepted | Rejection, *, repeated: bool) -> dict[str, Any]:
        if isinstance(entry, Rejection):
            self.rejected += 1
            return {"problem": told(entry.problem, self._language)}
        duplicate = entry.duplicate or repeated
        self.accepted += not duplicate
        self.duplicates += duplicate
        warnings = tell_warnings(entry.message.warnings, self._language)
        return {
            "message_id": entry.message.id,
            "type": entry.message.type,
            "state": message_state(entry.deliveries),
            "duplicate": duplicate,
            **({"warnings": warnings} if warnings else {}),
        }

    def refused(self, index: int, error: HutongError | Rejected) -> bytes:
        """Answer a record of which nothing was kept."""
        self.rejected += 1
        return _line(index, [{"problem": self._told(error)}])

    def ended(self, index: int, error: HutongError | Rejected) -> bytes:
        """Say why the batch ends before a record."""
        return _line(index, [{"problem": self._told(error), "ended": True}])

    def previewed(self, index: int, preview: IntakePreview) -> bytes:
        """Answer a record of a dry run."""
        found = [found_in_dry_run(one, self._language) for one in preview.entries]
        bad = sum("problem" in one for one in found)
        self.rejected += bad
        self.accepted += len(found) - bad
        return _line(index, found)

    def _told(self, error: HutongError | Rejected) -> dict[str, Any]:
        findings = error.findings if isinstance(error, Rejected) else ()
        language, trace_id = self._language, self._trace_id
        return problem(error.code, error.status, error.detail, findings, language=language, trace_id=trace_id)


def _line(index: int, told_each: list[dict[str, Any]]) -> bytes:
    if len(told_each) == 1:
        said = told_each[0]
    else:
        said = {"messages": [{"index": number, **one} for number, one in enumerate(told_each)]}
    return orjson.dumps({"index": index, **said}, option=orjson.OPT_APPEND_NEWLINE)
