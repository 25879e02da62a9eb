"""Every way but a token of ours in which a caller may prove who it is; asked only when there is no such token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.access.assertions import Assertion, CallHead, signed_assertion, webhook_assertion
from gateway.access.certificates import Network, certificate_assertion
from gateway.access.jwt import token_assertion
from gateway.access.key_sets import KeySets
from gateway.access.nonces import Nonces
from gateway.access.oidc import OpenIdProvider
from gateway.access.principals import Principals, Refusal
from gateway.clock import Clock


class Proofs:
    """Reads what a call says of who makes it. `trusted`: the proxies whose word counts for client certificates.

    `people`: the OpenID provider whose tokens people may show.
    """

    def __init__(
        self,
        principals: Principals,
        nonces: Nonces,
        keys: KeySets,
        clock: Clock,
        trusted: Sequence[Network] = (),
        people: OpenIdProvider | None = None,
    ) -> None:
        self._principals = principals
        self._nonces = nonces
        self._keys = keys
        self._clock = clock
        self._trusted = trusted
        self._people = people

    def assertion(self, call: CallHead) -> Assertion | Refusal | None:
        """Read the assertion of a call from its headers, or why it is refused; None when it says nothing.

        What is in the `Authorization` header comes first: whoever shows that means it.
        """
        now = self._clock()
        if "authorization" in call.headers:
            return signed_assertion(call, self._principals, self._nonces, now) or self._by_token(call, now)
        return webhook_assertion(call, self._principals, self._nonces, now) or certificate_assertion(
            call, self._principals, self._trusted, now
        )

    def _by_token(self, call: CallHead, now: datetime) -> Assertion | Refusal | None:
        """Read a token that another party issued: a platform's where its client is registered, else a person's."""
        found = token_assertion(call, self._principals, self._keys, now)
        if self._people is None or not isinstance(found, Refusal):
            return found
        return self._people.assertion(call, now) or found
