"""A correction or withdrawal reaches everybody who got the original, whatever its own routes say; pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from gateway.intake.steps import Planned
from gateway.message import Delivery, Message, State


def chain(original: Message, others: Iterable[Message]) -> tuple[Message, ...]:
    """Give a message and, of others of its case, the earlier versions of the same document and what corrected it."""
    same = [one for one in others if one.identity == original.identity or one.corrects == original.id]
    return tuple({one.id: one for one in (original, *same)}.values())


def reaching(
    planned: Sequence[Planned], got: Iterable[Delivery], there: Container[str], caller: str
) -> tuple[Planned, ...]:
    """Add to the planned deliveries one for each platform that got what is corrected, or that it still waits for.

    `got` are the deliveries of all versions so far. Who was deleted (not `there`), the caller itself, and whom
    an operator spared it, get none.
    """
    platforms = {one.platform for one in planned}
    waiting = {(one.kind, one.toward) for one in planned if one.platform is None}
    added: dict[Planned, None] = {}
    for one in got:
        if one.state is State.DISCARDED:
            continue
        if one.platform is None:
            if (one.kind, one.toward) not in waiting:
                added[Planned(one.kind, None, one.toward)] = None
        elif one.platform not in platforms and one.platform in there and one.platform != caller:
            added[Planned(one.kind, one.platform)] = None
    return (*planned, *added)
