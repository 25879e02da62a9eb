"""What is read and who is refused is kept: bounded, counted, and never lost by a failed write."""

from datetime import UTC, datetime
from typing import Any

import pytest
from faulty import FaultyLedger

from gateway.errors import Unavailable
from gateway.hub.trail import OTHERS, REFUSED, Trail
from gateway.telemetry.events import AuthenticationFailed

NOW = datetime(2026, 9, 1, tzinfo=UTC)
CALL = "GET /v1/messages"


@pytest.fixture
async def ledger(new_ledger: Any) -> Any:
    """A ledger that fails when it is told to."""
    made = FaultyLedger(new_ledger())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def trail(ledger: Any) -> Trail:
    """A trail that writes when the test says so."""
    return Trail(ledger, lambda: NOW)


async def counts(ledger: Any, address: str) -> list[tuple[str, int]]:
    """Give what is kept of an address: why, and how often."""
    kept = [one for one in await ledger.audit(address) if one.action == REFUSED]
    return [(one.reason, one.detail["count"]) for one in kept]


async def test_failures_of_an_address_are_one_entry(ledger: Any, trail: Trail) -> None:
    """A count by why; the next time another entry."""
    for why in ("unknown", "unknown", "expired"):
        trail(AuthenticationFailed(why, CALL, "192.0.2.1"))
    await trail.write()
    trail(AuthenticationFailed("unknown", CALL, "192.0.2.1"))
    await trail.write()
    await trail.write()
    assert await counts(ledger, "192.0.2.1") == [("unknown", 2), ("expired", 1), ("unknown", 1)]


async def test_a_flood_from_many_addresses_costs_a_few_entries(ledger: Any, trail: Trail) -> None:
    """Those beyond a hundred are told as one, and all are counted."""
    for number in range(5000):
        trail(AuthenticationFailed("unknown", CALL, f"2001:db8::{number:x}"))
    await trail.write()
    assert await counts(ledger, OTHERS) == [("", 4900)]
    assert await counts(ledger, "2001:db8::0") == [("unknown", 1)]
    assert await counts(ledger, f"2001:db8::{4999:x}") == []


async def test_what_could_not_be_written_is_written_the_next_time(ledger: Any, trail: Trail) -> None:
    """Counted on with what came meanwhile; a platform's reading is not lost either."""
    trail(AuthenticationFailed("unknown", CALL, "192.0.2.1"))
    await trail.read("penalty.330000", "dossier.read", "91330110MA2CXY1R13", later=True)
    ledger.fail_before("note")
    await trail.write()
    trail(AuthenticationFailed("unknown", CALL, "192.0.2.1"))
    await trail.write()
    assert await counts(ledger, "192.0.2.1") == [("unknown", 2)]
    [read] = await ledger.audit("91330110MA2CXY1R13", reads=True)
    assert (read.actor, read.action) == ("penalty.330000", "dossier.read")


async def test_what_a_person_reads_is_kept_before_it_is_shown(ledger: Any, trail: Trail) -> None:
    """Where it cannot be written, whoever wants to read hears so."""
    await trail.read("wang-wei", "body.read", "m-1", part="native", purpose="核对")
    [read] = await ledger.audit("m-1", reads=True)
    assert (read.actor, read.reason, read.detail) == ("wang-wei", "核对", {"part": "native"})
    assert await ledger.audit("m-1") == []
    ledger.fail_before("note")
    with pytest.raises(Unavailable):
        await trail.read("wang-wei", "body.read", "m-2")


async def test_what_waits_is_written_at_the_end(ledger: Any, trail: Trail) -> None:
    """A gateway that stops forgets nothing."""
    trail.start()
    await trail.read("penalty.330000", "dossier.read", "code", later=True)
    await trail.stop()
    assert len(await ledger.audit("code", reads=True)) == 1
