"""When a platform was last heard or got something is known at once, and kept without a write for each document."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from faulty import FaultyLedger

from gateway.ledger.base import Ledger
from gateway.ledger.records import Contact, ContactWay, Intent, Platform
from gateway.observe.contacts import Contacts
from gateway.telemetry.events import DeliverySettled, DocumentRejected, MessageAccepted, PlatformHeld

NOW = datetime(2026, 9, 1, tzinfo=UTC)
P = "penalty.330000"
HEARD, DELIVERED = ContactWay.HEARD, ContactWay.DELIVERED


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> datetime:
        """Move it on, and give the moment."""
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
async def ledger(new_ledger: Callable[[], Ledger]) -> AsyncIterator[FaultyLedger]:
    """A ledger with one platform, that can be made to fail."""
    ledger = FaultyLedger(new_ledger())
    await ledger.start()
    await ledger.put_platform(Platform(P, "penalty", "330000", "plain", {}, NOW), Intent("a", "", NOW), lambda _: None)
    yield ledger
    await ledger.stop()


def heard(operation: str = "case") -> MessageAccepted:
    """A message of the platform's."""
    return MessageAccepted("m", "case.transferred", P, operation, 0.1)


async def test_what_is_heard_and_delivered_is_known_at_once(ledger: FaultyLedger) -> None:
    """Accepted, repeated and rejected documents are all heard; only what was accepted was delivered."""
    clock = Hands()
    contacts = Contacts(ledger, clock)
    contacts(heard())
    contacts(DocumentRejected(P, "node", "document.invalid"))
    contacts(DeliverySettled("d", "m", P, "case.transferred", "delivered", 1, 1.0))
    contacts(DeliverySettled("d", "m", P, "case.progressed", "refused", 1, 1.0))
    contacts(PlatformHeld(P, "breaker"))
    later = clock.move(5)
    contacts(heard())
    assert await contacts.of(P) == [
        Contact(P, DELIVERED, "case.transferred", NOW),
        Contact(P, HEARD, "case", later),
        Contact(P, HEARD, "node", NOW),
    ]
    assert await contacts.of("penalty.320000") == []
    assert "note_contacts" not in ledger.calls


async def test_it_outlives_a_restart(ledger: FaultyLedger) -> None:
    """Stopping writes what is not written yet; whoever starts next knows it, and goes on from there."""
    clock = Hands()
    contacts = Contacts(ledger, clock)
    contacts.start()
    contacts(heard())
    await contacts.stop()
    again = Contacts(ledger, clock)
    assert await again.all() == [Contact(P, HEARD, "case", NOW)]


async def test_many_documents_are_one_write(ledger: FaultyLedger) -> None:
    """A thousand documents between two writings are one row; nothing new is no write at all."""
    clock = Hands()
    contacts = Contacts(ledger, clock)
    for _ in range(1000):
        clock.move(0.001)
        contacts(heard())
    for _ in range(2):
        await contacts.write()
    assert ledger.calls.count("note_contacts") == 1
    assert await ledger.real.contacts() == [Contact(P, HEARD, "case", clock.now)]


@pytest.mark.parametrize("fail", ["fail_before", "fail_after"])
async def test_what_could_not_be_written_is_written_the_next_time(ledger: FaultyLedger, fail: str) -> None:
    """With what is newer by then; meanwhile it is known all the same."""
    clock = Hands()
    contacts = Contacts(ledger, clock)
    contacts(heard())
    contacts(heard("node"))
    getattr(ledger, fail)("note_contacts")
    await contacts.write()
    later = clock.move(1)
    contacts(heard())
    expected = [Contact(P, HEARD, "case", later), Contact(P, HEARD, "node", NOW)]
    assert await contacts.all() == expected
    await contacts.write()
    assert await ledger.real.contacts() == expected


async def test_another_process_knows_of_later_contacts(ledger: FaultyLedger) -> None:
    """The later of what is kept and what is remembered here is told."""
    clock = Hands()
    contacts = Contacts(ledger, clock)
    contacts(heard())
    elsewhere = Contact(P, HEARD, "case", NOW + timedelta(minutes=1))
    await ledger.note_contacts([elsewhere])
    assert await contacts.all() == [elsewhere]
    await contacts.write()
    assert await contacts.all() == [elsewhere]


async def test_they_are_bounded(ledger: FaultyLedger) -> None:
    """Whatever operations there are: beyond the bound new ones are not remembered, and known ones go on."""
    clock = Hands()
    contacts = Contacts(ledger, clock, most=3)
    for number in range(10):
        contacts(heard(f"operation-{number}"))
    later = clock.move(1)
    contacts(heard("operation-0"))
    assert [(each.name, each.at) for each in await contacts.all()] == [
        ("operation-0", later),
        ("operation-1", NOW),
        ("operation-2", NOW),
    ]
