"""Tokens: random enough that only their plain SHA-256 need be kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "hutong_"
"""Lets a secret scanner, and a person, recognise one of our tokens."""

LONGEST = 512
"""Characters; what is longer was never issued by us."""


def new_token() -> str:
    """Make a token of 256 random bits, safe in headers and shells."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Give the SHA-256 of a token, hexadecimal: all that is ever stored.

    A slow password hash would protect nothing here, since a token of ours cannot be guessed.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same_digest(one: str, other: str) -> bool:
    """Compare two tokens' hashes in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def bearer(header: str | None) -> str | None:
    """Give the token of an `Authorization` header (RFC 6750), None when it carries none of ours."""
    if header is None or len(header) > LONGEST:
        return None
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token and " " not in token else None


def basic(header: str | None) -> tuple[str, str] | None:
    """Give user and password of an `Authorization` header (RFC 7617, in UTF-8), None when it carries none of ours."""
    if header is None or len(header) > LONGEST:
        return None
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None
