"""The judge of what was told, kept and received: it compares records of the same traffic, and uses no code of ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LOST, TWO_KEYS, OUT_OF_ORDER, STUCK, RESENT = (
    "lost",
    "under two keys",
    "out of order",
    "stuck",
    "re-sent without doubt",
)
HARMS = (LOST, TWO_KEYS, OUT_OF_ORDER, STUCK, RESENT)
"""What must never happen, in the words of the table."""

FINAL = frozenset({"accepted", "refused"})
"""The verdicts of answers that leave no doubt."""


@dataclass(frozen=True)
class Told:
    """What a client was told: its 202 for the n-th document of a case, in the order it sent them.

    A client sends a document only once it was told 202 for the one before it. `deliveries`: platform and key of each
    delivery that the 202 names.
    """

    client: str
    case: str
    place: int
    message_id: str
    deliveries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Kept:
    """What the ledger holds: one delivery of one message.

    `verdicts` are those of its attempts, in order. `replay_of`: the one that an operator had sent once more by it.
    """

    message_id: str
    delivery_id: str
    platform: str
    lane: str
    state: str
    attempts: int | None = None
    verdicts: tuple[str, ...] = ()
    replay_of: str | None = None


@dataclass(frozen=True)
class Arrival:
    """One time that a key came: when, and when its answer had left as a whole (None: it did not)."""

    at: float
    answered: float | None


@dataclass(frozen=True)
class Received:
    """What a double took: the key of one delivery, at its place among the first receipts; `times` counts repeats."""

    platform: str
    key: str
    place: int
    times: int
    accepted: bool = True
    arrivals: tuple[Arrival, ...] = ()


@dataclass(frozen=True)
class Disturbance:
    """A time in which a gateway could lose an answer that it was given, or could not write it down."""

    kind: str
    began: float
    ended: float


@dataclass
class Judgement:
    """The harms found, each with its kind before it, and what was counted on the way."""

    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def harms(self) -> dict[str, int]:
        """How often each kind of harm was found."""
        return {harm: sum(one.startswith(f"{harm}: ") for one in self.faults) for harm in HARMS}


_Keys = dict[tuple[str, str], Received]


def judge(
    told: Sequence[Told],
    kept: Sequence[Kept],
    received: Sequence[Received],
    *,
    disturbances: Collection[Disturbance] = (),
    replayed: Collection[str] = (),
    discarded: Collection[str] = (),
) -> Judgement:
    """Compare the records: nothing lost, under two keys, out of order in its case, stuck, or re-sent without doubt.

    `replayed`, `discarded`: keys that an operator asked to be sent again, or to be given up.
    """
    by_key: _Keys = {(one.platform, one.key): one for one in received}
    harms = {
        LOST: [*_lost(told, kept), *_unreceived(told, kept, by_key, discarded)],
        TWO_KEYS: [*_under_two_keys(kept, replayed), *_from_nowhere(kept, by_key)],
        OUT_OF_ORDER: _out_of_order(told, kept, by_key),
        STUCK: _stuck(kept, discarded),
        RESENT: [
            *_sent_after_an_answer(kept, replayed),
            *_sent_unrecorded(kept, by_key),
            *_came_again(by_key, disturbances, replayed),
        ],
    }
    faults = [f"{harm}: {what}" for harm, found in harms.items() for what in found]
    wanted = _wanted(told, kept, discarded)
    counts = {
        "told accepted": len({one.message_id for one in told}),
        "messages kept": len({one.message_id for one in kept}),
        "deliveries kept": len(kept),
        "accepted": len(wanted),
        "delivered": sum(key in by_key and by_key[key].accepted for key in wanted),
        "received by doubles": len(received),
        "received again under the same key": sum(one.times - 1 for one in received),
        "lanes": len({(one.platform, one.lane) for one in kept}),
        "faults": len(faults),
    }
    return Judgement(counts, faults)


def _wanted(told: Iterable[Told], kept: Iterable[Kept], discarded: Collection[str]) -> set[tuple[str, str]]:
    """Give platform and key of all that must be delivered: what a 202 names, and what the ledger holds beside it."""
    named = {pair for one in told for pair in one.deliveries}
    return {pair for pair in named | {(one.platform, one.delivery_id) for one in kept} if pair[1] not in discarded}


def _lost(told: Iterable[Told], kept: Sequence[Kept]) -> Iterator[str]:
    messages = {one.message_id for one in kept}
    pairs = {(one.platform, one.delivery_id) for one in kept}
    for one in told:
        if one.message_id not in messages:
            yield f"{one.client} was told 202 for {one.message_id}, and the ledger does not have it"
        elif missing := set(one.deliveries) - pairs:
            yield f"{one.client} was told of deliveries of {one.message_id} that the ledger does not have: {missing}"


def _unreceived(told: Iterable[Told], kept: Sequence[Kept], by_key: _Keys, discarded: Collection[str]) -> Iterator[str]:
    states = {(one.platform, one.delivery_id): one.state for one in kept}
    for platform, key in sorted(_wanted(told, kept, discarded)):
        receipt = by_key.get((platform, key))
        if receipt is None or not receipt.accepted:
            yield f"{platform} never took {key} ({states.get((platform, key), 'not in the ledger')})"


def _stuck(kept: Iterable[Kept], discarded: Collection[str]) -> Iterator[str]:
    for one in kept:
        if one.state != "delivered" and not (one.state == "discarded" and one.delivery_id in discarded):
            yield f"{one.delivery_id} to {one.platform} is {one.state}"


def _under_two_keys(kept: Iterable[Kept], replayed: Collection[str]) -> Iterator[str]:
    """Find what goes to one platform twice, though no operator asked for that."""
    pairs = Counter((one.message_id, one.platform) for one in kept if one.replay_of not in replayed)
    yield from (f"{message} to {platform}" for (message, platform), count in pairs.items() if count > 1)


def _from_nowhere(kept: Iterable[Kept], by_key: _Keys) -> Iterator[str]:
    ledger = {(one.platform, one.delivery_id) for one in kept}
    yield from (
        f"{platform} took {key}, which is no delivery" for platform, key in by_key if (platform, key) not in ledger
    )


def _out_of_order(told: Iterable[Told], kept: Iterable[Kept], by_key: _Keys) -> Iterator[str]:
    """Look at each case of a client, whatever lanes the gateway made of it."""
    order = {one.message_id: (one.case, one.place) for one in told}
    cases: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in kept:
        receipt = by_key.get((one.platform, one.delivery_id))
        if receipt is not None and one.message_id in order and one.replay_of is None:
            case, place = order[one.message_id]
            cases[one.platform, case].append((receipt.place, place))
    for (platform, case), places in cases.items():
        found = [place for _, place in sorted(places)]
        if found != sorted(found):
            yield f"case {case} to {platform}: {found}"


def _sent_after_an_answer(kept: Iterable[Kept], replayed: Collection[str]) -> Iterator[str]:
    for one in kept:
        if one.delivery_id not in replayed and any(verdict in FINAL for verdict in one.verdicts[:-1]):
            yield f"{one.delivery_id} to {one.platform} was tried after a final answer: {list(one.verdicts)}"


def _sent_unrecorded(kept: Iterable[Kept], by_key: _Keys) -> Iterator[str]:
    for one in kept:
        receipt = by_key.get((one.platform, one.delivery_id))
        if receipt is not None and one.attempts is not None and receipt.times > one.attempts:
            yield f"{one.platform} got {one.delivery_id} {receipt.times} times in {one.attempts} attempts"


def _came_again(by_key: _Keys, disturbances: Collection[Disturbance], replayed: Collection[str]) -> Iterator[str]:
    """Find what came again though it was answered as a whole, and nothing disturbed any gateway since it came."""
    for (platform, key), one in by_key.items():
        for first, again in pairwise(one.arrivals):
            if first.answered is None or key in replayed:
                continue
            if not any(each.began <= again.at and each.ended >= first.at for each in disturbances):
                yield f"{platform} got {key} again after {again.at - first.at:.2f} s, and answered it both times"
