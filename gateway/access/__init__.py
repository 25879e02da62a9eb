"""Who is calling: tokens, other proofs, principals, the administrator's token; and the key with which we sign."""

from gateway.access.administrator import Administrator, emergency_hash
from gateway.access.assertions import Assertion, CallHead, SignedBody
from gateway.access.certificates import networks
from gateway.access.key_sets import Fetch, KeySets, Unfetched
from gateway.access.nonces import LedgerNonces, Nonces, SharedNonces
from gateway.access.oidc import OpenIdProvider
from gateway.access.principals import Principal, Principals, Refusal
from gateway.access.proofs import Proofs
from gateway.access.signing_key import signing_key
from gateway.access.tokens import PREFIX, basic, bearer, hash_token, new_token, same_digest

__all__ = [
    "PREFIX",
    "Administrator",
    "Assertion",
    "CallHead",
    "Fetch",
    "KeySets",
    "LedgerNonces",
    "Nonces",
    "OpenIdProvider",
    "Principal",
    "Principals",
    "Proofs",
    "Refusal",
    "SharedNonces",
    "SignedBody",
    "Unfetched",
    "basic",
    "bearer",
    "emergency_hash",
    "hash_token",
    "networks",
    "new_token",
    "same_digest",
    "signing_key",
]
