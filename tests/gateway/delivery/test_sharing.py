"""Sharing out: even, with as few moves as can be, whatever comes and goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.sharing import share

PLATFORMS = [f"penalty.33{n:02d}00" for n in range(40)]


class Town:
    """Processes that share platforms through one table of claims, each deciding for itself."""

    def __init__(self, platforms: Collection[str], living: Collection[str]) -> None:
        self.platforms = set(platforms)
        self.living = set(living)
        self.claims: dict[str, str] = {}
        self.moves = 0

    def round(self, order: Collection[str]) -> bool:
        """Let each process look once and do what it should; True when somebody did something."""
        before = self.moves
        for me in order:
            if me in self.living:
                self.look(me, dict(self.claims))
        return self.moves > before

    def look(self, me: str, seen: dict[str, str]) -> None:
        """Let one process act on what it saw, which may be older than what is so."""
        mine = {platform for platform, owner in self.claims.items() if owner == me}
        others = {platform: owner for platform, owner in seen.items() if owner != me}
        due = share(self.platforms, me, mine, others, self.living)
        for platform in due.give:
            del self.claims[platform]
            self.moves += 1
        for platform in due.take:
            if platform not in self.claims:
                self.claims[platform] = me
                self.moves += 1

    def settle(self) -> int:
        """Let all of them look until nobody does anything; gives the rounds that this took."""
        for rounds in range(20):
            if not self.round(sorted(self.living)):
                return rounds
        raise AssertionError("it never comes to rest")

    def kill(self, process: str) -> None:
        """Let a process die, and its claims lapse."""
        self.living.discard(process)
        self.claims = {platform: owner for platform, owner in self.claims.items() if owner != process}

    def even(self) -> bool:
        """Tell whether everything is taken, and nobody has two more than another."""
        has = Counter(dict.fromkeys(self.living, 0)) + Counter(self.claims.values())
        counts = [has[one] for one in self.living]
        return self.claims.keys() == self.platforms and max(counts) - min(counts) <= 1


@given(st.integers(0, 40), st.lists(st.tuples(st.sampled_from(["come", "go"]), st.sampled_from("abcdef")), max_size=8))
def test_it_is_even_whoever_comes_and_goes(many: int, events: list[tuple[str, str]]) -> None:
    """After each of them a few rounds are enough, and then nothing moves any more."""
    town = Town(PLATFORMS[:many], {"a"})
    for what, who in events:
        town.living.add(who) if what == "come" else (len(town.living) > 1 and town.kill(who))
        assert town.settle() <= 4
        assert town.even()


@given(st.integers(1, 40), st.integers(1, 6), st.data())
def test_it_comes_to_rest_though_everybody_sees_the_past(many: int, processes: int, data: st.DataObject) -> None:
    """All of them look at the same old picture, and act one after the other."""
    town = Town(PLATFORMS[:many], "abcdef"[:processes])
    town.claims = {
        platform: data.draw(st.sampled_from(sorted(town.living)), label=platform) for platform in town.platforms
    }
    for _ in range(12):
        seen, before = dict(town.claims), town.moves
        for me in sorted(town.living):
            town.look(me, seen)
        if town.moves == before:
            break
    assert town.even()


def test_nothing_moves_without_need() -> None:
    """A third process gets its third and no more moves; when it dies, only what it had moves."""
    town = Town(PLATFORMS[:30], "ab")
    town.settle()
    moves = town.moves
    town.living.add("c")
    town.settle()
    assert town.moves - moves == 2 * 10, "given back, and taken"
    moves = town.moves
    town.kill("c")
    town.settle()
    assert town.moves - moves == 10


def test_what_another_has_is_left_alone() -> None:
    """Also what somebody has who is leaving and counts no more."""
    due = share(PLATFORMS[:4], "a", [], {PLATFORMS[0]: "b", PLATFORMS[1]: "gone"}, ["a", "b"])
    assert set(due.take) == {PLATFORMS[2], PLATFORMS[3]}


def test_a_platform_that_is_gone_counts_for_nothing() -> None:
    """It is neither taken nor given, and nobody has more for it."""
    due = share(PLATFORMS[:2], "a", [PLATFORMS[0], "gone.000000"], {"other.000000": "b"}, ["a", "b"])
    assert (due.take, due.give) == ([], [])
