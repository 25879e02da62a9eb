"""What can go wrong at the gateway's own border: one class a promise broken, each with its remedy."""

from __future__ import annotations

from schemas.findings import Text


class HutongError(Exception):
    """The base of our own errors: a stable `code`, the HTTP `status` that says it, a bilingual remedy."""

    status = 500
    code = "internal"

    def __init__(self, detail: Text, *, code: str | None = None) -> None:
        super().__init__(detail.en)
        self.detail = detail
        if code is not None:
            self.code = code


class NotFound(HutongError):
    """Nothing is kept under that name; the code says what there is none of, the same wherever it is missed."""

    status = 404

    def __init__(self, detail: Text, *, code: str) -> None:
        super().__init__(detail, code=code)


class Forbidden(HutongError):
    """Known, but not allowed to do this."""

    status = 403
    code = "forbidden"


class Unauthenticated(HutongError):
    """The caller did not show a credential that we know."""

    status = 401
    code = "unauthenticated"


class Conflict(HutongError):
    """Not in a state in which this can be done: `idempotency.key-reused`, `lane.moved_on`, `state.wrong`."""

    status = 409
    code = "conflict"


class Forgotten(HutongError):
    """It was kept, and was let go of when it was old enough; the code says what."""

    status = 410
    code = "forgotten"


class Invalid(HutongError):
    """The request was understood and cannot be carried out as it is."""

    status = 422
    code = "invalid"


class Unavailable(HutongError):
    """The ledger cannot take more now; try again later."""

    status = 503
    code = "unavailable"


class Busy(HutongError):
    """More was asked at once than is taken at once; the same may be sent again after a moment."""

    status = 429
    code = "busy"


class TooFast(HutongError):
    """The caller calls more often than it may; the same may be sent again after `retry_after` seconds."""

    status = 429
    code = "rate.limited"

    def __init__(self, detail: Text, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
