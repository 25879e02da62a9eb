"""Tests of what documents say in words: the name of an authority, and the provisions cited; pure."""

from __future__ import annotations

import re
from datetime import date

from gateway.oversight.assessment.papers import Looked, Papers, Result, values
from gateway.oversight.clocks import CaseDocument
from schemas.assessment import NameTest, ProvisionsTest
from schemas.catalog import at
from schemas.codes import Code, table
from schemas.findings import Text

_BEFORE = "中华人民共和国|违反|依据|根据|按照|依照"
"""What may stand before the title of a law, where no bracket does."""


def name(test: NameTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look how a text ends."""
    said = at(subject.document, test.field)
    own = (subject.message_id,)
    if said is None:
        return Looked(Result.UNKNOWN, Text("没有写明", "it is not named"), own)
    ends = str(said).strip().endswith(test.ends)
    return Looked(Result.MISSED if ends else Result.MET, Text(f"写的是{said}", f"it says {said}"), own)


def provisions(test: ProvisionsTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether the laws that are cited held on a day. None: nothing is cited, or nothing was repealed by then."""
    cited = list(dict.fromkeys(str(each) for path in test.fields for each in values(subject.document, path)))
    days = papers.events(test.on, subject)
    if not cited:
        return None
    if not days:
        said = Text("文书中没有行为日期", "the day of the act stands in no document")
        return Looked(Result.UNKNOWN, said, (subject.message_id,))
    day, evidence = days[0].day, (subject.message_id, days[0].paper.message_id)
    repealed_only = test.only == "repealed"
    if repealed_only and not any(_is_over(each, day) for each in table(test.table)):
        return None
    judged = [(_judged(each, test.table, day, repealed_only=repealed_only), each) for each in cited]
    for result, zh, en in (
        (Result.MISSED, f"{day}已废止", f"was repealed by {day}"),
        (Result.UNKNOWN, f"{day}是否适用无法判断", f"cannot be told to have held on {day}"),
        (Result.MET, f"{day}有效", f"held on {day}"),
    ):
        found = [each for verdict, each in judged if verdict is result]
        if found:
            named = found[0][:100]
            return Looked(result, Text(f"“{named}”{zh}", f"“{named}” {en}"), evidence)
    return None


def _judged(provision: str, laws: str, day: date, *, repealed_only: bool) -> Result:
    law = next((each for each in table(laws) if _cites(provision, each.title)), None)
    if law is not None and _is_over(law, day):
        return Result.MISSED
    if repealed_only or (law is not None and law.valid_on(day)):
        return Result.MET
    # A law that is not in the table; or one that came after the act, which applies where it is milder.
    return Result.UNKNOWN


def _is_over(law: Code, day: date) -> bool:
    return law.valid_to is not None and law.valid_to < day


def _cites(provision: str, title: str) -> bool:
    """Tell whether a provision is of a law: 环境保护法 is not cited by 海洋环境保护法."""
    return re.search(rf"(?:^|[^一-龥]|{_BEFORE}){re.escape(title)}(?!实施)", provision) is not None
