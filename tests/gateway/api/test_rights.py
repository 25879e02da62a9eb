"""Who may make which call."""

import pytest

from gateway.api.rights import CALLS, Role

PENALTY = "penalty.330000"
BODIES = {"POST", "PUT"}


def calls(*roles):
    """Give the calls that need one of these roles, with something in every part of their path."""
    found = [call.split(" ") for call, role in CALLS.items() if role in roles]
    return [
        (method, "/".join("x" if part.startswith("{") else part for part in path.split("/"))) for method, path in found
    ]


async def test_the_list_of_rights_is_the_list_of_calls(caller):
    """Every described call has its role in the list, and the list names no other call."""
    document = (await caller.call(None, "GET", "/openapi.json")).json()
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert described == set(CALLS)


@pytest.mark.parametrize(("method", "path"), calls(Role.PLATFORM, Role.CALLER, Role.ADMIN))
async def test_nobody_is_asked_for_a_credential(caller, method, path):
    """401 without a token, and with one that was never issued."""
    for token in (None, "never-issued"):
        assert (await caller.call(token, method, path, **_body(method))).status_code == 401


@pytest.mark.parametrize(("method", "path"), calls(Role.ADMIN))
async def test_a_platform_may_not_do_what_is_the_administrators(caller, method, path):
    """403, before anything is said about the object or the body."""
    assert (await caller.platform(PENALTY, method, path, **_body(method))).status_code == 403


@pytest.mark.parametrize(("method", "path"), calls(Role.PLATFORM))
async def test_the_administrator_hands_in_no_documents(caller, method, path):
    """401: the admin token stands for no platform."""
    assert (await caller.admin(method, path, json={})).status_code == 401


@pytest.mark.parametrize(("method", "path"), calls(Role.ANYBODY))
async def test_what_is_public_asks_for_no_credential(caller, method, path):
    """Anything but 401 or 403."""
    assert (await caller.call(None, method, path)).status_code not in (401, 403)


def _body(method):
    return {"json": {}} if method in BODIES else {}
