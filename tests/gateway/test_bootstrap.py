"""The composition root: settings become a gateway that survives its own end."""

from __future__ import annotations

import stat

import orjson
import pytest

from gateway.bootstrap import build, open_ledger
from gateway.hub.administrator import Administrator
from gateway.installed import InstalledAdapters
from gateway.intake.steps import IntakeCall
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.sql import SqlLedger
from gateway.message import State
from gateway.security.tokens import hash_token
from gateway.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """A ledger on disk."""
    return Settings(ledger=f"sqlite:///{tmp_path / 'hutong.db'}")


def test_the_address_chooses_the_ledger(settings):
    """The only place that looks at a backend's name."""
    assert isinstance(open_ledger(settings), SqlLedger)
    assert isinstance(open_ledger(Settings(ledger="memory://")), MemoryLedger)


async def test_everything_is_still_there_after_a_restart(settings, plain, write):
    """Platforms, credentials, the admin token, and what nobody could take yet."""
    known = InstalledAdapters([plain])
    hub = build(settings, adapters=known)
    await hub.start()
    await hub.put_platform(
        "mobile-enforcement.330000", "plain", settings={"base_url": "http://127.0.0.1:9"}, actor="admin"
    )
    token = await hub.issue_credential("mobile-enforcement.330000", actor="admin")
    platform = hub.principal(token).platform
    entry = (await hub.receive(IntakeCall(platform, "case.transferred", orjson.dumps(write.case())))).receipt.entries[0]
    admin = hub.new_admin_token
    await hub.stop()

    again = build(settings, adapters=known)
    await again.start()
    assert again.new_admin_token is None
    assert again.principal(admin).admin
    assert again.principal(token).platform.id == "mobile-enforcement.330000"
    assert (await again.ledger.message(entry.message.id)).document == entry.message.document
    assert (await again.ledger.deliveries_of(entry.message.id))[0].state is State.UNROUTED
    await again.stop()


def test_an_admin_token_is_made_once_and_only_its_hash_is_kept(tmp_path):
    """In a file beside the ledger that nobody else reads; the setting wins over it."""
    file = tmp_path / "hutong.db.admin"
    digest, token = Administrator(file=file).appoint()
    assert hash_token(token) == digest
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Administrator(file=file).appoint() == (digest, None)
    assert Administrator("given", file).appoint() == (hash_token("given"), None)


def test_without_a_file_each_start_makes_a_token():
    """A ledger that forgets forgets its administrator too."""
    assert Administrator().appoint() != Administrator().appoint()
