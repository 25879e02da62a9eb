"""Who is calling: tokens, principals, the administrator's token; and the key with which the gateway signs."""

from gateway.access.administrator import Administrator
from gateway.access.principals import Principal, Principals, Refusal
from gateway.access.signing_key import signing_key
from gateway.access.tokens import PREFIX, basic, bearer, hash_token, new_token, same_digest

__all__ = [
    "PREFIX",
    "Administrator",
    "Principal",
    "Principals",
    "Refusal",
    "basic",
    "bearer",
    "hash_token",
    "new_token",
    "same_digest",
    "signing_key",
]
