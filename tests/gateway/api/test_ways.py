"""How a platform shows who it is: each way lets it in, and every false step is 401 before anything is parsed."""

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from joserfc import jwk
from signers import SM2_PRIVATE, SM2_PUBLIC, Issuer, certificate, signed, webhook

from gateway.access import Proofs, networks
from gateway.api.app import create_app

PENALTY = "penalty.330000"
TOWN = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9", "key": "k"}}
INBOUND = "/v1/inbound/execution"
HOSTILE = b'{"a":' * 10_000
"""Every parser stops at it."""
WAYS = {
    "HUTONG-HMAC-SHA256": ("hmac-sha256", "hmac"),
    "HUTONG-HMAC-SM3": ("hmac-sm3", "hmac"),
    "HUTONG-SM2-SM3": ("sm2", "sm2"),
}


async def allow(caller, *ways, platform=PENALTY):
    """Register the platform with these ways."""
    answer = await caller.admin("PUT", f"/v1/platforms/{platform}", json={**TOWN, "access": list(ways)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["access"] == list(ways)


async def issue(caller, **order):
    """Issue a credential; gives its id and its secret."""
    issued = (await caller.admin("POST", f"/v1/platforms/{PENALTY}/credentials", json=order)).json()
    return issued["id"], issued["credential"]


async def post(caller, headers, body, path=INBOUND):
    """Call with these headers."""
    return await caller.client.post(path, content=body, headers=headers)


def refused(answer, why):
    """The call was refused, and why."""
    assert (answer.status_code, answer.json()["code"]) == (401, f"credential.{why}"), answer.text
    return True


class Signing:
    """A platform that signs by one scheme."""

    def __init__(self, caller, scheme, key, secret):
        self.caller, self.scheme, self.key, self.secret = caller, scheme, key, secret

    def headers(self, method, target, body=b"", **changed):
        """Sign a call."""
        key, secret = changed.pop("id", self.key), changed.pop("secret", self.secret)
        return signed(self.scheme, key, secret, method, target, body, **changed)

    async def post(self, body, target=INBOUND, **changed):
        """Make a signed call."""
        return await post(self.caller, self.headers("POST", target, body, **changed), body, target)


@pytest.fixture(params=sorted(WAYS))
async def signing(request, caller):
    """The penalty platform, which signs by each scheme."""
    way, kind = WAYS[request.param]
    await allow(caller, {"scheme": way})
    key = {"public_key": SM2_PUBLIC} if kind == "sm2" else {}
    id, secret = await issue(caller, kind=kind, label="signs", **key)
    assert (secret is None) == (kind == "sm2")
    return Signing(caller, request.param, id, secret or SM2_PRIVATE)


@pytest.fixture
def body(execution):
    """The penalty platform's own document."""
    return json.dumps(execution).encode()


# ── signatures over the call ──────────────────────────────────────────────────────────────────
async def test_a_signed_call_is_its_platforms(caller, signing, body):
    """A document, one with a query, a question without a body; the use of its key is told."""
    assert (await signing.post(body)).status_code == 202
    assert (await signing.post(body, INBOUND + "?dry_run=true")).status_code == 200
    me = await caller.client.get("/v1/me", headers=signing.headers("GET", "/v1/me"))
    assert (me.status_code, me.json()["id"]) == (200, PENALTY)
    listed = (await caller.admin("GET", f"/v1/platforms/{PENALTY}/credentials")).json()["credentials"]
    assert next(one for one in listed if one["id"] == signing.key)["last_used_at"] is not None


async def test_a_signature_counts_once(signing, body):
    """Whatever is sent again with it, and although it was let in the first time only."""
    nonce = "a-nonce-of-this-test-1"
    assert (await signing.post(body, nonce=nonce)).status_code == 202
    refused(await signing.post(body, nonce=nonce), "replayed")
    refused(await signing.post(b"{}", nonce=nonce), "replayed")
    assert (await signing.post(body, nonce=nonce + "2")).status_code == 202


async def test_what_was_not_signed_uses_up_no_nonce(signing, body):
    """Else a stranger could, for who is to come."""
    nonce = "a-nonce-of-this-test-2"
    refused(await signing.post(body, nonce=nonce, signature=base64.b64encode(b"x" * 64).decode()), "unknown")
    assert (await signing.post(body, nonce=nonce)).status_code == 202


@pytest.mark.parametrize("off", [-330, 330])
async def test_a_time_that_is_far_from_ours_is_refused(signing, body, off):
    """On either side of it, before the signature is looked at; near it is well."""
    now = datetime.now(UTC).timestamp()
    refused(await signing.post(body, at=now + off, signature="AAAA"), "replayed")
    assert (await signing.post(body, at=now + off * 0.8)).status_code == 202


async def test_every_part_of_a_call_is_signed(caller, signing, body):
    """Another method, path, query, body, time or nonce than what was signed."""
    made = signing.headers("POST", INBOUND, body)
    for target in (INBOUND + "?dry_run=true", "/v1/inbound/progress", "/v1/inbound/execution%20"):
        refused(await post(caller, made, body, target), "unknown")
    refused(await caller.client.get("/v1/me", headers=made), "unknown")
    for changed in ({"digest": "0" * 64}, {"timestamp": str(int(datetime.now(UTC).timestamp()) + 9)}):
        refused(await signing.post(body, **changed), "unknown")
    refused(
        await post(caller, {"authorization": made["authorization"].replace('nonce="', 'nonce="x')}, body), "unknown"
    )


@pytest.mark.parametrize("path", [INBOUND, "/v1/messages", "/v1/inbound/execution/batch", "/v1/attachments"])
async def test_another_body_than_the_signed_one_is_never_parsed(caller, signing, body, path):
    """What would break every parser is 401, not 400: its digest was looked at, and nothing else."""
    headers = signing.headers("POST", path, body)
    digest = base64.b64encode(hashlib.sha256(HOSTILE).digest()).decode()
    more = {"content-digest": f"sha-256=:{digest}:", "content-type": "application/json"}
    refused(await post(caller, {**headers, **more}, HOSTILE, path), "unknown")
    assert (await caller.admin("GET", "/v1/messages")).json()["messages"] == []
    rejections = await caller.admin("GET", "/v1/rejections")
    assert rejections.json()["rejections"] == []


async def test_a_signed_batch_is_taken_whole_or_not_at_all(caller, signing, execution):
    """Its records are looked at once all of its bytes were compared."""
    lines = b"\n".join(json.dumps({**execution, "WSH": f"{n}号"}).encode() for n in range(3))
    path = INBOUND + "/batch"
    headers = signing.headers("POST", path, lines) | {"content-type": "application/x-ndjson"}
    answer = await post(caller, headers, lines, path)
    assert [json.loads(line).get("state") is not None for line in answer.text.splitlines()] == [True] * 3
    headers = signing.headers("POST", path, lines) | {"content-type": "application/x-ndjson"}
    refused(await post(caller, headers, lines + b"\n{}", path), "unknown")


async def test_a_compressed_body_is_signed_as_it_is_sent(caller, signing, body):
    """The digest is of the bytes on the wire."""
    small = gzip.compress(body)
    headers = signing.headers("POST", INBOUND, small) | {"content-encoding": "gzip"}
    assert (await post(caller, headers, small)).status_code == 202


async def test_a_key_that_is_revoked_expired_or_anothers_opens_nothing(caller, signing, body):
    """At once; and a key signs by its own scheme alone."""
    refused(await signing.post(body, id="0" * 32), "unknown")
    other = "HUTONG-HMAC-SHA256" if signing.scheme == "HUTONG-SM2-SM3" else "HUTONG-SM2-SM3"
    secret = SM2_PRIVATE if other == "HUTONG-SM2-SM3" else "x"
    refused(await post(caller, signed(other, signing.key, secret, "POST", INBOUND, body), body), "unknown")
    await caller.admin("DELETE", f"/v1/platforms/{PENALTY}/credentials/{signing.key}")
    refused(await signing.post(body), "revoked")


async def test_who_signs_cannot_come_in_by_less(caller, signing, body):
    """A token of the same platform opens nothing, nor does a signing key that is sent as one."""
    refused(await caller.platform(PENALTY, "GET", "/v1/me"), "unknown")
    refused(await caller.call(signing.secret, "GET", "/v1/me"), "unknown")
    await caller.admin("PUT", f"/v1/platforms/{PENALTY}", json=TOWN)  # says nothing of it: it stays
    assert (await signing.post(body)).status_code == 202
    refused(await caller.platform(PENALTY, "GET", "/v1/me"), "unknown")
    await allow(caller)
    assert (await caller.platform(PENALTY, "GET", "/v1/me")).status_code == 200
    refused(await signing.post(body), "unknown")


@pytest.mark.parametrize(
    "header",
    [
        "HUTONG-HMAC-SHA256",
        "HUTONG-HMAC-SHA256 ,,,",
        "HUTONG-HMAC-SHA256 key=a, key=b",
        "HUTONG-HMAC-SHA256 key=\xff",
        "HUTONG-SM2-SM3 " + "a=b, " * 2000,
        "Bearer a.b.c",
        "Bearer " + "x" * 20_000,
        "Bearer " + base64.b64encode(b'{"alg":"none"}').decode() + ".e30.",
        "Digest username=x",
    ],
)
async def test_what_is_no_credential_is_unknown_or_missing(caller, header):
    """Whatever stands there."""
    headers = [(b"authorization", header.encode("latin-1"))]
    answer = await caller.client.request("GET", "/v1/me", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] in ("credential.unknown", "credential.missing")


# ── Standard Webhooks ─────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def hook(caller):
    """The id and the secret with which the platform signs webhooks."""
    await allow(caller, {"scheme": "standard-webhooks"})
    id, secret = await issue(caller, kind="webhook")
    assert secret.startswith("whsec_")
    return id, secret


async def test_a_webhook_is_its_platforms(caller, hook, body):
    """Signed by the package of that standard; its key is named in a header, or in the address."""
    id, secret = hook
    assert (await post(caller, webhook(secret, "m1", body) | {"hutong-key": id}, body)).status_code == 202
    assert (await post(caller, webhook(secret, "m2", body), body, f"{INBOUND}?key={id}")).status_code == 202
    rotated = webhook(secret, "m3", body)
    rotated["webhook-signature"] = f"v1,{'A' * 43}= {rotated['webhook-signature']} v1a,x"
    assert (await post(caller, rotated | {"hutong-key": id}, body)).status_code == 202


async def test_a_webhook_whose_id_could_be_split_otherwise_is_refused(caller, hook, body):
    """`a.1.{…}` may be the id `a`, or the id `a.1`: one with a full stop is none."""
    id, secret = hook
    for name in ("m.1", ".", "m1."):
        refused(await post(caller, webhook(secret, name, body) | {"hutong-key": id}, body), "unknown")
    assert (await post(caller, webhook(secret, "m-1/~!", body) | {"hutong-key": id}, body)).status_code == 202


async def test_a_webhook_counts_once_and_may_be_tried_again(caller, hook, body):
    """The same request is a replay; the same id at another time is its sender's next try."""
    id, secret = hook
    now = datetime.now(UTC)
    first = webhook(secret, "m1", body, now) | {"hutong-key": id}
    assert (await post(caller, first, body)).status_code == 202
    refused(await post(caller, first, body), "replayed")
    again = webhook(secret, "m1", body, now + timedelta(seconds=1)) | {"hutong-key": id}
    assert (await post(caller, again, body)).status_code == 202


async def test_a_false_webhook_is_refused_before_it_is_parsed(caller, hook, body):
    """Another body, id, time or key; without a key; too old; too large for its platform."""
    id, secret = hook
    good = webhook(secret, "m1", body) | {"hutong-key": id}
    refused(await post(caller, good, HOSTILE), "unknown")
    for name, value in (
        ("webhook-id", "m2"),
        ("hutong-key", "x"),
        ("webhook-signature", "v1,AAAA"),
        ("hutong-key", ""),
    ):
        refused(await post(caller, good | {name: value}, body), "unknown")
    old = webhook(secret, "m1", body, datetime.now(UTC) - timedelta(seconds=301)) | {"hutong-key": id}
    refused(await post(caller, old, body), "replayed")
    assert (await post(caller, good, b"x" * 60_000_000)).status_code == 413
    assert (await caller.admin("GET", "/v1/rejections")).json()["rejections"] == []
    assert (await post(caller, good, body)).status_code == 202


# ── tokens of another issuer ──────────────────────────────────────────────────────────────────
@pytest.fixture
def issuer():
    """An authorization server."""
    return Issuer()


def oauth2(issuer, **more):
    """The way of a client of an issuer."""
    said = {"issuer": issuer.url, "audience": "hutong", "client": "penalty-system", "scopes": ["inbound"]}
    return {"scheme": "oauth2", **said, **({} if "jwks_url" in more else {"jwks": issuer.jwks()}), **more}


async def test_a_token_of_the_platforms_issuer_opens(caller, issuer, body):
    """For its client, audience and scopes; scopes may stand in a list, the client in `azp` or `sub`."""
    await allow(caller, oauth2(issuer))
    for claims in (
        {},
        {"scope": None, "scp": ["inbound"]},
        {"client_id": None, "azp": "penalty-system"},
        {"client_id": None, "sub": "penalty-system", "aud": ["other", "hutong"]},
    ):
        answer = await post(caller, {"authorization": f"Bearer {issuer.token(**claims)}"}, body)
        assert answer.status_code == 202, claims


async def test_any_other_token_opens_nothing(caller, issuer, body):
    """Another issuer, client, audience or scope; over, not begun, or without an end; another's key, or none."""
    await allow(caller, oauth2(issuer))
    now = int(datetime.now(UTC).timestamp())
    forged = Issuer()
    shared = jwk.OctKey.import_key(json.dumps(issuer.jwks()["keys"][0]), {"kid": "k1"})
    wrong = {
        "issuer": issuer.token(iss="https://elsewhere.example"),
        "client": issuer.token(client_id="another"),
        "audience": issuer.token(aud="another"),
        "no audience": issuer.token(aud=None),
        "scope": issuer.token(scope="status"),
        "no end": issuer.token(exp=None),
        "not begun": issuer.token(nbf=now + 600),
        "forged": forged.token(),
        "unknown key": forged.token(header={"kid": "k9"}),
        "shared key": issuer.token(key=shared, header={"alg": "HS256"}),
        "unsigned": ".".join([base64.urlsafe_b64encode(b'{"alg":"none"}').decode(), issuer.token().split(".")[1], ""]),
        "changed": issuer.token()[:-6] + "AAAAAA",
    }
    for why, token in wrong.items():
        assert refused(await post(caller, {"authorization": f"Bearer {token}"}, body), "unknown"), why
    over = issuer.token(exp=now - 61, iat=now - 600)
    refused(await post(caller, {"authorization": f"Bearer {over}"}, body), "expired")


CLIENT = {"scheme": "oauth2", "issuer": "https://a", "audience": "b", "client": "c"}


@pytest.mark.parametrize(
    "way",
    [
        {"scheme": "oauth2", "issuer": "https://a", "audience": "b", "client": "c"},
        {"scheme": "oauth2", "issuer": "https://a", "audience": "b", "client": "c", "jwks_url": "http://idp/keys"},
        CLIENT | {"jwks_url": "https://:password@idp.example/keys"},
        CLIENT | {"jwks_url": "https://user@idp.example/keys"},
        CLIENT | {"jwks_url": "https://@idp.example/keys"},
        {
            "scheme": "oauth2",
            "issuer": "a",
            "audience": "b",
            "client": "c",
            "jwks": {"keys": [{"kty": "oct", "k": "AA"}]},
        },
        {"scheme": "mutual-tls"},
        {"scheme": "mutual-tls", "fingerprints": ["AA:BB"]},
        {"scheme": "hmac-sha256", "secret": "s"},
        {"scheme": "kerberos"},
        {},
    ],
)
async def test_a_way_that_is_none_is_refused_at_registration(caller, way):
    """With where it stands."""
    answer = await caller.admin("PUT", f"/v1/platforms/{PENALTY}", json={**TOWN, "access": [way]})
    assert (answer.status_code, answer.json()["code"]) == (422, "platform.invalid")
    assert [one["path"] for one in answer.json()["errors"]] == ["access[0]"]


# ── client certificates ───────────────────────────────────────────────────────────────────────
@pytest.fixture
async def behind_proxy(caller):
    """Calls through a proxy at an address, or from another one."""
    hub = caller.hub
    hub.proofs = Proofs(hub.principals, None, None, hub.clock, networks("192.0.2.0/24, 2001:db8::7"))
    application = create_app(hub)

    async def call(peer, header=None, **more):
        transport = httpx.ASGITransport(app=application, client=(peer, 1))
        headers = ({} if header is None else {"x-client-certificate": header}) | more
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.get("/v1/me", headers=headers)

    return call


def as_pem(der):
    """As nginx hands it on."""
    lines = base64.encodebytes(der).decode()
    return quote(f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n", safe="")


DAY = timedelta(days=1)


async def test_a_certificate_that_a_trusted_proxy_verified_opens(caller, behind_proxy):
    """By fingerprint or subject, in either form; from nobody else, and in no other header."""
    now = datetime.now(UTC)
    der, named = certificate("penalty", now - DAY, now + DAY), certificate("by-name", now - DAY, now + DAY)
    way = {"scheme": "mutual-tls", "fingerprints": [hashlib.sha256(der).hexdigest()], "subjects": ["CN=by-name"]}
    await allow(caller, way)
    rfc9440 = f":{base64.b64encode(der).decode()}:"
    for peer in ("192.0.2.9", "2001:db8::7", "::ffff:192.0.2.9"):
        for header in (as_pem(der), rfc9440, as_pem(named)):
            answer = await behind_proxy(peer, header)
            assert (answer.status_code, answer.json().get("id")) == (200, PENALTY)
    for peer in ("192.0.3.9", "127.0.0.1", "2001:db8::8"):
        refused(await behind_proxy(peer, as_pem(der)), "missing")
    refused(await behind_proxy("192.0.2.9", None, **{"client-cert": rfc9440}), "missing")
    refused(await behind_proxy("192.0.2.9", ""), "missing")


async def test_another_certificate_opens_nothing(caller, behind_proxy):
    """Nobody's, one that is over or not begun, two platforms' at once, or what is none."""
    now = datetime.now(UTC)
    good, over = certificate("p", now - DAY, now + DAY), certificate("p", now - 2 * DAY, now - DAY)
    way = {"scheme": "mutual-tls", "fingerprints": [hashlib.sha256(one).hexdigest() for one in (good, over)]}
    await allow(caller, way)
    refused(await behind_proxy("192.0.2.9", as_pem(over)), "expired")
    other = certificate("p", now - DAY, now + DAY)
    for header in (as_pem(other), "x", ":AAAA:", as_pem(b""), "%00%ff", "-----BEGIN%20CERTIFICATE-----"):
        refused(await behind_proxy("192.0.2.9", header), "unknown")
    await caller.register("penalty.320000", "town", key="k")
    await allow(caller, way, platform="penalty.320000")
    refused(await behind_proxy("192.0.2.9", as_pem(good)), "unknown")
