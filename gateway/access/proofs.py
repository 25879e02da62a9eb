"""Every way but a token of ours in which a caller may prove who it is; asked only when there is no such token."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.assertions import Assertion, CallHead, signed_assertion, webhook_assertion
from gateway.access.certificates import Network, certificate_assertion
from gateway.access.jwt import token_assertion
from gateway.access.key_sets import KeySets
from gateway.access.nonces import Nonces
from gateway.access.principals import Principals, Refusal
from gateway.clock import Clock


class Proofs:
    """Reads what a call says of who makes it. `trusted`: the proxies whose word counts for client certificates."""

    def __init__(
        self, principals: Principals, nonces: Nonces, keys: KeySets, clock: Clock, trusted: Sequence[Network] = ()
    ) -> None:
        self._principals = principals
        self._nonces = nonces
        self._keys = keys
        self._clock = clock
        self._trusted = trusted

    def assertion(self, call: CallHead) -> Assertion | Refusal | None:
        """Read the assertion of a call from its headers, or why it is refused; None when it says nothing.

        What is in the `Authorization` header comes first: whoever shows that means it.
        """
        now = self._clock()
        if "authorization" in call.headers:
            return signed_assertion(call, self._principals, self._nonces, now) or token_assertion(
                call, self._principals, self._keys, now
            )
        return webhook_assertion(call, self._principals, self._nonces, now) or certificate_assertion(
            call, self._principals, self._trusted, now
        )
