"""People with tokens of an OpenID provider, a real process: who they are here, and every false token."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwk, jwt
from oidc_server import OidcServer

from gateway.access import key_sets
from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.settings import Settings

ADMIN = "the-admin-token-of-these-tests"
GROUPS = {"执法处": ["operator", "body-reader"], "信息中心": ["admin", "auditor", "viewer"]}


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """A provider that all tests of this module share."""
    with OidcServer(tmp_path_factory.mktemp("oidc")) as running:
        yield running


class Desk:
    """A gateway to which people of the provider come; its clock goes ahead as the test says."""

    def __init__(self, settings, ledger):
        self.ahead = timedelta()
        self.hub = build(settings, ledger=ledger, clock=lambda: datetime.now(UTC) + self.ahead)
        transport = httpx.ASGITransport(app=create_app(self.hub, settings))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def call(self, token, method, path, **more):
        """Call with a token."""
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)

    async def me(self, token):
        """Ask who one is."""
        return await self.call(token, "GET", "/v1/me")

    async def refused(self, token, code="credential.unknown", status=401):
        """The token opens nothing, and why."""
        answer = await self.me(token)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        return True


@pytest.fixture
async def desk(provider, new_ledger):
    """A gateway that knows the provider."""
    made: list[Desk] = []

    async def begin(**more: Any) -> Desk:
        said = {"issuer": provider.url, "audience": "hutong", "roles_claim": "groups", "roles": GROUPS, **more}
        desk = Desk(Settings(admin_token=ADMIN, oidc=said), new_ledger())
        await desk.hub.start()
        made.append(desk)
        return desk

    yield begin
    for one in made:
        await one.hub.stop()
        await one.client.aclose()


async def test_somebody_logs_in_and_is_who_they_are(desk, provider):
    """Roles and regions by their claims; what they do is recorded under their name, which is nobody's of ours."""
    here = await desk(regions_claim="region")
    token = provider.token("zhang-san", name="张三", groups=["执法处", "工会"], region=["330000"])
    me = (await here.me(token)).json()
    assert me == {
        "kind": "person",
        "id": "oidc:zhang-san",
        "name": "张三",
        "roles": ["body-reader", "operator"],
        "regions": ["330000"],
        "unmasked": [],
    }
    town = {"adapter": "canonical", "settings": {"base_url": "http://127.0.0.1:9", "token": "t"}}
    for place in ("penalty.330000", "penalty.340000"):
        assert (await here.call(ADMIN, "PUT", f"/v1/platforms/{place}", json=town)).status_code == 200
    assert (await here.call(token, "POST", "/v1/platforms/penalty.330000/pause", json={"reason": "检修"})).is_success
    assert (await here.call(token, "POST", "/v1/platforms/penalty.340000/pause", json={"reason": "检修"})).is_error
    assert (await here.call(token, "GET", "/v1/people")).status_code == 403
    told = (await here.call(ADMIN, "GET", "/v1/audit?actor=oidc:zhang-san")).json()["entries"]
    assert [one["action"] for one in told] == ["platform.held"]


async def test_every_false_token_opens_nothing(desk, provider):
    """Another audience, issuer or key; signed by nobody, or with the public key as if it were a shared one."""
    here = await desk()
    token = provider.token("zhang-san", groups=["执法处"])
    assert (await here.me(token)).status_code == 200
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    [public] = provider.keys()
    kid = {"kid": public["kid"]} if "kid" in public else {}
    own = jwk.RSAKey.generate_key(2048, kid or None)

    def signed(key: Any, **more: Any) -> str:
        return jwt.encode({"alg": "RS256", **kid}, {**claims, **more}, key)

    def shared(secret: bytes) -> str:
        head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", **kid}).encode()).rstrip(b"=").decode()
        mac = hmac.digest(secret, f"{head}.{payload}".encode(), "sha256")
        return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    key = jwk.RSAKey.import_key(public)
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", **kid}).encode()).rstrip(b"=").decode()
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "li-si"}).encode()).rstrip(b"=").decode()
    wrong = {
        "audience": provider.token("zhang-san", client="another", groups=["执法处"]),
        "another's key": signed(own),
        "unsigned": f"{none}.{payload}.",
        "unsigned, with a signature": f"{none}.{payload}.{signature}",
        "cut": f"{header}.{payload}.",
        "public key as a secret": shared(key.as_bytes("PEM", private=False)),
        "its bytes as a secret": shared(key.as_bytes("DER", private=False)),
        "its JSON as a secret": shared(json.dumps(public).encode()),
        "its number as a secret": shared(base64.urlsafe_b64decode(public["n"] + "==")),
        "changed": f"{header}.{other}.{signature}",
        "unknown key": jwt.encode({"alg": "RS256", "kid": "k9"}, claims, jwk.RSAKey.generate_key(2048, {"kid": "k9"})),
        "issuer": signed(own, iss="http://127.0.0.1:9"),
    }
    for why, each in wrong.items():
        assert await here.refused(each), why
    here.ahead = timedelta(hours=2)
    await here.refused(token, "credential.expired")
    elsewhere = await desk(issuer="http://127.0.0.1:9", jwks_url=f"{provider.url}/jwks")
    assert await elsewhere.refused(token)


async def test_keys_change(desk, provider, monkeypatch):
    """A token of the new key is good at once, one of the old no more."""
    monkeypatch.setattr(key_sets, "AT_MOST_EVERY", 0.0)
    monkeypatch.setattr(key_sets, "FRESH", 0.0)
    here = await desk()
    before = provider.token("zhang-san", groups=["执法处"])
    assert (await here.me(before)).status_code == 200
    provider.restart()
    after = provider.token("zhang-san", groups=["执法处"])
    assert (await here.me(after)).status_code == 200
    assert await here.refused(before)


async def test_a_provider_that_is_away_is_no_answer(desk, provider):
    """503 to who shows a token of it, and again once it is there; tokens of ours open as ever."""
    here = await desk(issuer="http://127.0.0.1:9")
    token = jwt.encode({"alg": "RS256"}, {"iss": "http://127.0.0.1:9", "sub": "x"}, jwk.RSAKey.generate_key(2048))
    assert await here.refused(token, "keys.unavailable", 503)
    assert (await here.me(ADMIN)).status_code == 200


async def test_a_good_token_that_gives_nothing_here_is_403(desk, provider):
    """Neither a role nor a region of the settings, and a subject that cannot stand in a record, is nobody's: 401."""
    here = await desk(regions_claim="region")
    for claims in ({"groups": ["工会"], "region": "330000"}, {"groups": ["执法处"]}, {}):
        assert await here.refused(provider.token("li-si", **claims), "right.missing", 403)
    assert await here.refused(provider.token("li si", groups=["执法处"], region="330000"))


async def test_somebodys_name_is_nobodys_of_ours(desk, provider):
    """A subject called `admin`, as a person of ours or a platform is, gets neither's records nor rights."""
    here = await desk()
    for subject in ("admin", "emergency", "penalty.330000"):
        me = (await here.me(provider.token(subject, groups=["执法处"]))).json()
        assert (me["id"], me["kind"], me["roles"]) == (f"oidc:{subject}", "person", ["body-reader", "operator"])
