"""Schemes that sign what goes out: what each adds, verified by what shares no code with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from gmssl import sm2
from pydantic import TypeAdapter, ValidationError
from standardwebhooks import Webhook

from adapters.base import OutboundRequest, Reply, SigningMoment
from adapters.bundle.auth import Auth
from schemas.findings import Rejected

READ: Any = TypeAdapter(Auth)
MOMENT = SigningMoment(1788220800.25, "5f2c6a0e9b7d4c31")
BODY = "案号".encode("gbk")
REQUEST = OutboundRequest("POST", "/api/cases?v=1", {"webhook-id": "m1", "Content-Type": "text/xml"}, BODY)
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


def applied(auth: dict[str, Any], moment: SigningMoment = MOMENT, **settings: Any) -> dict[str, str]:
    """Give the headers that a scheme adds."""
    ready = READ.validate_python(auth).apply(REQUEST, settings, moment)
    assert (ready.method, ready.path, ready.body) == (REQUEST.method, REQUEST.path, REQUEST.body)
    return {name: value for name, value in ready.headers.items() if REQUEST.headers.get(name) != value}


def test_an_hmac_over_the_whole_call() -> None:
    """Of method, path, query, digest, time and nonce, unless the bundle says otherwise."""
    headers = {"X-Key": "{app}", "X-Time": "{timestamp}", "X-Nonce": "{nonce}", "X-Sign": "{signature}"}
    found = applied({"scheme": "hmac-headers", "key": "{secret}", "headers": headers}, app="a", secret="密")
    digest = hashlib.sha256(BODY).hexdigest()
    text = f"POST\n/api/cases\nv=1\n{digest}\n1788220800\n{MOMENT.nonce}"
    expected = hmac.new("密".encode(), text.encode(), "sha256").hexdigest()
    assert found == {"X-Key": "a", "X-Time": "1788220800", "X-Nonce": MOMENT.nonce, "X-Sign": expected}


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_a_digest_of_a_text_that_has_the_key_in_it(algorithm: str) -> None:
    """As many systems of governments want it; the body's bytes are as they are sent, the time in milliseconds."""
    auth = {
        "scheme": "hmac-headers",
        "algorithm": algorithm,
        "sign": "{app}{timestamp}{body}{secret}",
        "time": "ms",
        "encoding": "base64",
        "headers": {"Sign": "v1 {signature}"},
    }
    text = b"a1788220800250" + BODY + b"s"
    expected = base64.b64encode(hashlib.new(algorithm, text).digest()).decode()
    assert applied(auth, app="a", secret="s") == {"Sign": f"v1 {expected}"}


def test_sm2_verifies_in_another_library() -> None:
    """With SM3, over the same text."""
    headers = {"X-Digest": "{digest}", "X-Sign": "{signature}"}
    auth = {"scheme": "sm2", "private_key": "{d}", "public_key": "{p}", "headers": headers}
    found = applied(auth, d=PRIVATE, p=PUBLIC)
    assert found["X-Digest"] == hashlib.new("sm3", BODY).hexdigest()
    text = f"POST\n/api/cases\nv=1\n{found['X-Digest']}\n1788220800\n{MOMENT.nonce}".encode()
    assert sm2.CryptSM2(private_key=PRIVATE, public_key=PUBLIC).verify_with_sm3(found["X-Sign"], text)


def test_a_webhook_verifies_in_its_own_package() -> None:
    """Under the id of the call, which stays the same however often it is made."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    request = OutboundRequest("POST", "/x", {"webhook-id": "m1"}, '{"案号": 1}'.encode())
    moment = SigningMoment(datetime.now(UTC).timestamp(), "")
    auth = READ.validate_python({"scheme": "standard-webhooks", "secret": "{secret}"})
    ready = auth.apply(request, {"secret": secret}, moment)
    Webhook(secret).verify(ready.body, dict(ready.headers))


@pytest.mark.parametrize(
    "auth",
    [
        {"scheme": "hmac-headers", "key": "{k}", "headers": {"X": "{timestamp}"}},
        {"scheme": "hmac-headers", "headers": {"X": "{signature}"}},
        {"scheme": "hmac-headers", "algorithm": "sha256", "key": "k", "headers": {"X": "{signature}"}},
        {"scheme": "hmac-headers", "key": "k", "headers": {"Host": "{signature}"}},
        {"scheme": "hmac-headers", "key": "k", "headers": {}},
        {"scheme": "oauth2", "path": "https://elsewhere/token", "client_id": "a", "client_secret": "b"},
        {"scheme": "oauth2", "path": "/{key}", "client_id": "a", "client_secret": "b"},
        {"scheme": "sm2", "headers": {"X": "{signature}"}},
    ],
)
def test_a_scheme_that_cannot_work_is_no_bundle(auth: dict[str, Any]) -> None:
    """Its author is told, and not an operator at night."""
    with pytest.raises(ValidationError):
        READ.validate_python(auth)


@pytest.mark.parametrize(
    ("auth", "settings"),
    [
        ({"scheme": "hmac-headers", "key": "{k}", "headers": {"X": "{signature}"}}, {}),
        ({"scheme": "hmac-headers", "key": "k", "sign": "{s}", "headers": {"X": "{signature}"}}, {"s": ""}),
        ({"scheme": "hmac-headers", "key": "k", "headers": {"X": "{a}{signature}"}}, {"a": "a\r\nY: b"}),
        ({"scheme": "standard-webhooks", "secret": "{s}"}, {"s": "whsec_*"}),
        ({"scheme": "sm2", "private_key": "{s}", "public_key": "{s}", "headers": {"X": "{signature}"}}, {"s": "00"}),
    ],
)
def test_settings_that_cannot_sign_are_told_without_their_values(auth: dict[str, Any], settings: Any) -> None:
    """Missing, no key, or with what a header cannot carry."""
    with pytest.raises(Rejected) as caught:
        READ.validate_python(auth).apply(REQUEST, settings, MOMENT)
    assert caught.value.code.startswith("auth.")
    assert "whsec_*" not in str(caught.value)


CLIENT = {"scheme": "oauth2", "path": "/oauth/token", "client_id": "{id}", "client_secret": "{secret}"}
SETTINGS = {"id": "a b", "secret": "s:密&"}


def test_a_token_is_asked_for_as_rfc_6749_says() -> None:
    """With the client in a Basic header, or in the body; with its scope."""
    asked = READ.validate_python({**CLIENT, "scope": "x y"}).ask_token(SETTINGS)
    assert (asked.method, asked.path, asked.body) == (
        "POST",
        "/oauth/token",
        b"grant_type=client_credentials&scope=x+y",
    )
    pair = base64.b64encode(b"a+b:s%3A%E5%AF%86%26").decode()
    assert asked.headers["Authorization"] == f"Basic {pair}"
    asked = READ.validate_python({**CLIENT, "send": "body"}).ask_token(SETTINGS)
    assert asked.body == b"grant_type=client_credentials&client_id=a+b&client_secret=s%3A%E5%AF%86%26"
    assert "Authorization" not in asked.headers


def test_a_token_is_sent_as_a_bearers() -> None:
    """And without one there is no call."""
    assert applied(CLIENT, SigningMoment(0, "", "t")) == {"Authorization": "Bearer t"}
    with pytest.raises(Rejected):
        applied(CLIENT)


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"access_token": "t", "expires_in": 60}, ("t", 60.0)),
        ({"access_token": "t", "expires_in": "60"}, ("t", 60.0)),
        ({"access_token": "t"}, ("t", None)),
        ({"access_token": "t", "expires_in": -1}, ("t", None)),
        ({"access_token": "t", "expires_in": 1e300}, ("t", 30 * 24 * 3600.0)),
        ({"access_token": "a b"}, None),
        ({"access_token": "a\r\nX: y"}, None),
        ({"access_token": "t" * 9000}, None),
        ({"access_token": 1}, None),
        ({"error": "invalid_client"}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_answer_is_read_with_caution(answer: Any, token: Any) -> None:
    """A token that a header can carry, and for how long it is good."""
    auth = READ.validate_python(CLIENT)
    found = auth.read_token(Reply(200, {}, json.dumps(answer).encode()))
    assert (found and (found.token, found.seconds)) == token
    assert auth.read_token(Reply(400, {}, json.dumps({"access_token": "t"}).encode())) is None
    for body in (b"<html>", b"\xff", b"[" * 100_000):
        assert auth.read_token(Reply(200, {}, body)) is None


def test_a_token_may_stand_deeper() -> None:
    """Where the bundle says."""
    auth = READ.validate_python({**CLIENT, "token": "data.accessToken", "expires": "data.expires"})
    found = auth.read_token(Reply(200, {}, b'{"code": 0, "data": {"accessToken": "t", "expires": 7200}}'))
    assert (found.token, found.seconds) == ("t", 7200.0)
