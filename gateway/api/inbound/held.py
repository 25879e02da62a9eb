"""Bodies of which a digest was signed: compared as they are read, or held until all of them was."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from gateway.access import SignedBody
from gateway.api.inbound.request import Event, Receive


def checked(receive: Receive, content: SignedBody, otherwise: Callable[[], Exception]) -> Receive:
    """Read a body, and raise in place of its last piece where it is not what was signed."""
    found = hashlib.new(content.algorithm)
    done = False

    async def read() -> Event:
        nonlocal done
        event = await receive()
        if event["type"] == "http.request" and not done:
            found.update(event.get("body", b""))
            done = not event.get("more_body", False)
            if done and not hmac.compare_digest(found.hexdigest(), content.digest):
                raise otherwise()
        return event

    return read


def held(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then whatever comes after it."""
    given = False

    async def read() -> Event:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
