"""A platform's health: one breaker for the whole of it, and one for each endpoint; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.delivery.breaker import Breaker, BreakerPhase, BreakerPolicy
from gateway.ledger.records import Work

Scope = str
"""What a breaker guards: one endpoint, named by the message type that is sent to it, or the `WHOLE`."""

WHOLE: Scope = ""
"""The whole platform."""

_NOTHING: frozenset[Scope] = frozenset()


class HealthSign(StrEnum):
    """What one attempt tells of the health of whom it called."""

    WELL = "well"
    """It was answered, whatever the answer."""
    ENDPOINT = "endpoint"
    """What answers this message type failed; the platform itself is there."""
    PLATFORM = "platform"
    """Nobody answered, or something in front of the platform did."""


class Health(Struct, frozen=True):
    """What the attempts so far tell. `breakers` has those that remember something; a missing one is closed."""

    policy: BreakerPolicy
    breakers: Mapping[Scope, Breaker] = field(default_factory=dict)

    def breaker(self, scope: Scope) -> Breaker:
        """Give the breaker of the whole platform or of one endpoint."""
        return self.breakers.get(scope) or Breaker(self.policy)

    @property
    def held(self) -> frozenset[Scope]:
        """Everything that is held now."""
        if not self.breakers:
            return _NOTHING
        return frozenset(scope for scope, breaker in self.breakers.items() if breaker.phase is not BreakerPhase.CLOSED)

    def holds(self, type: str) -> bool:
        """Tell whether a message type is held, by its endpoint or with the whole platform."""
        return bool(self.breakers) and not self.held.isdisjoint((WHOLE, type))

    def has_failed(self, work: Work) -> bool:
        """Tell whether the last attempt of a head's lane failed."""
        scopes, lane = (WHOLE, work.message.type), work.delivery.lane
        return any(scope in self.breakers and lane in self.breakers[scope].failures for scope in scopes)

    def attempted(self, type: str, lane: str, sign: HealthSign, now: float) -> Health:
        """Take note of an ordinary attempt.

        A failure of the platform counts for the endpoint, too: when one endpoint alone hangs, the
        answers of the others keep the platform's breaker closed, and the endpoint's own opens.
        """
        if sign is HealthSign.WELL and not self.breakers:
            return self
        whole, endpoint = self.breaker(WHOLE), self.breaker(type)
        match sign:
            case HealthSign.WELL:
                return self._with({WHOLE: whole.succeeded(lane), type: endpoint.succeeded(lane)})
            case HealthSign.ENDPOINT:
                return self._with({type: endpoint.failed(lane, now)})
            case HealthSign.PLATFORM:
                after = whole.failed(lane, now)
                if after.phase is BreakerPhase.CLOSED:
                    return self._with({WHOLE: after, type: endpoint.failed(lane, now)})
                # The platform is down: that explains why its endpoints failed.
                return self._with({WHOLE: after})._explained()

    def probing(self, scope: Scope) -> Health:
        """Let a probe out."""
        return self._with({scope: self.breaker(scope).probing()})

    def probed(self, scope: Scope, type: str, lane: str, sign: HealthSign | None, now: float) -> Health:
        """Take note of a probe of the whole platform or of an endpoint; None: it tells nothing."""
        if sign is None:
            return self._with({scope: self.breaker(scope).probed(lane, now, well=None)})
        # To the platform's breaker a failing endpoint is an answer: the platform is reachable.
        well = sign is HealthSign.WELL or (scope == WHOLE and sign is HealthSign.ENDPOINT)
        after = self._with({scope: self.breaker(scope).probed(lane, now, well=well)})
        other = type if scope == WHOLE else WHOLE
        beside = after.breaker(other)
        if sign is HealthSign.WELL and scope == WHOLE and beside.phase is BreakerPhase.OPEN:
            # It left after both were held, and the endpoint answered it.
            return after._with({other: beside.probed(lane, now, well=True)})
        if sign is HealthSign.WELL:
            return after._with({other: beside.succeeded(lane)})
        if sign is HealthSign.ENDPOINT and scope == WHOLE:
            return after._with({other: beside.failed(lane, now)})
        if sign is HealthSign.PLATFORM and scope != WHOLE:
            return after._with({other: beside.failed(lane, now)})
        return after

    def postponed(self, scope: Scope, until: float) -> Health:
        """Look for a probe no sooner than that: there was none."""
        return self._with({scope: self.breaker(scope).postponed(until)})

    def forgotten(self, type: str, lane: str) -> Health:
        """Forget a lane whose delivery was given up."""
        known = {scope: self.breakers[scope].forgotten(lane) for scope in (WHOLE, type) if scope in self.breakers}
        return self._with(known) if known else self

    def reopened(self, scopes: Iterable[Scope]) -> Health:
        """Hold these, too, and let a probe go to each at once: somebody else saw them fail."""
        seen = Breaker(self.policy, BreakerPhase.OPEN)
        return self._with({scope: seen for scope in scopes if scope not in self.held})

    def cooled(self) -> Health:
        """Let every probe go at once."""
        return self._with({scope: breaker.cooled() for scope, breaker in self.breakers.items()})

    def choose(self, scope: Scope, works: Sequence[Work]) -> Work | None:
        """Choose the probe among heads in order of position; see `Breaker.choose`."""
        place = self.breaker(scope).choose([work.delivery.lane for work in works])
        return None if place is None else works[place]

    def _explained(self) -> Health:
        return self._with({scope: one.unexplained() for scope, one in self.breakers.items() if scope != WHOLE})

    def _with(self, changed: Mapping[Scope, Breaker]) -> Health:
        merged = {**self.breakers, **changed}
        telling = {scope: one for scope, one in merged.items() if one.failures or one.phase is not BreakerPhase.CLOSED}
        return replace(self, breakers=telling)
