"""The composition root: settings become a gateway; the only place that chooses a backend by its name."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.clock import Clock, system_clock
from gateway.delivery.breaker import Policy
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.sender import Sender
from gateway.dossier import Dossier
from gateway.hub import Hub
from gateway.hub.administrator import Administrator
from gateway.hub.watching import Watching
from gateway.installed import InstalledAdapters, install
from gateway.intake.routes import Routes, read_routes
from gateway.ledger.base import Ledger
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.sql import SqlLedger
from gateway.lifecycle.proof import Apart, Prover
from gateway.settings import Settings
from gateway.telemetry.events import Events, Hook
from gateway.telemetry.logs import LogHook
from gateway.telemetry.metrics import Metrics

SQLITE = "sqlite:///"

CHECK = (sys.executable, "-m", "gateway.cli.main", "adapter", "check", "--json")
"""What proves an uploaded bundle: the very command its author runs."""


def build(
    settings: Settings,
    *,
    ledger: Ledger | None = None,
    adapters: InstalledAdapters | None = None,
    routes: Routes | None = None,
    sender: Sender | None = None,
    policy: Policy | None = None,
    prove: Prover | None = None,
    clock: Clock = system_clock,
    hooks: tuple[Hook, ...] = (),
) -> Hub:
    """Put a gateway together, not started yet; every part can be handed in instead of made.

    BrokenBundle names file and line of what is wrong with a bundle or the routes.
    """
    metrics = Metrics()
    events = Events((metrics, LogHook(), *hooks))
    known = adapters or install(settings.adapter_folders)
    kept = ledger or open_ledger(settings)
    outward = sender or Sender()
    watching = Watching(kept, clock, events)
    return Hub(
        ledger=kept,
        adapters=known,
        routes=routes or read_routes(settings.routes_file),
        dispatcher=Dispatcher(kept, known, outward, clock, events, policy=policy, watch=watching.written),
        sender=outward,
        dossier=Dossier(kept, known, outward, clock),
        administrator=_administrator(settings),
        prove=prove or Apart(CHECK),
        watching=watching,
        clock=clock,
        events=events,
        metrics=metrics,
    )


def open_ledger(settings: Settings) -> Ledger:
    """Make the ledger that the settings name, not started yet."""
    return SqlLedger(settings.ledger) if settings.ledger.startswith(SQLITE) else MemoryLedger()


def _administrator(settings: Settings) -> Administrator:
    given = settings.admin_token.get_secret_value() if settings.admin_token else None
    file = Path(settings.ledger.removeprefix(SQLITE) + ".admin") if settings.ledger.startswith(SQLITE) else None
    return Administrator(given, file)
