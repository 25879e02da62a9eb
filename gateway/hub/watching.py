"""Everything that watches live traffic without being in its way: shadows, and drift."""

from __future__ import annotations

import logging

from adapters.base import Adapter, Sending
from gateway.clock import Clock
from gateway.drift import Drift
from gateway.intake.steps import IntakeCall, Reading
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.lifecycle.shadow import Shadows
from gateway.lifecycle.wire_tap import WireTap
from gateway.telemetry.events import Events

_log = logging.getLogger(__name__)


class Watching:
    """One tap for all watchers, so that together they take no more than its share of the time."""

    def __init__(self, ledger: Ledger, clock: Clock, events: Events) -> None:
        self.tap = WireTap()
        self.shadows = Shadows(ledger, self.tap)
        self.drift = Drift(clock, events, self.tap.offer)

    def taken(self, call: IntakeCall, reading: Reading) -> None:
        """Watch what a platform handed in; never raises."""
        try:
            self.drift.taken(call, reading)
            self.shadows.taken(call, reading)
        except Exception:
            _log.exception("watching what %s handed in failed", call.platform.id)

    def written(self, platform: Platform, adapter: Adapter, sending: Sending) -> None:
        """Watch what goes to a platform; never raises."""
        try:
            self.shadows.written(platform, adapter, sending)
        except Exception:
            _log.exception("watching what goes to %s failed", platform.id)
