"""The gate: counts who is connected, makes room for newcomers, and closes whoever keeps a connection unused."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from gateway.api.front.bounds import FrontBounds
from gateway.api.front.refusal import Why
from gateway.clock import Ticks, monotonic
from gateway.telemetry.events import ConnectionRefused, Events

EVERY = 0.5
"""Seconds between two looks at all connections."""

MOST_LEAVING = 64
"""Connections that are refused and still read, so that their answer arrives; more are cut."""


class Guest(Protocol):
    """A connection, as the gate knows it."""

    @property
    def address(self) -> str:
        """Where it comes from, without the port."""
        ...

    def displace(self) -> None:
        """Close at once: the room is needed."""
        ...

    def look(self, now: float) -> None:
        """Close if its time is over."""
        ...


class ConnectionGate:
    """Everything that connections share. `ticks` measure how long they take.

    `parting`: the process ends soon, and each connection with its next answer, which says so.
    """

    def __init__(self, bounds: FrontBounds, events: Events, ticks: Ticks = monotonic) -> None:
        self.bounds = bounds
        self.ticks = ticks
        self.leaving = 0
        self.parting = False
        self._events = events
        self._inside: set[Guest] = set()
        self._by_address: defaultdict[str, int] = defaultdict(int)
        # Who waits, without a request under way: whoever began to first stands first.
        self._waiting: dict[Guest, None] = {}
        self._waiting_by_address: defaultdict[str, dict[Guest, None]] = defaultdict(dict)

    def enter(self, guest: Guest) -> Why | None:
        """Let a connection in, or tell why not.

        Where there is no room, whoever has waited longest without a request makes room: connections
        that do nothing never keep out those that do.
        """
        why = self._full(guest.address)
        self._inside.add(guest)
        self._by_address[guest.address] += 1
        return why

    def _full(self, address: str) -> Why | None:
        if self._by_address[address] >= self.bounds.per_address:
            return None if self._displace(self._waiting_by_address[address]) else Why.ADDRESS
        if len(self._inside) >= self.bounds.connections:
            return None if self._displace(self._waiting) else Why.CONNECTIONS
        return None

    def _displace(self, waiting: dict[Guest, None]) -> bool:
        guest = next(iter(waiting), None)
        if guest is None:
            return False
        self.refused(Why.DISPLACED, guest.address)
        self.leave(guest)
        guest.displace()
        return True

    def leave(self, guest: Guest) -> None:
        """Take note that a connection is over, or counts no more."""
        if guest not in self._inside:
            return
        self._inside.discard(guest)
        self.busy(guest)
        self._by_address[guest.address] -= 1
        if not self._by_address[guest.address]:
            # Addresses come and go: none is remembered that nobody is connected from.
            del self._by_address[guest.address]
            self._waiting_by_address.pop(guest.address, None)

    def waits(self, guest: Guest) -> None:
        """Take note that a connection has no request under way."""
        if guest in self._inside:
            self._waiting[guest] = None
            self._waiting_by_address[guest.address][guest] = None

    def busy(self, guest: Guest) -> None:
        """Take note that a connection's request is under way."""
        if guest in self._waiting:
            del self._waiting[guest]
            self._waiting_by_address[guest.address].pop(guest, None)

    def refused(self, why: Why, address: str) -> None:
        """Count a refusal."""
        self._events(ConnectionRefused(why.value, address))

    def connections(self) -> int:
        """Give how many connections there are."""
        return len(self._inside)

    def waiting(self) -> int:
        """Give how many of them have no request under way."""
        return len(self._waiting)

    def guests(self) -> Sequence[Guest]:
        """Give every connection."""
        return list(self._inside)

    def sweep(self) -> None:
        """Look at every connection once, and close those whose time is over."""
        now = self.ticks()
        for guest in self.guests():
            guest.look(now)

    async def keep(self, every: float = EVERY) -> None:
        """Look at all connections again and again, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self.sweep()
