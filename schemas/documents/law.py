"""Which law was in force: the 生态环境法典 took effect on 2026-08-15 and repealed ten laws (主席令第70号)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from schemas.codes import table
from schemas.components import Violation
from schemas.documents.document import finding
from schemas.findings import Finding

_LAST_DAY = max(row.valid_to for row in table("law") if row.valid_to).isoformat()


def repealed(violations: Sequence[Violation] | None, act: str) -> Iterator[Finding]:
    """Doubt provisions of a law that no longer held on the day of the act (`YYYY-MM-DD`).

    The law at the time of the act applies, the newer one when it is lighter (行政处罚法 第三十七条).
    """
    if act <= _LAST_DAY:
        return
    gone = [row.title for row in table("law") if not row.valid_on(date.fromisoformat(act))]
    for number, violation in enumerate(violations or ()):
        for index, provision in enumerate(violation.legal_basis or ()):
            named = next((title for title in gone if f"{title}》" in provision or provision.startswith(title)), None)
            if named:
                zh = f"《{named}》在行为发生时（{act}）已废止，请核对是否应适用《生态环境法典》。"
                en = f"{named} was repealed before the act ({act}): check whether the Ecological Code applies."
                yield finding("law.repealed", f"violations[{number}].legal_basis[{index}]", zh, en)
