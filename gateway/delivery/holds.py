"""What holds a platform and its endpoints, as its worker knows it, kept in step with the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from adapters.base import Verdict
from gateway.clock import Clock
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.health import WHOLE, Health, Scope
from gateway.ledger.base import Ledger
from gateway.ledger.records import Hold, Intent, Platform, Registry
from gateway.message import HeldBy
from gateway.telemetry.events import EndpointHeld, EndpointReleased, Events, PlatformHeld, PlatformReleased

ACTOR = "gateway"
"""Who holds and releases platforms in the audit when no person did."""

_OPEN, _CLOSED = "breaker.open", "breaker.closed"


_JUDGED_HERE = frozenset({HeldBy.BREAKER, HeldBy.ENDPOINT})
"""The holds that a worker decides from what it sees; of all others the ledger decides."""


class Repairs(Struct, frozen=True):
    """What has to be done so that ledger and worker say the same again.

    `take_over`: the platform is not registered as the worker knows it, or was held or resumed without
    telling the worker. `gone`: it is not registered any more.
    """

    take_over: bool = False
    gone: bool = False


def compare(recorded: Platform | None, known: Platform, stopped: frozenset[HeldBy]) -> Repairs:
    """Compare a platform as the ledger has it with what its worker knows.

    `known` is the platform as the worker took it over, `stopped` the holds that it obeys. What breakers
    hold needs no comparison: `Holds.record` brings the ledger in line with it.
    """
    if recorded is None:
        return Repairs(gone=True)
    return Repairs(take_over=recorded.revision != known.revision or obeyed(recorded) != stopped)


def judged(platform: Platform) -> frozenset[Scope]:
    """Give what breakers hold of a platform, as it is recorded."""
    return frozenset(hold.type or WHOLE for hold in platform.holds if hold.by in _JUDGED_HERE)


def obeyed(platform: Platform) -> frozenset[HeldBy]:
    """Give the holds of a platform that its worker obeys: those that somebody else decides."""
    return platform.held_by() - _JUDGED_HERE


class Holds:
    """The holds of one platform in memory.

    Of pauses and refused credentials the ledger decides, and this follows it (`stopped`). Of what
    the breakers hold this decides (`health`), and the ledger is told of it so that people see it.
    Every change takes effect here first, so that no call is made meanwhile; the ledger follows.
    """

    def __init__(self, platform: Platform, policy: BreakerPolicy, ledger: Ledger, clock: Clock, events: Events) -> None:
        self.platform = platform
        self.stopped = obeyed(platform)
        self.health = Health(policy)
        self._ledger = ledger
        self._clock = clock
        self._events = events
        self._recorded = judged(platform)
        self._told = set(self._recorded)  # what was announced as held, perhaps by an earlier process
        self._refusing: set[str] = set()  # deliveries whose credentials were refused, not settled yet
        self._changes = 0

    def let_pass(self, type: str, *, probe: bool) -> bool:
        """Tell whether a message type may be sent now; a probe looks past the breakers."""
        return not self.stopped and (probe or not self.health.holds(type))

    # ── changes that come from outside ────────────────────────────────────────────────────────
    def change(self, platform: Platform) -> bool:
        """Take over the platform as it is registered or held now; True when the ledger has to be asked about a hold."""
        # Refused credentials hold here before the ledger has it, so what was read may not tell of
        # them yet. Another revision has other credentials; the same one stays held, and a comparison
        # with the ledger shows whether that is still right.
        same = platform.revision == self.platform.revision
        kept = self.stopped & {HeldBy.CREDENTIALS} if same else frozenset()
        self.platform, self.stopped = platform, obeyed(platform) | kept
        self.health = self.health.cooled()
        self._changes += 1
        return self.stopped != obeyed(platform) and not self._refusing

    def refuse(self, delivery_id: str, verdict: Verdict, revision: int) -> None:
        """Hold the platform for refused credentials, unless it has others by now; the settlement writes it down."""
        if revision != self.platform.revision:
            return
        self._refusing.add(delivery_id)
        self._changes += 1
        if HeldBy.CREDENTIALS not in self.stopped:
            self.stopped |= {HeldBy.CREDENTIALS}
            by = HeldBy.CREDENTIALS.value
            self._events(PlatformHeld(self.platform.id, by, verdict.code or by))

    def settled(self, delivery_id: str) -> None:
        """Take note that an attempt is over, and that what it held is in the ledger if it ever will be."""
        if delivery_id in self._refusing:
            self._refusing.discard(delivery_id)
            self._changes += 1

    # ── what the breakers hold ────────────────────────────────────────────────────────────────
    def judge(self, health: Health) -> bool:
        """Take what is known of the platform's health now; True when that holds or releases something."""
        before, self.health = self.health, health
        if before is health or before.held == health.held:
            return False
        for scope in sorted(health.held - self._told):
            self._told.add(scope)
            self._events(self._held(scope))
        for scope in sorted((before.held - health.held) & self._told):
            self._tell_released(scope)
        return True

    def _held(self, scope: Scope) -> PlatformHeld | EndpointHeld:
        if scope == WHOLE:
            return PlatformHeld(self.platform.id, HeldBy.BREAKER.value, _OPEN)
        return EndpointHeld(self.platform.id, scope, _OPEN)

    def _tell_released(self, scope: Scope) -> None:
        self._told.discard(scope)
        whole = scope == WHOLE
        platform = self.platform.id
        self._events(PlatformReleased(platform, HeldBy.BREAKER.value) if whole else EndpointReleased(platform, scope))

    async def record(self) -> None:
        """Bring the ledger's holds of breakers in line with what they are."""
        # Check, wait, check: a breaker may open or close while the ledger writes; then what was
        # written is wrong already, and is corrected in the next step.
        while wrong := self._recorded ^ self.health.held:
            await self._correct(min(wrong))

    async def _correct(self, scope: Scope) -> None:
        by, type = (HeldBy.BREAKER, None) if scope == WHOLE else (HeldBy.ENDPOINT, scope)
        now = self._clock()
        if scope in self.health.held:
            await self._ledger.hold_platform(self.platform.id, Hold(by, now, _OPEN, type), Intent(ACTOR, _OPEN, now))
            self._recorded |= {scope}
            return
        await self._ledger.release_platform(self.platform.id, by, Intent(ACTOR, _CLOSED, now), type=type)
        self._recorded -= {scope}
        if scope in self._told and scope not in self.health.held:
            self._tell_released(scope)  # one that an earlier process left

    async def inherit(self, read: Callable[[], Awaitable[Registry]]) -> None:
        """Go on from what whoever delivered before saw: what it held is probed before anything else is sent there.

        To be called once the claim is had; until then another process decides what is held.
        """
        recorded = (await read()).platforms.get(self.platform.id)
        if recorded is not None:
            self._recorded = judged(recorded)
            self.judge(self.health.reopened(self._recorded))

    # ── repair ────────────────────────────────────────────────────────────────────────────────
    async def compare(self, read: Callable[[], Awaitable[Registry]]) -> tuple[Repairs, Registry]:
        """Compare with the ledger, and follow it where it decides; gives what the worker has to do."""
        # Check, wait, check: what changes here while the ledger is read may be newer than what is
        # read, and must not be undone by it; then the ledger is read again.
        changes, registry = self._changes, await read()
        while changes != self._changes:
            changes, registry = self._changes, await read()
        recorded = registry.platforms.get(self.platform.id)
        # A hold that a settlement is about to write is no difference: its end brings the next comparison.
        stopped = self.stopped - {HeldBy.CREDENTIALS} if self._refusing else self.stopped
        repairs = compare(recorded, self.platform, stopped)
        if recorded is not None:
            self._recorded = judged(recorded)
            self._follow(obeyed(recorded))
        return repairs, registry

    def _follow(self, recorded: frozenset[HeldBy]) -> None:
        """Drop holds that the ledger does not have, unless a settlement is about to write one."""
        if self._refusing:
            return
        for by in sorted(self.stopped - recorded):
            self._events(PlatformReleased(self.platform.id, by.value))
        self.stopped &= recorded
