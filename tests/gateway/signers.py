"""Signs calls as their senders do, by the documentation alone: shares no code with what verifies them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gmssl import sm2
from joserfc import jwk, jwt
from standardwebhooks import Webhook

SM2_PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
"""The pair of keys of GB/T 32918.5, annex A."""


def signed(
    scheme: str,
    key: str,
    secret: str,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    at: float | None = None,
    nonce: str | None = None,
    **changed: Any,
) -> dict[str, str]:
    """Give the headers of a signed call; `changed` are parameters as they are sent, whatever was signed."""
    path, _, query = target.partition("?")
    digest = hashlib.new("sha256" if scheme == "HUTONG-HMAC-SHA256" else "sm3", body).hexdigest()
    made = str(int(datetime.now(UTC).timestamp() if at is None else at))
    nonce = nonce or secrets.token_urlsafe(18)
    text = "\n".join([scheme, method, path, query, digest, made, nonce]).encode()
    said = {
        "key": key,
        "timestamp": made,
        "nonce": nonce,
        "digest": digest,
        "signature": base64.b64encode(_signature(scheme, secret, text)).decode(),
        **changed,
    }
    return {"authorization": f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in said.items())}


def _signature(scheme: str, secret: str, text: bytes) -> bytes:
    if scheme == "HUTONG-SM2-SM3":
        return bytes.fromhex(sm2.CryptSM2(private_key=secret, public_key=SM2_PUBLIC).sign_with_sm3(text))
    return hmac.new(secret.encode(), text, "sha256" if scheme == "HUTONG-HMAC-SHA256" else "sm3").digest()


def webhook(secret: str, id: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """Give the headers of a webhook, signed by the package of Standard Webhooks (its bodies are UTF-8)."""
    now = at or datetime.now(UTC)
    signature = Webhook(secret).sign(id, now, body.decode())
    return {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


class Issuer:
    """An authorization server as far as tokens go: it has keys, and signs."""

    def __init__(self, url: str = "https://idp.example.gov.cn") -> None:
        self.url = url
        self.keys = [jwk.ECKey.generate_key("P-256", {"kid": "k1"})]

    def jwks(self) -> dict[str, Any]:
        """Give the public halves."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self.keys]}

    def rotate(self, kid: str) -> None:
        """Sign with another key from now on."""
        self.keys = [jwk.ECKey.generate_key("P-256", {"kid": kid}), *self.keys[:1]]

    def token(self, *, key: Any = None, header: dict[str, str] | None = None, **claims: Any) -> str:
        """Sign a token; claims of None are left out."""
        now = int(datetime.now(UTC).timestamp())
        said = {
            "iss": self.url,
            "aud": "hutong",
            "client_id": "penalty-system",
            "scope": "inbound status",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        signing = key or self.keys[0]
        head = {"alg": "ES256", "kid": signing.kid, **(header or {})}
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(head, kept, signing, algorithms=["ES256", "HS256", "RS256"])


def certificate(name: str, begins: datetime, ends: datetime) -> bytes:
    """Make a client certificate, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)
