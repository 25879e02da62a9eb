"""The kill test's judge: three records of the same traffic, compared without looking at the gateway's code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Told:
    """What a client was told: its 202 for the n-th document of a case, in the order it sent them."""

    client: str
    case: str
    place: int
    message_id: str


@dataclass(frozen=True)
class Kept:
    """What the ledger holds: one delivery of one message."""

    message_id: str
    delivery_id: str
    platform: str
    lane: str
    state: str


@dataclass(frozen=True)
class Received:
    """What a double took: the key of one delivery, at its place among the first receipts; `times` counts repeats."""

    platform: str
    key: str
    place: int
    times: int


@dataclass
class Judgement:
    """The faults found, and what was counted on the way."""

    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def judge(told: Sequence[Told], kept: Sequence[Kept], received: Sequence[Received]) -> Judgement:
    """Compare the three records: nothing lost, nothing twice under two keys, nothing out of order in its lane."""
    judgement = Judgement()
    by_key = {(one.platform, one.key): one for one in received}
    judgement.faults += _lost(told, kept)
    judgement.faults += _undelivered(kept, by_key)
    judgement.faults += _under_two_keys(kept)
    judgement.faults += _invented(kept, by_key)
    judgement.faults += _out_of_order(told, kept, by_key)
    judgement.counts = {
        "told accepted": len(told),
        "messages kept": len({one.message_id for one in kept}),
        "deliveries kept": len(kept),
        "received by doubles": len(received),
        "received again under the same key": sum(one.times - 1 for one in received),
        "lanes": len({(one.platform, one.lane) for one in kept}),
        "faults": len(judgement.faults),
    }
    return judgement


def _lost(told: Iterable[Told], kept: Iterable[Kept]) -> list[str]:
    ledger = {one.message_id for one in kept}
    return [f"lost: {one.client} was told 202 for {one.message_id}" for one in told if one.message_id not in ledger]


def _undelivered(kept: Iterable[Kept], by_key: dict[tuple[str, str], Received]) -> list[str]:
    faults = []
    for one in kept:
        if one.state != "delivered":
            faults.append(f"not settled: {one.delivery_id} to {one.platform} is {one.state}")
        if (one.platform, one.delivery_id) not in by_key:
            faults.append(f"never received: {one.delivery_id} to {one.platform}")
    return faults


def _under_two_keys(kept: Iterable[Kept]) -> list[str]:
    pairs = Counter((one.message_id, one.platform) for one in kept)
    return [f"two keys: {message} to {platform}" for (message, platform), count in pairs.items() if count > 1]


def _invented(kept: Iterable[Kept], by_key: dict[tuple[str, str], Received]) -> list[str]:
    ledger = {(one.platform, one.delivery_id) for one in kept}
    return [f"from nowhere: {platform} received {key}" for platform, key in by_key if (platform, key) not in ledger]


def _out_of_order(told: Iterable[Told], kept: Iterable[Kept], by_key: dict[tuple[str, str], Received]) -> list[str]:
    order = {one.message_id: (one.case, one.place) for one in told}
    lanes: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in kept:
        receipt = by_key.get((one.platform, one.delivery_id))
        if receipt is not None and one.message_id in order:
            case, place = order[one.message_id]
            lanes[one.platform, one.lane, case].append((receipt.place, place))
    return [
        f"out of order: case {case} to {platform}: {[place for _, place in sorted(places)]}"
        for (platform, _, case), places in lanes.items()
        if [place for _, place in sorted(places)] != sorted(place for _, place in places)
    ]
