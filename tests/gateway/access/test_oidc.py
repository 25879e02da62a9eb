"""What the claims of a verified token make of somebody; pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.access.oidc import person_of
from gateway.api.rights import PEOPLES
from gateway.settings import PEOPLE_ROLES, OidcSettings, Settings

NOW = datetime(2026, 9, 1, tzinfo=UTC)
GROUPS = {"执法处": ("operator", "body-reader"), "信息中心": ("admin", "auditor", "viewer")}


def settings(**more):
    """The settings of a provider."""
    said = {"issuer": "https://idp.example", "audience": "hutong", "roles_claim": "groups", "roles": GROUPS, **more}
    return OidcSettings(**said)


def made(claims, **more):
    """Make a person of claims."""
    return person_of({"sub": "li-si", "exp": 1_800_000_000, **claims}, settings(**more), NOW)


@pytest.mark.parametrize(
    ("claims", "more", "roles", "regions"),
    [
        ({"groups": ["信息中心"]}, {}, ("admin", "auditor", "viewer"), ()),
        ({"groups": "执法处"}, {}, ("body-reader", "operator"), ()),
        ({"groups": ["信息中心"], "region": "330000"}, {"regions_claim": "region"}, ("viewer",), ("330000",)),
        ({"groups": ["信息中心"], "region": "000000"}, {"regions_claim": "region"}, ("admin", "auditor", "viewer"), ()),
        ({"groups": ["执法处"]}, {"regions_claim": "region"}, (), ()),
        ({"groups": ["执法处"], "region": []}, {"regions_claim": "region"}, (), ()),
        ({"groups": ["执法处"], "region": {"a": "330000"}}, {"regions_claim": "region"}, (), ()),
        (
            {"groups": ["执法处"], "region": ["浙江"]},
            {"regions_claim": "region", "regions": {"安徽": "340000"}},
            (),
            (),
        ),
        (
            {"groups": ["执法处"], "region": ["浙江", "江苏"]},
            {"regions_claim": "region", "regions": {"浙江": "330000"}},
            ("body-reader", "operator"),
            ("330000",),
        ),
        ({"groups": ["工会", "admin"]}, {}, (), ()),
        ({"groups": [["执法处"], 7, None]}, {}, (), ()),
        ({}, {}, (), ()),
        ({"realm": {"groups": ["执法处"]}}, {"roles_claim": "realm.groups"}, ("body-reader", "operator"), ()),
        ({"https://x.example/g": ["执法处"]}, {"roles_claim": "https://x.example/g"}, ("body-reader", "operator"), ()),
    ],
)
def test_what_claims_make_of_somebody(claims, more, roles, regions):
    """Only what the settings name; without a region where one is asked for no roles at all; `000000` is everywhere."""
    person = made(claims, **more)
    assert (person.roles, person.regions) == (roles, regions)


@pytest.mark.parametrize("subject", ["", "a b", "x" * 201, "line\nbreak", "\u202eadmin", 7, None, ["a"]])
def test_a_subject_that_cannot_stand_in_a_record_is_nobody(subject):
    """Blanks, line ends, characters that turn the line round, too long, no text."""
    assert made({"sub": subject, "groups": ["执法处"]}) is None


def test_a_name_is_the_subject_unless_it_can_be_read():
    """Cut where it is long; another claim where the settings say so."""
    assert made({}).name == "li-si"
    assert made({"name": "李四"}).name == "李四"
    assert made({"name": "李\n四"}).name == "li-si"
    assert len(made({"name": "李" * 1000}).name) == 100
    assert made({"preferred_username": "lisi"}, subject_claim="preferred_username").id == "oidc:lisi"


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "https://user@idp.example"},
        {"roles": {"x": ["root"]}},
        {"roles": {}},
        {"audience": ""},
        {"jwks_url": "http://idp.example/keys"},
    ],
)
def test_settings_that_let_in_too_much_are_refused(wrong):
    """An issuer that others could answer for, roles that are none."""
    said = {"issuer": "https://idp.example", "audience": "hutong", "roles": GROUPS, **wrong}
    with pytest.raises(ValueError, match="oidc"):
        Settings(oidc=said)


def test_the_roles_of_the_settings_are_those_there_are():
    """By the same names as `hutong people add`."""
    assert set(PEOPLE_ROLES) == {role.value for role in PEOPLES}
