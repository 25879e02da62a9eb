"""How the platforms are shared out among the processes of one ledger: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

from msgspec import Struct


class Share(Struct, frozen=True):
    """What a process should take now, the best first, and what it should give back."""

    take: Sequence[str] = ()
    give: Sequence[str] = ()


def share(
    platforms: Collection[str], me: str, mine: Collection[str], others: Mapping[str, str], living: Collection[str]
) -> Share:
    """Tell what a process should take and give back, so that all of them have the same number but for one.

    `mine` is what it has; `others` the owners of what is taken elsewhere. What is left over when the platforms
    are divided stays with those who have most, so that nothing moves without need. Every process decides
    for itself, from what it saw last: whoever is late finds a platform taken, or gives back what it need not have,
    and the next round mends it.
    """
    everybody = {me, *living}
    has = Counter(owner for platform, owner in others.items() if platform in platforms and owner in everybody)
    has[me] = sum(platform in platforms for platform in mine)
    few, left_over = divmod(len(platforms), len(everybody))
    by_most = sorted(everybody, key=lambda one: (-has[one], one))
    due = few + (by_most.index(me) < left_over)
    liked = sorted(platforms, key=lambda platform: _rank(me, platform))
    free = [platform for platform in liked if platform not in mine and platform not in others]
    surplus = [platform for platform in reversed(liked) if platform in mine]
    return Share(free[: max(0, due - has[me])], surplus[: max(0, has[me] - due)])


def _rank(me: str, platform: str) -> bytes:
    """Order platforms differently for each process: several that take at once seldom want the same."""
    return blake2b(f"{me} {platform}".encode(), digest_size=8).digest()
