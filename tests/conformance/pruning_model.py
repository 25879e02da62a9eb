"""What the model of a ledger lets go of: see `ledger_model`. Everything at once, judged as it stood before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from kept_model import OPEN, Kept, KeptModel, identity
from msgspec.structs import replace

from gateway.ledger.records import Accepted, Prunable, Pruned, PruneStep, Pruning, ResultPage, Retention
from gateway.message import Delivery, State

DAY = timedelta(days=1)
Went = Counter[tuple[str, str]]


class PruningModel(KeptModel):
    """The part of the model that prunes. Sizes are the ledger's own affair, and are 0 here."""

    # ── time ──────────────────────────────────────────────────────────────────────────────────
    def passes(self, now: datetime, seen: float) -> datetime:
        """Let the ledger's own time go on."""
        kept = self.kept
        if kept.time is None or kept.told is None:
            kept.time = min((now, *self.stamps()[-1:]))
        else:
            kept.time += max(timedelta(0), min(now - kept.told, timedelta(seconds=seen)))
        kept.told = now
        newest = max((one.seq for one in kept.messages.values()), default=0)
        if not kept.marks or (newest > kept.marks[-1][0] and kept.time - kept.marks[-1][1] >= DAY):
            kept.marks = [*kept.marks, (newest, kept.time)]
        return kept.time

    def stamps(self) -> list[datetime]:
        return sorted(one.message.received_at for one in self.kept.messages.values())

    def came(self, one: Kept, time: datetime) -> datetime:
        first = self.kept.marks[0]
        if one.seq <= first[0]:
            return min(one.message.received_at, first[1])
        return next((at for seq, at in self.kept.marks if seq >= one.seq), time)

    # ── judging ───────────────────────────────────────────────────────────────────────────────
    def case(self, correlation_id: str) -> list[Kept]:
        return [
            one
            for one in self.kept.messages.values()
            if one.message.correlation_id == correlation_id and not one.remnant
        ]

    def of_case(self, correlation_id: str) -> list[Delivery]:
        ids = {one.message.id for one in self.case(correlation_id)}
        return [each for each in self.kept.deliveries.values() if each.message_id in ids]

    def is_over(self, correlation_id: str) -> bool:
        theirs = self.of_case(correlation_id)
        unfinished = any(each.state in (*OPEN, State.UNROUTED) for each in theirs)
        lanes = [each for one in theirs for each in self.lane(one)]
        return not unfinished and not any(each.state in OPEN for each in lanes)

    def is_old(self, correlation_id: str, retention: Retention, time: datetime, what: str) -> bool:
        for one in self.case(correlation_id):
            longest = retention.types.get(one.message.type, retention.messages)
            if self.came(one, time) + (longest if what == "messages" else min(longest, retention.bodies)) > time:
                return False
        return True

    def may_leave(self, correlation_id: str, retention: Retention, time: datetime) -> bool:
        if not (self.is_old(correlation_id, retention, time, "messages") and self.is_over(correlation_id)):
            return False
        theirs = self.of_case(correlation_id)
        if any(each.position == self.kept.positions for each in theirs):
            return False
        if any(one.seq == self.kept.seqs for one in self.case(correlation_id)):
            return False
        ahead = {
            self.kept.messages[other.message_id].message.correlation_id
            for each in theirs
            for other in self.lane(each)
            if other.position < each.position and other.state in (State.DELIVERED, State.REFUSED)
        } - {correlation_id}
        return all(self.is_old(other, retention, time, "messages") and self.is_over(other) for other in ahead)

    # ── letting go ────────────────────────────────────────────────────────────────────────────
    async def prune(
        self, retention: Retention, actor: str, now: datetime, *, seen: float = 0.0, limit: int = 50
    ) -> PruneStep:
        self.must_run()
        time = self.passes(now, seen)
        went: Went = Counter()
        for id, (rejection, _) in list(self.kept.rejections.items()):
            if rejection.received_at + min(retention.bodies, retention.messages) > time:
                break
            del self.kept.rejections[id]
            went["", "rejections"] += 1
        cases = dict.fromkeys(one.message.correlation_id for one in self.kept.messages.values() if not one.remnant)
        going = [case for case in cases if self.may_leave(case, retention, time)]
        losing = [
            case
            for case in cases
            if case not in going and self.is_old(case, retention, time, "bodies") and self.is_over(case)
        ]
        for case in losing:
            self.lose_bodies(case, went)
        for case in going:
            self.go(case, went)
        pruned = tuple(Pruned(type, what, time, count, 0) for (type, what), count in sorted(went.items()))
        first = min(self.kept.deliveries.values(), key=lambda each: each.position, default=None)
        oldest = first and self.kept.messages[first.message_id].message.received_at
        return PruneStep(pruned, False, time, oldest)

    def lose_bodies(self, correlation_id: str, went: Went) -> None:
        for one in self.case(correlation_id):
            if one.native is None:
                continue
            one = self.kept.messages[one.message.id] = replace_kept(one, native=None)
            for each in self.kept.deliveries.values():
                if each.message_id == one.message.id:
                    self.kept.requests.pop(each.id, None)
                    self.empty_replies(each.id)
            went[one.message.type, "bodies"] += 1

    def empty_replies(self, delivery_id: str) -> None:
        self.kept.attempts = [
            replace(each, reply=b"") if each.delivery_id == delivery_id else each for each in self.kept.attempts
        ]

    def go(self, correlation_id: str, went: Went) -> None:
        gone = self.case(correlation_id)
        ids = {one.message.id for one in gone}
        latest = {identity(one.message): one.message.id for one in self.kept.messages.values()}
        self.kept.attached = {each for each in self.kept.attached if each[1] not in ids}
        deliveries = {each.id for each in self.of_case(correlation_id)}
        self.kept.deliveries = {id: each for id, each in self.kept.deliveries.items() if id not in deliveries}
        self.kept.requests = {id: each for id, each in self.kept.requests.items() if id not in deliveries}
        self.kept.attempts = [each for each in self.kept.attempts if each.delivery_id not in deliveries]
        self.kept.facts = {key: each for key, each in self.kept.facts.items() if key[0] != correlation_id}
        self.kept.clocks.pop(correlation_id, None)
        findings = self.kept.findings.items()
        self.kept.findings = {key: each for key, each in findings if each[1].correlation_id != correlation_id}
        assessed = self.kept.assessed.items()
        self.kept.assessed = {lane: each for lane, each in assessed if each.correlation_id != correlation_id}
        self.kept.aliases = {key: each for key, each in self.kept.aliases.items() if key[1] != correlation_id}
        self.kept.numbers = {key: each for key, each in self.kept.numbers.items() if each[1] not in ids}
        for one in gone:
            went[one.message.type, "messages"] += 1
            if latest[identity(one.message)] == one.message.id:
                bare = replace(one.message, document={}, keys={}, raw_numbers={}, enriched={}, warnings=())
                self.kept.messages[bare.id] = Kept(one.seq, bare, {}, None, remnant=True)
            else:
                del self.kept.messages[one.message.id]
        self.forget_keys(ids)

    def forget_keys(self, gone: Collection[str]) -> None:
        """A receipt goes when the last message that it names does."""
        for under, (_, receipt) in list(self.kept.receipts.items()):
            named = {each.message.id for each in receipt.entries if isinstance(each, Accepted)}
            if named & set(gone) and not any(self.lives(id) for id in named):
                del self.kept.receipts[under]

    def lives(self, message_id: str) -> bool:
        found = self.kept.messages.get(message_id)
        return found is not None and not found.remnant

    # ── what is told ──────────────────────────────────────────────────────────────────────────
    async def prunable(self, retention: Retention, cursor: str | None = None, limit: int = 500) -> Prunable:
        raise NotImplementedError("see the tests of pruning")

    async def prunings(self, cursor: str | None = None, limit: int = 50) -> ResultPage[Pruning]:
        raise NotImplementedError("see the tests of pruning")


def replace_kept(one: Kept, *, native: None) -> Kept:
    """A message without its bytes."""
    return Kept(one.seq, one.message, one.numbers, native, remnant=one.remnant)


def counted(steps: Iterable[PruneStep]) -> list[tuple[str, str, int]]:
    """What several steps let go of, summed up."""
    went: Went = Counter()
    for step in steps:
        for one in step.pruned:
            went[one.type, one.what] += one.count
    return sorted((type, what, count) for (type, what), count in went.items())
