"""How things stand at the moment of a scrape: read from the ledger and from memory, kept nowhere between two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from prometheus_client import CollectorRegistry, Gauge

_PHASES = {"closed": 0, "half-open": 1, "open": 2}


class Standing(Protocol):
    """How many deliveries stand in a state, and since when (the ledger's backlog says it)."""

    @property
    def platform(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def held_by(self) -> str | None: ...
    @property
    def count(self) -> int: ...
    @property
    def oldest(self) -> datetime: ...


class StandingHold(Struct, frozen=True):
    """A hold on a platform as the ledger has it, or on one message type to it."""

    platform: str
    by: str
    type: str | None = None


class LastContact(Protocol):
    """When a platform was last heard with an operation, or last got a message of a type (`way`)."""

    @property
    def platform(self) -> str: ...
    @property
    def way(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class StandingWorker(Protocol):
    """A platform that this process delivers to: whether it has the claim, and the phase of its breaker."""

    @property
    def platform(self) -> str: ...
    @property
    def claimed(self) -> bool: ...
    @property
    def breaker(self) -> str: ...


class StandingFollower(Struct, frozen=True):
    """An observer of all messages, and when the oldest one came that it was not shown yet, if there is one."""

    observer: str
    unseen_since: datetime | None


class StandingClocks(Struct, frozen=True):
    """How many statutory deadlines of a rule stand in a state; `days`: how many are left, of those that run."""

    rule: str
    state: str
    days: str
    count: int


class Snapshot(Struct, frozen=True):
    """Everything that is shown as it stands `now`."""

    now: datetime
    backlog: Iterable[Standing] = ()
    holds: Iterable[StandingHold] = ()
    contacts: Iterable[LastContact] = ()
    workers: Iterable[StandingWorker] = ()
    followers: Iterable[StandingFollower] = ()
    clocks: Iterable[StandingClocks] = ()


class StandingGauges:
    """Shows a snapshot; what is not in it is not on the page. `label` bounds the values of a label."""

    def __init__(self, registry: CollectorRegistry, label: Callable[[str, object], str]) -> None:
        self._label = label

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        standing = ("platform", "kind", "state", "held_by")
        self._backlog = gauge("hutong_backlog", "Deliveries not done with.", *standing)
        self._oldest = gauge("hutong_backlog_oldest_seconds", "Age of the oldest of them.", *standing)
        self._held = gauge("hutong_platform_held", "1 while the platform is held.", "platform", "by")
        self._held_endpoint = gauge(
            "hutong_endpoint_held", "1 while a message type to the platform is held.", "platform", "type"
        )
        self._heard = gauge(
            "hutong_last_heard_timestamp_seconds",
            "When a platform last handed something in, accepted or rejected; restarts included.",
            *("platform", "operation"),
        )
        self._delivered = gauge(
            "hutong_last_delivered_timestamp_seconds",
            "When a platform last accepted a message of a type; restarts included.",
            *("platform", "type"),
        )
        self._claimed = gauge("hutong_claimed", "1 while this process may deliver to the platform, else 0.", "platform")
        self._breaker = gauge(
            "hutong_breaker", "The platform's breaker: 0 closed, 1 letting a probe out, 2 open.", "platform"
        )
        self._behind = gauge(
            "hutong_follower_behind_seconds",
            "Age of the oldest message that an observer was not shown yet.",
            "observer",
        )
        self._clocks = gauge(
            "hutong_clocks",
            "Statutory deadlines that are not over: running, lapsing (those of them that are near), missed, stopped, "
            "unknown.",
            *("rule", "state"),
        )
        self._left = gauge("hutong_clocks_running", "Those that run, by how many days are left.", "rule", "days")
        self._all = (
            *(self._backlog, self._oldest, self._held, self._held_endpoint),
            *(self._heard, self._delivered, self._claimed, self._breaker, self._behind, self._clocks, self._left),
        )

    def show(self, snapshot: Snapshot) -> None:
        """Show how things stand, instead of how they stood."""
        for each in self._all:
            each.clear()
        for hold in snapshot.holds:
            self._hold(hold)
        for standing in snapshot.backlog:
            names = ("platform", "kind", "state", "held_by")
            labels = [self._label(name, getattr(standing, name)) for name in names]
            self._backlog.labels(*labels).set(standing.count)
            self._oldest.labels(*labels).set(max(0.0, (snapshot.now - standing.oldest).total_seconds()))
        for contact in snapshot.contacts:
            self._contact(contact)
        for worker in snapshot.workers:
            platform = self._label("platform", worker.platform)
            self._claimed.labels(platform).set(worker.claimed)
            self._breaker.labels(platform).set(_PHASES[worker.breaker])
        for follower in snapshot.followers:
            since = follower.unseen_since or snapshot.now
            self._behind.labels(follower.observer).set(max(0.0, (snapshot.now - since).total_seconds()))

        for clocks in snapshot.clocks:
            self._clocks.labels(clocks.rule, clocks.state).inc(clocks.count)
            if clocks.state == "running":
                self._left.labels(clocks.rule, clocks.days).inc(clocks.count)

    def _hold(self, hold: StandingHold) -> None:
        platform = self._label("platform", hold.platform)
        if hold.type is None:
            self._held.labels(platform, hold.by).set(1)
        else:
            self._held_endpoint.labels(platform, hold.type).set(1)

    def _contact(self, contact: LastContact) -> None:
        platform, at = self._label("platform", contact.platform), contact.at.timestamp()
        if contact.way == "heard":
            self._heard.labels(platform, self._label("operation", contact.name)).set(at)
        elif contact.way == "delivered":
            self._delivered.labels(platform, self._label("type", contact.name)).set(at)
