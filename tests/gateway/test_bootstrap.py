"""The composition root: settings become a gateway that survives its own end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from gateway.bootstrap import build, open_ledger
from gateway.intake.steps import IntakeCall
from gateway.ledger.records import Intent
from gateway.ledger.sql import SqlLedger
from gateway.message import State
from gateway.releases.installed import InstalledAdapters
from gateway.settings import Settings
from gateway.telemetry.events import DeliveryWaits, Event


@pytest.fixture
def settings(tmp_path):
    """A ledger on disk."""
    return Settings(ledger=f"sqlite:///{tmp_path / 'hutong.db'}")


def test_the_address_chooses_the_ledger(settings):
    """The only place that looks at a backend's name."""
    assert isinstance(open_ledger(settings), SqlLedger)


async def test_everything_is_still_there_after_a_restart(settings, plain, write):
    """Platforms, credentials, the admin token, and what nobody could take yet."""
    known = InstalledAdapters([plain])
    hub = build(settings, adapters=known)
    await hub.start()
    intent = Intent("admin", "", hub.clock())
    address = {"base_url": "http://127.0.0.1:9"}
    await hub.platforms.put("mobile-enforcement.330000", "plain", settings=address, intent=intent)
    token = (await hub.platforms.issue_credential("mobile-enforcement.330000", intent)).token
    platform = hub.principals.of(token).platform
    entry = (await hub.receive(IntakeCall(platform, "case.transferred", orjson.dumps(write.case())))).receipt.entries[0]
    admin = hub.admin_token_file.read_text().strip()
    await hub.stop()

    again = build(settings, adapters=known)
    await again.start()
    assert again.principals.of(admin).admin
    assert again.principals.of(token).platform.id == "mobile-enforcement.330000"
    assert (await again.ledger.message(entry.message.id)).document == entry.message.document
    assert (await again.ledger.deliveries_of(entry.message.id))[0].state is State.UNROUTED
    heard = [(each.platform, each.way, each.name) for each in await again.contacts.all()]
    way, name = zip(*[each[1:] for each in heard], strict=True)
    assert (way, name[1]) == (("credential", "heard"), "case.transferred")
    await again.stop()


async def test_what_waits_for_long_is_told(settings, plain, write):
    """By the reconciler, whenever it comes round: nobody has to ask, or to scrape."""
    now, told = datetime(2026, 9, 1, tzinfo=UTC), asyncio.Queue[Event]()
    hub = build(settings, adapters=InstalledAdapters([plain]), hooks=(told.put_nowait,), clock=lambda: now)
    await hub.start()
    intent = Intent("admin", "", hub.clock())
    address = {"base_url": "http://127.0.0.1:9"}
    platform = await hub.platforms.put("mobile-enforcement.330000", "plain", settings=address, intent=intent)
    entry = (await hub.receive(IntakeCall(platform, "case.transferred", orjson.dumps(write.case())))).receipt.entries[0]
    now += timedelta(minutes=15)
    hub.platforms.doubt()
    async with asyncio.timeout(60):
        while not isinstance(event := await told.get(), DeliveryWaits):
            pass
    assert (event.delivery_id, event.state, event.seconds) == (entry.deliveries[0].id, "unrouted", 900)
    await hub.stop()
