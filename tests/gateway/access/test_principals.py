"""Whose token it is that a call carries, or why it opens nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.access import Principal, Principals, Refusal, hash_token, new_token
from gateway.ledger.records import Credential, Platform

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
PENALTY = Platform("penalty.330000", "penalty", "330000", "penalty", {}, NOW)


class House:
    """Principals of one platform, with a clock that is set by hand and a list of what was used."""

    def __init__(self) -> None:
        self.now, self.used = NOW, list[tuple[str, str]]()
        self.principals = Principals({PENALTY.id: PENALTY}, lambda: self.now, self._note)
        self.token = new_token()
        self.credential = Credential("c1", PENALTY.id, hash_token(self.token), "", NOW)

    def _note(self, platform: str, credential: str) -> None:
        self.used.append((platform, credential))

    def knows(self, **changed: Any) -> None:
        """Know the credential as it was changed."""
        self.principals.know([replace(self.credential, **changed)])


@pytest.fixture
def house() -> House:
    """A house that knows one credential."""
    made = House()
    made.knows()
    return made


def test_a_credential_opens_its_platform_and_its_use_is_told(house):
    """By ids alone."""
    assert house.principals.of(house.token) == Principal(PENALTY)
    assert house.used == [(PENALTY.id, "c1")]


def test_from_its_expiry_on_it_opens_nothing(house):
    """To the microsecond, without anybody telling the process."""
    house.knows(expires_at=NOW + timedelta(seconds=1))
    house.now = NOW + timedelta(microseconds=999_999)
    assert house.principals.of(house.token) == Principal(PENALTY)
    house.now = NOW + timedelta(seconds=1)
    assert house.principals.of(house.token) is Refusal.EXPIRED
    assert len(house.used) == 1


def test_revoked_is_said_before_expired(house):
    """Somebody meant it."""
    house.knows(revoked_at=NOW, expires_at=NOW)
    assert (house.principals.of(house.token), house.used) == (Refusal.REVOKED, [])


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_missing(house, token):
    """Neither one that is empty."""
    assert house.principals.of(token) is Refusal.MISSING


def test_a_short_token_opens_nothing_even_where_its_hash_is_known(house):
    """Fewer than 22 characters: a platform's, and the administrator's."""
    for length, expected in ((21, Refusal.UNKNOWN), (22, Principal(PENALTY))):
        house.knows(digest=hash_token("x" * length))
        assert house.principals.of("x" * length) == expected
    house.principals.know_admin(hash_token("y" * 21))
    assert house.principals.of("y" * 21) is Refusal.UNKNOWN


def test_a_credential_of_a_platform_that_is_gone_is_unknown(house):
    """Memory may have the credentials of a moment ago."""
    house.knows(platform="penalty.110000")
    assert house.principals.of(house.token) is Refusal.UNKNOWN


def by_basic(user: str, password: str) -> str:
    """Write the header of RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_platform_may_show_its_credential_by_basic(house):
    """The user is its id; the same refusals as a bearer's, and nobody under another's name."""
    assert house.principals.shown(by_basic(PENALTY.id, house.token)) == Principal(PENALTY)
    assert house.principals.shown(by_basic("penalty.110000", house.token)) is Refusal.UNKNOWN
    assert house.principals.shown(by_basic("", house.token)) is Refusal.UNKNOWN
    assert house.principals.shown(by_basic(PENALTY.id, "")) is Refusal.MISSING
    assert house.principals.shown(by_basic(PENALTY.id, new_token())) is Refusal.UNKNOWN
    house.knows(revoked_at=NOW)
    assert house.principals.shown(by_basic(PENALTY.id, house.token)) is Refusal.REVOKED


def test_the_administrator_is_not_known_by_basic(house):
    """Under no name."""
    token = new_token()
    house.principals.know_admin(hash_token(token))
    assert house.principals.shown(f"Bearer {token}") == Principal(None, admin=True)
    for user in ("admin", "", PENALTY.id):
        assert house.principals.shown(by_basic(user, token)) is Refusal.UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic /w==",
        "Basic YQ==",
        "Digest x",
        "basic\x00",
        "Basic " + "A" * 9999,
    ],
)
def test_what_is_no_credential_is_missing(house, header):
    """Broken base64, no UTF-8, no colon, another scheme, far too long."""
    assert house.principals.shown(header) is Refusal.MISSING
