"""The fault knobs: how a double misbehaves."""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known(charset: str) -> str:
    try:
        codecs.lookup(charset)
    except LookupError:
        raise ValueError("not a charset Python knows") from None
    return charset


class FaultKnobs(BaseModel):
    """What goes wrong with every call while it is set; with nothing set the double behaves well.

    `error_rate`: the share of calls (0 to 1) that get `status` (500 unless given) instead of an
    answer; with `status` and no rate, every call. `retry_after_s` goes with that status (429 unless
    given). `refuse`: a business no. `reset_after_accept`: the connection breaks after a document was
    taken and before the answer, once a key. `reset_before_read`: it breaks before anything is read.
    `slow_body_ms`: the answer's body takes that long. `charset`: the answer is written in another
    charset than it says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    refuse: bool = False
    reset_after_accept: bool = False
    reset_before_read: bool = False
    slow_body_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    charset: Annotated[str, AfterValidator(_known)] | None = None

    def failure(self, chance: float) -> int | None:
        """Give the status that replaces the answer, or None; `chance` is a random number in [0, 1)."""
        if self.error_rate is not None:
            return (self.status or 500) if chance < self.error_rate else None
        if self.status is not None:
            return self.status
        return 429 if self.retry_after_s is not None else None
