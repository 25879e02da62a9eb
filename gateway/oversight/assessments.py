"""What people ask of assessments: findings, and runs over the cases of a region and a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from gateway.clock import Clock, new_id
from gateway.delivery.wakeup import Wakeup
from gateway.errors import Invalid, NotFound
from gateway.ledger.assessments import AssessmentRun, CaseFinding, CaseSearch, FindingFilter
from gateway.ledger.base import Ledger
from gateway.ledger.errors import no_run
from gateway.ledger.records import Intent, ResultPage
from gateway.oversight.assessor import Assessor, by_correlation
from gateway.oversight.cases import CASE, CaseFinder, is_case, number_of
from schemas.findings import Text
from schemas.regions import depth

_log = logging.getLogger(__name__)

STEP = 200
"""Messages whose cases are assessed before it is kept how far a run came."""

WINDOW = timedelta(days=1)
"""How much of the time of a run is looked through in one step, however few of its messages are of the run's region."""


class Assessments:
    """Finds findings, and runs assessments, each as one task. How far one has come is the ledger's to know."""

    def __init__(
        self,
        ledger: Ledger,
        cases: CaseFinder,
        assessor: Assessor,
        clock: Clock,
        *,
        step: int = STEP,
        window: timedelta = WINDOW,
        pause: float = 1.0,
    ) -> None:
        self._ledger = ledger
        self._cases = cases
        self._assessor = assessor
        self._clock = clock
        self._step = step
        self._window = window
        self._pause = pause
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._end = Wakeup()
        self._stopping = False

    # ── findings ──────────────────────────────────────────────────────────────────────────────
    async def find(
        self,
        *,
        case_number: str | None = None,
        region: str | None = None,
        rule: str | None = None,
        result: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ResultPage[CaseFinding]:
        """Find findings, the newest first; a case by any number that anybody gave it."""
        lanes = None if case_number is None else await self._lanes(case_number)
        looked_for = FindingFilter(lanes, None if region is None else span(region), rule, result)
        return await self._ledger.find_findings(looked_for, cursor, limit)

    async def _lanes(self, number: str) -> tuple[str, ...]:
        named = await self._ledger.named(number)
        return tuple(dict.fromkeys(each.ordering_key for each in named if is_case(each.ordering_key)))

    # ── runs ──────────────────────────────────────────────────────────────────────────────────
    async def begin(
        self,
        intent: Intent,
        *,
        region: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        case_number: str | None = None,
        platform: str | None = None,
    ) -> AssessmentRun:
        """Begin a run and return at once: over one case, or over those of which something came in a time.

        NotFound `case.unknown` and AmbiguousCase, as for a case; Invalid `assessment.what` where it is not said.
        """
        if (case_number is None) is (since is None):
            raise _what()
        run = AssessmentRun(new_id(intent.at), intent.actor, intent.reason, intent.at, region)
        if case_number is not None:
            case = await self._cases.of(case_number, issued_by=platform)
            lane = case.numbers[0].ordering_key
            run = replace(run, lane=lane, case_number=number_of(lane), correlation_id=case.correlation_id)
        else:
            run = replace(run, since=since, until=until or intent.at)
        begun = await self._ledger.begin_assessment(run, intent)
        self._run(begun)
        return begun

    async def progress(self, run_id: str) -> AssessmentRun:
        """Tell how far a run has come; NotFound `assessment.unknown`."""
        found = next((one for one in await self._ledger.assessments() if one.id == run_id), None)
        if found is None:
            raise no_run(run_id)
        return found

    async def resume(self) -> None:
        """Run whatever is unfinished and does not run: after a restart, or when an answer was lost."""
        for run in await self._ledger.assessments(unfinished=True):
            self._run(run)

    async def reconcile(self) -> None:
        """Take up runs that nobody runs, and tell what was kept and not told."""
        await self.resume()
        await self._assessor.teller.tell()

    async def stop(self) -> None:
        """Let each end the step it is at; `resume` goes on from there."""
        self._stopping = True
        self._end.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _run(self, run: AssessmentRun) -> None:
        if self._stopping or run.id in self._tasks or run.finished_at is not None:
            return
        task = asyncio.create_task(self._go_on(run), name=f"assessment-{run.id}")
        self._tasks[run.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.id, None))

    async def _go_on(self, run: AssessmentRun) -> None:
        pause = self._pause
        while not self._stopping and run.finished_at is None:
            try:
                run = await self._ledger.step_assessment(run, await self._further(run))
                pause = self._pause
            except NotFound:
                return
            except Exception as error:
                # What was assessed is kept, and assessed again it is the same: the step is done once more.
                _log.warning("assessment %s waits and goes on", run.id, exc_info=error)
                await self._end.wait(pause)
                pause = min(2 * pause, 60.0)

    async def _further(self, run: AssessmentRun) -> AssessmentRun:
        """Assess the next cases; gives how far the run is then."""
        if run.lane is not None and run.correlation_id is not None:
            changed = await self._assess([run.lane], run.correlation_id)
            return replace(run, cases=1, changed=changed, finished_at=self._clock())
        assert run.since is not None
        assert run.until is not None
        # Few messages of a long time may be of one region: each search looks through so much of it and no more.
        begun = run.since if run.reached_at is None else run.reached_at
        until = min(run.until, begun + self._window)
        search = CaseSearch(CASE, begun, until, None if run.region is None else span(run.region))
        found = await self._ledger.find_cases(search, run.cursor, self._step)
        cases = by_correlation(found)
        changed = sum([await self._assess(lanes, correlation_id) for correlation_id, lanes in cases.items()])
        assessed = sum(map(len, cases.values()))
        further = replace(run, cases=run.cases + assessed, changed=run.changed + changed)
        if len(found) == self._step:
            return replace(further, cursor=found[-1].cursor, reached_at=found[-1].received_at)
        finished = self._clock() if until == run.until else None
        return replace(further, cursor="", reached_at=until, finished_at=finished)

    async def _assess(self, lanes: Sequence[str], correlation_id: str) -> int:
        news = await self._assessor.assess(lanes, correlation_id)
        await self._assessor.teller.tell()
        for lane in lanes:
            await self._assessor.teller.tell_again(lane)
        return len(news)


def span(region: str) -> tuple[str, str]:
    """Give the first and the last code of a region and all that lies in it."""
    kept = region[: 2 * depth(region)]
    return kept.ljust(6, "0"), kept.ljust(6, "9")


def _what() -> Invalid:
    return Invalid(
        Text(
            "请写明 case_number，或 period（也可写 since、until）",
            "Say which case (`case_number`), or which time (`period`, or `since` and `until`)",
        ),
        code="assessment.what",
    )
