"""What messages tell of for the regular report, by the rules of `figures.yaml`; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from gateway.ledger.occurrences import ARRIVAL, OFFICER, PARTY, UNCOUNTED, YUAN, Occurrence, Seen, month_of, step_of
from gateway.message import Message, effective_document
from schemas.calendar import Calendar
from schemas.catalog import TYPES, at
from schemas.clocks import ClockRule, Counting
from schemas.clocks import bundled as bundled_clocks
from schemas.events import first_of, says
from schemas.figures import Figures, OccurrenceRule, Trait
from schemas.identifiers.folding import comparison_key
from schemas.identifiers.permit import credit_code_of
from schemas.identifiers.person import is_citizen_id

_LONGEST = 366
"""Days that are walked for a limit at most; none is as long."""


class OccurrenceReader:
    """Reads messages, and judges what they tell of: a `gateway.ledger.occurrences.Judging`.

    `settings`: what the rules may ask for, by name; None: it is not set. Days are those of `zone`.
    """

    def __init__(self, figures: Figures, zone: tzinfo, settings: Mapping[str, int | None]) -> None:
        self._zone = zone
        self._settings = settings
        self._rules = {rule.occurrence: rule for rule in figures.occurrences}
        self._by_type: dict[str, list[OccurrenceRule]] = {}
        for rule in figures.occurrences:
            self._by_type.setdefault(rule.type, []).append(rule)
        self._registers: dict[str, list[str]] = {}
        for register in figures.registers:
            self._registers.setdefault(register.type, []).append(register.register)
        self.registers = frozenset(register.register for register in figures.registers)
        self.tallied = frozenset(name for one in figures.figures for part in one.parts for name in part.occurrences)
        self.tallied |= {rule.occurrence for rule in figures.occurrences if rule.arrives}
        self.cases = frozenset(name for rule in figures.occurrences for name in _of_a_case(rule))
        self.parties = frozenset(
            rule.occurrence
            for rule in figures.occurrences
            if any(self._cap(trait) is not None for trait in rule.traits)
        )
        self._enterprises = self.parties | {
            rule.occurrence for rule in figures.occurrences if any(trait.register for trait in rule.traits)
        }
        self.accepting = {
            rule.occurrence: (trait.accepted_by, trait.trait)
            for rule in figures.occurrences
            for trait in rule.traits
            if trait.accepted_by
        }

    def _cap(self, trait: Trait) -> int | None:
        return self._settings.get(trait.beyond.setting) if trait.beyond else None

    def month(self, moment: datetime) -> int:
        return month_of(moment.astimezone(self._zone).date())

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    def seen(self, message: Message, calendar: Calendar) -> Seen:
        """Give what a message tells of, by the calendar as it is known."""
        rules, registers = self._by_type.get(message.type, ()), tuple(self._registers.get(message.type, ()))
        if not (rules or registers):
            return Seen(message.id, "", message.received_at, message.region)
        document = effective_document(message)
        known = TYPES[message.type]
        keys = known.keys(document)
        party = keys.get("credit_code") or _holder(keys.get("permit_number")) or ""
        said = f"{message.source}\n{message.type}\n{known.identity(document)}"
        identity = sha256(said.encode()).hexdigest()[:24] if rules else ""
        told = [self._told(rule, message, identity, document, party, calendar) for rule in rules]
        occurrences = tuple(one for one in told if one is not None)
        return Seen(
            message.id, identity, message.received_at, message.region, occurrences, message.corrects, party, registers
        )

    def _told(
        self,
        rule: OccurrenceRule,
        message: Message,
        identity: str,
        document: Mapping[str, Any],
        party: str,
        calendar: Calendar,
    ) -> Occurrence | None:
        if not (says(document, rule.where) and _has(document, rule.has)):
            return None
        moment = self._moment(first_of(document, rule.day))
        if moment is None:
            return None
        name = rule.occurrence
        limit, counted = self._limit(rule, document, moment, calendar)
        # Of a day without a time nobody knows how long it took to arrive.
        timed = rule.arrives and len(first_of(document, rule.day) or "") > len("2026-01-01")
        arrived = message.received_at - moment if timed else None
        own = {trait.trait for trait in rule.traits if self._says(trait, document, arrived)}
        return Occurrence(
            name=name,
            message_id=message.id,
            identity=identity,
            day=moment.date(),
            region=message.region,
            authority=first_of(document, ("authority.name",)) or message.source,
            received_at=message.received_at,
            first_at=message.received_at,
            since=message.received_at,
            until=self._day(first_of(document, (rule.until,))) if rule.until else None,
            lane=message.ordering_key if name in self.cases else "",
            number=comparison_key(first_of(document, rule.per) or ""),
            party=party if name in self._enterprises else "",
            at=moment,
            limit=limit,
            own=tuple(sorted(own if counted else {*own, UNCOUNTED})),
            amount=sum(_money(document, path) for path in rule.amount),
            things=(*_arrival(arrived), *_officers(rule, document)),
        )

    def _says(self, trait: Trait, document: Mapping[str, Any], arrived: timedelta | None) -> bool:
        if trait.hours is not None:
            return _in_time(trait, arrived)
        if not trait.said:
            return False
        lacks = not any(_has(document, (path,)) for path in trait.lacks)
        return says(document, trait.where) and _has(document, trait.has) and lacks

    # ── time ──────────────────────────────────────────────────────────────────────────────────
    def _moment(self, said: str | None) -> datetime | None:
        """Give a time, or the beginning of a day, in the zone; None for what is neither."""
        try:
            return None if said is None else _within(datetime.fromisoformat(said), self._zone)
        except (ValueError, OverflowError):
            return None

    def _day(self, said: str | None) -> date | None:
        moment = self._moment(said)
        return None if moment is None else moment.date()

    def _limit(
        self, rule: OccurrenceRule, document: Mapping[str, Any], start: datetime, calendar: Calendar
    ) -> tuple[datetime | None, bool]:
        """Give until when something must follow, and whether that could be counted."""
        for trait in rule.traits:
            if trait.by is not None:
                said = first_of(document, (trait.by,))
                moment = self._moment(said)
                day_alone = said is not None and len(said) == len("2026-01-01")
                return (self._end(moment.date()) if moment and day_alone else moment), True
            if trait.clock is not None:
                last = _last_day(_clock_on(trait.clock, start.date()), start.date(), calendar)
                return (None, False) if last is None else (self._end(last), True)
        return None, True

    def _end(self, day: date) -> datetime:
        return datetime.combine(day, time.max, self._zone)

    # ── judging ───────────────────────────────────────────────────────────────────────────────
    def judged(
        self, one: Occurrence, case: Sequence[Occurrence], party: Sequence[Occurrence], registers: frozenset[str]
    ) -> tuple[str, ...]:
        found = set(one.own)
        for trait in self._rules[one.name].traits if one.name in self._rules else ():
            if trait.followed_by:
                so = any(self._follows(trait, one, each) for each in case)
            elif trait.beside:
                so = {*trait.beside} <= {each.name for each in case}
            elif trait.beyond:
                so = self._is_beyond(trait, one, party)
            else:
                so = trait.register in registers
            if so:
                found.add(trait.trait)
        return tuple(sorted(found))

    def _follows(self, trait: Trait, one: Occurrence, each: Occurrence) -> bool:
        if each.name != trait.followed_by or each.number != one.number:
            return False
        if not (trait.by or trait.clock):
            return True
        return one.limit is not None and each.at is not None and each.at <= one.limit

    def _is_beyond(self, trait: Trait, one: Occurrence, party: Sequence[Occurrence]) -> bool:
        cap = self._cap(trait)
        if cap is None or trait.beyond is None or trait.beyond.trait not in one.own:
            return False
        place = _in_order(one)
        before = sum(
            each.name == one.name
            and each.authority == one.authority
            and each.day.year == one.day.year
            and trait.beyond.trait in each.own
            and _in_order(each) < place
            for each in party
        )
        return before >= cap

    def succeeding(self, new: Occurrence, old: Occurrence) -> Occurrence:
        own, things = new.own, new.things
        if any(thing.startswith(ARRIVAL) for thing in things) and new.at is not None:
            # It came when its first version did: what was entered late, or in time, stays so however it is corrected.
            arrived = old.first_at - new.at
            traits = [trait for trait in self._rules[new.name].traits if trait.hours is not None]
            others = {*own} - {trait.trait for trait in traits}
            own = tuple(sorted(others | {trait.trait for trait in traits if _in_time(trait, arrived)}))
            things = (*_arrival(arrived), *(thing for thing in things if not thing.startswith(ARRIVAL)))
        return replace(new, own=own, things=things, first_at=old.first_at)

    def things(self, one: Occurrence) -> Sequence[str]:
        if one.party and any(trait.beyond and trait.trait in one.traits for trait in self._rules[one.name].traits):
            return (*one.things, f"{PARTY}{one.party}")
        return one.things


def _holder(permit_number: str | None) -> str | None:
    """Give the credit code that a permit number begins with; never a citizen id, with which it may begin, too."""
    holder = credit_code_of(permit_number) if permit_number else None
    return None if holder is None or is_citizen_id(holder) else holder


def _of_a_case(rule: OccurrenceRule) -> Iterator[str]:
    for trait in rule.traits:
        if trait.followed_by or trait.beside:
            yield rule.occurrence
            yield from trait.beside
            yield from (trait.followed_by,) if trait.followed_by else ()


def _in_time(trait: Trait, arrived: timedelta | None) -> bool:
    return trait.hours is not None and arrived is not None and arrived <= timedelta(hours=trait.hours)


def _arrival(arrived: timedelta | None) -> tuple[str, ...]:
    return () if arrived is None else (f"{ARRIVAL}{step_of(arrived.total_seconds())}",)


def _officers(rule: OccurrenceRule, document: Mapping[str, Any]) -> Iterator[str]:
    for officer in at(document, rule.officers) or () if rule.officers else ():
        if number := officer.get("number"):
            yield f"{OFFICER}{comparison_key(str(number)).replace(',', '')}"


def _in_order(one: Occurrence) -> tuple[date, datetime, str]:
    return one.day, one.received_at, one.message_id


def _has(document: Mapping[str, Any], paths: Sequence[str]) -> bool:
    return all(at(document, path) not in (None, [], "") for path in paths)


def _within(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def _money(document: Mapping[str, Any], path: str) -> int:
    said = at(document, path)
    return 0 if said is None else int(Decimal(str(said)) * YUAN)


def _clock_on(name: str, day: date) -> ClockRule | None:
    return next((each for each in bundled_clocks() if each.rule == name and each.valid.holds(day)), None)


def _last_day(rule: ClockRule | None, start: date, calendar: Calendar) -> date | None:
    """Give the last day of a deadline, not counting its first; None: no rule holds, or it cannot be counted."""
    if rule is None:
        return None
    try:
        return _walked(rule, start, calendar)
    except OverflowError:
        return None


def _walked(rule: ClockRule, start: date, calendar: Calendar) -> date | None:
    counts: Callable[[date], bool | None] = calendar.works if rule.counting is Counting.WORKING else lambda day: True
    day, left = start, rule.days
    for _ in range(_LONGEST):
        day += timedelta(days=1)
        works = counts(day)
        if works is None:
            return None
        left -= works
        if left == 0:
            return day
    return None
