"""Uploaded attachments: whom they concern, and when they go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ledger.records import Moved, Reads, Retention, Upload

DAY = timedelta(days=1)
SOURCE = "mobile-enforcement.330100"
KEPT = Retention(200 * DAY, 200 * DAY)


async def upload(ledger: Any, make: Any, id: str = "u-1", platform: str = SOURCE, at: float = 0) -> Upload:
    """Something a platform uploaded."""
    added = Upload(id, platform, "sha256:ab", 3, "image/jpeg", make.at(at))
    await ledger.add_upload(added)
    return added


def naming(make: Any, *uploads: str, name: str = "m1", **draft: Any) -> Any:
    """A draft whose document names uploads."""
    return replace(make.draft(name, **draft), reads=Reads(uploads=frozenset(uploads)))


async def begin(ledger: Any, make: Any, delivery: str) -> None:
    """Begin the first attempt of a delivery to the penalty platform."""
    claim = await ledger.claim(make.penalty)
    await ledger.begin(claim, delivery, "penalty@1.0.0", make.request, make.at(1))


async def test_an_upload_concerns_who_sent_it_and_who_received_a_message_that_names_it(
    play: Any, ledger: Any, make: Any
) -> None:
    """Its uploader at once, its receiver from the first attempt on, and nobody else."""
    await play.register()
    await play.register(make.credit)
    added = await upload(ledger, make)
    assert await ledger.upload_for("u-1", SOURCE) == added
    assert await ledger.upload_for("u-1", make.penalty) is None
    await play.receive(naming(make, "u-1"))
    assert await ledger.upload_for("u-1", make.penalty) is None
    await begin(ledger, make, "m1/0")
    assert await ledger.upload_for("u-1", make.penalty) == added
    assert await ledger.upload_for("u-1", make.credit) is None
    assert await ledger.upload_for("u-2", SOURCE) is None
    assert await ledger.known_uploads(["u-1", "u-2"]) == {"u-1"}


async def test_who_passes_it_on_may_fetch_it_too(play: Any, ledger: Any, make: Any) -> None:
    """The source of a message that names somebody else's upload."""
    await play.register()
    await upload(ledger, make, platform="penalty.330100")
    assert await ledger.upload_for("u-1", SOURCE) is None
    await play.receive(naming(make, "u-1"))
    assert await ledger.upload_for("u-1", SOURCE) is not None


async def test_what_a_platform_uploaded_and_nobody_names_is_counted(play: Any, ledger: Any, make: Any) -> None:
    """By the uploader's platform, and no more once a message names it."""
    await play.register()
    assert await ledger.unnamed_bytes(SOURCE) == 0
    for number in (1, 2):
        await upload(ledger, make, f"u-{number}")
    await upload(ledger, make, "u-3", platform="penalty.330100")
    assert await ledger.unnamed_bytes(SOURCE) == 6
    await play.receive(naming(make, "u-1", "u-3"))
    assert (await ledger.unnamed_bytes(SOURCE), await ledger.unnamed_bytes("penalty.330100")) == (3, 0)


async def test_what_no_message_names_goes_after_a_while(play: Any, ledger: Any, make: Any) -> None:
    """The oldest first, and only what came long enough ago by the ledger's own time; what is named stays."""
    await play.register()
    for number in (1, 2, 3):
        await upload(ledger, make, f"u-{number}")
    await play.receive(naming(make, "u-2"))
    assert await ledger.forget_uploads(DAY, make.at(), 10) == []
    assert set(await ledger.forget_uploads(timedelta(0), make.at(), 10)) == {"u-1", "u-3"}
    assert await ledger.known_uploads(["u-1", "u-2", "u-3"]) == {"u-2"}


async def test_a_clock_that_jumps_makes_nothing_older(play: Any, ledger: Any, make: Any) -> None:
    """The ledger's own time goes on by what a process saw pass, whatever the clock says."""
    await play.register()
    await ledger.prune(KEPT, "pruner", make.at(), seen=0.0)
    await upload(ledger, make)
    later = make.at(10 * 366 * 86_400)
    await ledger.prune(KEPT, "pruner", later, seen=1.0)
    assert await ledger.forget_uploads(DAY, later, 10) == []
    await ledger.prune(KEPT, "pruner", later + 2 * DAY, seen=2 * 86_400.0)
    assert await ledger.forget_uploads(DAY, later + 2 * DAY, 10) == ["u-1"]


async def test_a_document_decided_on_an_upload_that_went_is_decided_again(play: Any, ledger: Any, make: Any) -> None:
    """Found when it was decided, forgotten before it is kept: nothing is kept that names what is not there."""
    await play.register()
    await upload(ledger, make)
    await ledger.forget_uploads(timedelta(0), make.at(), 10)
    with pytest.raises(Moved):
        await play.receive(naming(make, "u-1"))
    assert await ledger.message("m1") is None


async def passes(ledger: Any, make: Any, days: int, *, until: int) -> Any:
    """Let so many days pass, prune, and give the uploads that went."""
    at, seen = make.at(until * 86_400), days * 86_400.0
    while (await ledger.prune(KEPT, "pruner", at, seen=seen)).more:
        seen = 0.0
    return await ledger.forget_uploads(DAY, at, 10)


async def test_an_upload_goes_after_the_last_message_that_names_it(play: Any, ledger: Any, make: Any) -> None:
    """Pruned with its case: while another case still names it, it stays."""
    await play.register()
    await upload(ledger, make)
    await play.receive(naming(make, "u-1", to=()))
    await passes(ledger, make, 0, until=0)
    await passes(ledger, make, 150, until=150)
    await play.receive(naming(make, "u-1", name="m2", lane="L2", to=(), received_at=make.at(150 * 86_400)))
    await play.accept("newest", lane="newest", to=(), received_at=make.at(150 * 86_400))
    assert await passes(ledger, make, 100, until=250) == []
    assert await ledger.known_uploads(["u-1"]) == {"u-1"}
    assert await passes(ledger, make, 250, until=500) == ["u-1"]


async def test_a_duplicate_names_nothing_again(play: Any, ledger: Any, make: Any) -> None:
    """Else its upload would never go."""
    await play.register()
    await upload(ledger, make)
    for name in ("m1", "m2"):
        await play.receive(naming(make, "u-1", name=name, identity="one", digest="same", to=()))
    await play.accept("newest", lane="newest", to=())
    await passes(ledger, make, 0, until=0)
    assert await passes(ledger, make, 300, until=300) == ["u-1"]
