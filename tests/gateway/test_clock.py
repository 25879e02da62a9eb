"""Ids that are made from random bytes read many at a time."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from gateway.clock import new_id, random_bytes

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_no_id_comes_twice() -> None:
    """Also beyond what one read of the system's random source gives."""
    assert len({new_id(NOW) for _ in range(2000)}) == 2000


def test_a_forked_process_gives_other_ids() -> None:
    """What was read before the fork is not used by both."""
    random_bytes()  # so that there is something to share
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, b"".join(random_bytes() for _ in range(200)))
        os._exit(0)
    os.wait()
    theirs = os.read(reading, 200 * 16)
    os.close(reading)
    os.close(writing)
    ours = {random_bytes() for _ in range(400)}
    assert not ours & {theirs[at : at + 16] for at in range(0, len(theirs), 16)}
