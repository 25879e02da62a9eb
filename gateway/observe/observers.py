"""What is told of live traffic: the shadow comparison and drift, behind one wire tap."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from adapters.base import Adapter, Sending
from gateway.clock import Clock
from gateway.intake.steps import IntakeCall, Reading
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.observe.drift import Drift
from gateway.observe.shadows import Shadows
from gateway.observe.wire_tap import WireTap
from gateway.telemetry.events import Events

_log = logging.getLogger(__name__)


class Observers:
    """One tap for all observers, so that together they take no more than its share of the time.

    Traffic never fails because of an observer: what one raises is logged here and goes no further.
    """

    def __init__(self, ledger: Ledger, platforms: Mapping[str, Platform], clock: Clock, events: Events) -> None:
        self.tap = WireTap()
        self.shadows = Shadows(ledger, platforms, self.tap)
        self.drift = Drift(clock, events, self.tap.offer)

    def taken(self, call: IntakeCall, reading: Reading) -> None:
        """Observe what a platform handed in; never raises."""
        try:
            self.drift.taken(call, reading)
            self.shadows.taken(call, reading)
        except Exception:
            _log.exception("observing what %s handed in failed", call.platform.id)

    def written(self, platform: Platform, adapter: Adapter, sending: Sending) -> None:
        """Observe what goes to a platform; never raises."""
        try:
            self.shadows.written(platform, adapter, sending)
        except Exception:
            _log.exception("observing what goes to %s failed", platform.id)
