"""Every call of the interface by every false proof: 401, the same for all of them, and nothing of a body is parsed."""

import base64
import json
import time

import pytest
from signers import SM2_PRIVATE, SM2_PUBLIC, Issuer, signed, webhook

from gateway.access import Proofs, networks
from gateway.api.app import create_app
from gateway.api.rights import CALLS, PEOPLES, PLATFORMS_TOO, Role

PENALTY = "penalty.330000"
TOWN = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9", "key": "k"}}
PRIVATE = [call.split(" ") for call, role in CALLS.items() if role is not Role.ANYBODY]
HOSTILE = b'{"a":' * 10_000
"""Every parser stops at it."""
TRACE = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
ISSUER = Issuer()
WAYS = [
    *({"scheme": scheme} for scheme in ("hmac-sha256", "hmac-sm3", "sm2", "standard-webhooks")),
    {
        "scheme": "oauth2",
        "issuer": ISSUER.url,
        "audience": "hutong",
        "client": "penalty-system",
        "jwks": ISSUER.jwks(),
    },
    {"scheme": "mutual-tls", "subjects": ["CN=penalty"]},
]


def target(path):
    """Give a path with something in every part of it."""
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


class Platform:
    """The penalty platform, which may show who it is in every way but by its credential."""

    def __init__(self, keys, token):
        self.keys, self.token = keys, token

    def signed(self, kind, method, path, body=HOSTILE, **changed):
        """Sign a call."""
        scheme = {"hmac": "HUTONG-HMAC-SHA256", "sm3": "HUTONG-HMAC-SM3", "sm2": "HUTONG-SM2-SM3"}[kind]
        id, secret = self.keys["sm2" if kind == "sm2" else "hmac"]
        return signed(scheme, changed.pop("id", id), secret, method, path, body, **changed)

    def webhook(self, body, **changed):
        """Sign a body."""
        id, secret = self.keys["webhook"]
        return webhook(secret, "m1", body) | {"hutong-key": id} | changed


@pytest.fixture
async def platform(caller):
    """The platform, with a key of each kind."""
    answer = await caller.admin("PUT", f"/v1/platforms/{PENALTY}", json={**TOWN, "access": WAYS})
    assert answer.status_code == 200, answer.text
    keys = {}
    for kind in ("hmac", "webhook", "sm2"):
        order = {"kind": kind} | ({"public_key": SM2_PUBLIC} if kind == "sm2" else {})
        issued = (await caller.admin("POST", f"/v1/platforms/{PENALTY}/credentials", json=order)).json()
        keys[kind] = issued["id"], issued["credential"] or SM2_PRIVATE
    return Platform(keys, caller.credentials[PENALTY])


NOTHING = base64.b64encode(b"\x01" * 64).decode()

FALSE = {
    "no proof": (lambda p, m, t: {}, "missing"),
    "a token of a platform that signs": (lambda p, m, t: {"authorization": f"Bearer {p.token}"}, "unknown"),
    "a signing key, sent": (lambda p, m, t: {"authorization": f"Bearer {p.keys['hmac'][1]}"}, "unknown"),
    "an unknown key": (lambda p, m, t: p.signed("hmac", m, t, id="0" * 32), "unknown"),
    "another's HMAC": (lambda p, m, t: p.signed("hmac", m, t, signature=NOTHING), "unknown"),
    "another's HMAC-SM3": (lambda p, m, t: p.signed("sm3", m, t, signature=NOTHING), "unknown"),
    "another's SM2": (lambda p, m, t: p.signed("sm2", m, t, signature=NOTHING), "unknown"),
    "an old signature": (lambda p, m, t: p.signed("hmac", m, t, at=time.time() - 400), "replayed"),
    "another call's signature": (lambda p, m, t: p.signed("hmac", m, t + "x"), "unknown"),
    "another body's webhook": (lambda p, m, t: p.webhook(b"{}"), "unknown"),
    "a webhook of no key": (lambda p, m, t: p.webhook(b"{}", **{"hutong-key": "x"}), "unknown"),
    "another issuer's token": (lambda p, m, t: {"authorization": f"Bearer {Issuer().token()}"}, "unknown"),
    "a token that is over": (lambda p, m, t: {"authorization": f"Bearer {ISSUER.token(exp=1)}"}, "expired"),
    "a certificate nobody verified": (lambda p, m, t: {"x-client-certificate": ":AAAA:"}, "missing"),
}


@pytest.mark.parametrize("false", FALSE)
async def test_every_call_refuses_every_false_proof(caller, platform, false):
    """With the code that says why, byte for byte the same for every call, and its body never reaches a parser."""
    proof, why = FALSE[false]
    answers = set()
    for method, path in PRIVATE:
        shown = proof(platform, method, target(path))
        content = HOSTILE if method in ("POST", "PUT") else b""
        answer = await caller.client.request(method, target(path), headers={**shown, **TRACE}, content=content)
        assert (answer.status_code, answer.json()["code"]) == (401, f"credential.{why}"), (method, path)
        answers.add(answer.text)
    assert len(answers) == 1
    assert (await caller.admin("GET", "/v1/rejections")).json()["rejections"] == []


async def test_a_proof_counts_once_for_every_call(caller, platform):
    """What was let in is not let in again, wherever it is sent."""
    for method, path in PRIVATE:
        if method not in ("POST", "PUT"):
            shown = platform.signed("hmac", method, target(path), b"")
            first = await caller.client.request(method, target(path), headers=shown)
            again = await caller.client.request(method, target(path), headers=shown)
            assert first.status_code != 401, (method, path)
            assert (again.status_code, again.json()["code"]) == (401, "credential.replayed"), (method, path)


PEOPLES_ALONE = [
    call.split(" ") for call, role in CALLS.items() if role in PEOPLES and call not in PLATFORMS_TOO | {"GET /metrics"}
]


@pytest.mark.parametrize("kind", ["hmac", "sm3", "sm2"])
async def test_a_platform_that_signs_may_do_no_more_than_one_that_sends(caller, platform, kind):
    """403 for what is for people, before anything is said about the object or the body."""
    for method, path in PEOPLES_ALONE:
        content = HOSTILE if method in ("POST", "PUT") else b""
        shown = platform.signed(kind, method, target(path), content)
        answer = await caller.client.request(method, target(path), headers=shown, content=content)
        assert (answer.status_code, answer.json()["code"]) == (403, "right.missing"), (method, path)


async def test_what_a_platform_that_signs_may_not_see_is_as_if_it_were_not_there(caller, platform, execution):
    """Byte for byte what one of an id that never was is answered."""
    await caller.register("penalty.320000", "town", key="k")
    sent = await caller.send("penalty.320000", "execution", execution)
    rejected = await caller.send("penalty.320000", "execution", {})
    for path in (f"/v1/messages/{sent.json()['message_id']}", f"/v1/rejections/{rejected.json()['rejection_id']}"):
        id = path.rpartition("/")[2]
        absent = path.replace(id, "x" * len(id))
        answers = []
        for each in (path, absent):
            shown = platform.signed("hmac", "GET", each, b"")
            answers.append(await caller.client.get(each, headers={**shown, **TRACE}))
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].text.replace(id, "x" * len(id)) == answers[1].text
        assert answers[0].headers == answers[1].headers


async def test_a_body_of_a_stranger_is_not_even_asked_for(caller, platform):
    """Of a signed call nothing is read before the signature was judged."""
    hub, asked = caller.hub, []
    hub.proofs = Proofs(hub.principals, None, None, hub.clock, networks(""))
    application = create_app(hub)

    async def receive():
        asked.append("body")
        return {"type": "http.request", "body": HOSTILE, "more_body": False}

    for method, path in PRIVATE:
        shown = platform.signed("hmac", method, target(path), signature=NOTHING)
        sent = []

        async def send(event, sent=sent):
            sent.append(event)

        scope = {
            "type": "http",
            "method": method,
            "path": target(path),
            "raw_path": target(path).encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"authorization", shown["authorization"].encode())],
            "client": ("192.0.2.7", 1),
        }
        await application(scope, receive, send)
        assert (sent[0]["status"], asked) == (401, []), (method, path)


def test_the_hostile_body_breaks_a_parser():
    """Else the matrix would prove nothing."""
    with pytest.raises(ValueError, match=r"Expecting|recursion"):
        json.loads(HOSTILE[:500])
