from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.ledger.records import Contact, ContactWay

HEARD, DELIVERED = ContactWay.HEARD, ContactWay.DELIVERED


async def test_the_later_contact_stays(play: Any, ledger: Any, make: Any) -> None:
    """For each platform, way and name there is one; an older one that comes late changes nothing."""
    await play.register(make.penalty)
    await ledger.note_contacts([Contact(make.penalty, HEARD, "case", make.at(5))])
    await ledger.note_contacts([Contact(make.penalty, HEARD, "case", make.at(3))])
    assert await ledger.contacts() == [Contact(make.penalty, HEARD, "case", make.at(5))]
    later = [
        Contact(make.penalty, DELIVERED, "case.transferred", make.at(6)),
        Contact(make.penalty, HEARD, "case", make.at(7)),
        Contact(make.penalty, HEARD, "node", make.at(8)),
    ]
    await ledger.note_contacts(later)
    assert await ledger.contacts() == later
    await ledger.note_contacts([])
    assert await ledger.contacts() == later


async def test_contacts_outlive_a_restart(opening: Callable[[], Any], make: Any) -> None:
    """What was noted is there when the ledger is opened again."""
    contact = Contact(make.penalty, HEARD, "case", make.at(5))
    first = opening()
    await first.start()
    await first.put_platform(make.platform(make.penalty), make.intent(), make.nobody)
    await first.note_contacts([contact])
    await first.stop()
    again = opening()
    await again.start()
    assert await again.contacts() == [contact]
    await again.stop()


async def test_a_deleted_platform_has_no_contacts(play: Any, ledger: Any, make: Any) -> None:
    """They go with it, one that comes late is not kept, and one registered anew begins without any."""
    await play.register(make.penalty)
    await play.register(make.credit)
    contacts = [Contact(each, HEARD, "case", make.at(5)) for each in (make.credit, make.penalty)]
    await ledger.note_contacts(contacts)
    await ledger.delete_platform(make.penalty, make.intent())
    await ledger.note_contacts(contacts)
    assert await ledger.contacts() == contacts[:1]
    await play.register(make.penalty)
    assert await ledger.contacts() == contacts[:1]
