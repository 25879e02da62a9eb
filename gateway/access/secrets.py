"""New secrets, of every kind that a credential is: what is shown once, and what is kept of it."""

from __future__ import annotations

import secrets
from base64 import b64encode

from adapters import signing
from gateway.access.tokens import new_token
from gateway.ledger.records import BEARER, SM2, WEBHOOK
from schemas.findings import Rejected, Text

_NO_KEY = Text(
    "public_key 应为 SM2 公钥：曲线上的点，128 位十六进制数字，前面可带 04",
    "public_key must be a public key of SM2: its point, 128 hexadecimal digits, with or without 04 before",
)
_NEEDLESS = Text(
    "只有 sm2 类凭据带 public_key；其他类由网关生成密钥",
    "Only a credential of the kind sm2 has a public_key; of the others the gateway makes the key",
)


def made(kind: str, public_key: str = "") -> tuple[str, str]:
    """Make a credential's secret: what is shown, and what is kept so that it can be read; each empty where nothing is.

    What signs is kept readable: nobody verifies a signature by a hash of its key. Of `sm2` only the platform has the
    private key, and `public_key` is kept. Rejected `credential.invalid` for what is none.
    """
    if kind == SM2:
        try:
            return "", signing.sm2_public(public_key).hex()
        except ValueError:
            raise Rejected("credential.invalid", _NO_KEY) from None
    if public_key:
        raise Rejected("credential.invalid", _NEEDLESS)
    if kind == WEBHOOK:
        secret = f"{signing.WEBHOOK_SECRET}{b64encode(secrets.token_bytes(32)).decode()}"
        return secret, secret
    token = new_token()
    return token, "" if kind == BEARER else token
