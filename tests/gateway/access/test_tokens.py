"""Tokens cannot be guessed, and nothing but their hash needs to be kept."""

import pytest

from gateway.access import PREFIX, bearer, hash_token, new_token, same_digest


def test_a_token_says_whose_it_is_and_never_repeats():
    """Two tokens differ, and both start with our prefix."""
    one, other = new_token(), new_token()
    assert one != other
    assert one.startswith(PREFIX)
    assert len(one) >= len(PREFIX) + 43


def test_a_hash_is_stable_and_tells_nothing():
    """The same token always hashes alike, and the hash does not contain it."""
    token = new_token()
    assert hash_token(token) == hash_token(token)
    assert token not in hash_token(token)
    assert len(hash_token(token)) == 64


def test_tokens_compare_by_value():
    """Only the very same token is the same, whatever characters a guess is made of."""
    token = new_token()
    assert same_digest(hash_token(token), hash_token(token))
    assert not same_digest(hash_token(token), hash_token(token[:-1]))
    assert not same_digest(hash_token(token), hash_token("口令\udcff"))


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc ", " Bearer abc"])
def test_a_bearer_header_gives_its_token(header):
    """The scheme is case-insensitive and spaces around the token do not matter."""
    assert bearer(header) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer " + "x" * 600])
def test_any_other_header_gives_none(header):
    """What is not one token after `Bearer` is no token."""
    assert bearer(header) is None
