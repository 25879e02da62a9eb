"""Verify the time-stamps of heads (RFC 3161): an authority's word that a head was there at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.x509 import load_pem_x509_certificates

# The script inside a bundle verifies everything else without this package.
try:
    import rfc3161_client as rfc3161
except ImportError:
    rfc3161 = None  # type: ignore[assignment]


class StampFault(Exception):
    """A time-stamp does not hold, and why."""


def stamped_at(response: bytes, content: bytes, roots: Sequence[Any], nonce: int | None = None) -> datetime:
    """Give when an authority stamped some content, in UTC; StampFault when it did not.

    `response`: its whole answer (DER). `roots`: the certificates that are trusted, those between them and the
    authority's own may be among them or in the answer; without any, who stamped it is not verified. Certificates must
    have been valid when it was stamped. `nonce`: the one of the request, while it is known.
    """
    if rfc3161 is None:
        raise StampFault("the package rfc3161-client is needed; or openssl, see docs/proof.md")
    try:
        read = rfc3161.decode_timestamp_response(response)
        if read.status != rfc3161.PKIStatus.GRANTED:
            raise StampFault(f"it was not granted (status {int(read.status)})")
        told = read.tst_info
        if nonce is not None and told.nonce != nonce:
            raise StampFault("its nonce is another")
        if told.message_imprint.message != hashlib.sha256(content).digest():
            raise StampFault("it is of something else")
        if roots:
            rfc3161.VerifierBuilder(roots=list(roots)).build().verify_message(read, content)
    except (rfc3161.VerificationError, ValueError) as error:
        raise StampFault(str(error)) from None
    return told.gen_time


def read_roots(pem: bytes) -> Sequence[Any]:
    """Read certificates (PEM, one or more); ValueError for none."""
    return load_pem_x509_certificates(pem)
