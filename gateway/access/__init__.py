"""Who is calling: tokens and their hashes, the principals they stand for, and the administrator's token."""

from gateway.access.administrator import Administrator
from gateway.access.principals import Principal, Principals, Refusal
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
]
