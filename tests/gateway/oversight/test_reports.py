"""Reports as of an earlier moment say what they said then, and list the messages that they counted then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from report_documents import decision, done, inspection, officer, order
from telling import NOW

from gateway.ledger.records import Intent

LATER = "2026-04-15T09:00:00+08:00"
THEN = "2026-03-31T23:59:59+08:00"


async def test_certificates_count_as_they_were_known_then(telling: Any) -> None:
    """One that came later, and one that was revoked later, stand in the earlier report as they stood."""
    await telling.tell(*inspection())
    await telling.tell(*officer())
    await telling.tell(*officer("33010002"), at=LATER)
    await telling.tell(*officer(status="revoked"), at=LATER)
    assert await telling.counted("officer-use", as_of=THEN) == (2, 1)
    assert await telling.counted("officer-use") == (2, 1)
    assert await telling.behind("officer-use", "denominator", as_of=THEN) == ["m002"]
    assert await telling.behind("officer-use", "denominator") == ["m003"]


async def test_places_are_those_of_the_platforms_of_then(telling: Any) -> None:
    """A platform that was registered later has no counties yet, and one that is gone had its own."""
    later = datetime.fromisoformat(LATER).astimezone(UTC)
    await telling.register("mobile-enforcement.340000", at=later)
    await telling.tell(*inspection())
    before = await telling.counted("county-coverage", region="000000", as_of=THEN)
    assert before == (1, 90)
    everywhere = await telling.counted("county-coverage", region="000000")
    assert everywhere[1] > 90
    await telling.ledger.delete_platform("mobile-enforcement.340000", Intent("admin", "", NOW))
    assert await telling.counted("county-coverage", region="000000", as_of=LATER) == everywhere
    assert await telling.counted("county-coverage", region="000000") == before


async def test_the_messages_of_an_earlier_report_are_those_that_it_counted(telling: Any) -> None:
    """Of every figure of counts as many as the report says, however much came and changed since."""
    await telling.tell(*inspection(problem_found=True))
    await telling.tell(*inspection("JC-2", problem_found=False))
    await telling.tell(*order())
    await telling.tell(*decision())
    await telling.tell(*inspection(problem_found=False), at=LATER)
    await telling.tell(*inspection("JC-3", problem_found=True), at=LATER)
    await telling.tell(*inspection("JC-2", "2026-04-02"), at=LATER)
    await telling.tell(*done("2026-03-18"), at=LATER)
    for as_of in (THEN, LATER, None):
        for figure in (await telling.report(as_of=as_of)).figures:
            for part, said in (("numerator", figure.numerator), ("denominator", figure.denominator)):
                rule = getattr(figure.rule, part)
                if rule is None or not rule.of or rule.places or rule.distinct or rule.sum:
                    continue
                behind = await telling.behind(figure.rule.figure, part, as_of=as_of)
                assert len(behind) == said, (figure.rule.figure, part, as_of)
    assert await telling.behind("problem-discovery", as_of=THEN) == ["m001"]
    assert await telling.behind("problem-discovery") == ["m006"]
