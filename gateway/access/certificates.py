"""Client certificates that a trusted proxy verified and handed on: it ends TLS, so that we never see them ourselves."""

from __future__ import annotations

import binascii
import hashlib
import ipaddress
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote

from cryptography import x509
from msgspec import Struct

from gateway.access.assertions import CERTIFICATE, CallHead, SignedBody
from gateway.access.principals import Principal, Principals, Refusal
from gateway.access.ways import MutualTls, ways_of
from gateway.ledger.records import Platform

_PEM = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks, separated by commas; ValueError for what is none."""
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())


class ClientCertificate(Struct, frozen=True):
    """What counts of a certificate: the SHA-256 of its DER, its subject (RFC 4514), and when it is good."""

    fingerprint: str
    subject: str
    not_before: datetime
    not_after: datetime

    def is_good(self, now: datetime) -> bool:
        """Tell whether it is within its days."""
        return self.not_before <= now <= self.not_after


def read_certificate(header: str) -> ClientCertificate | None:
    """Read a certificate as a proxy hands it on; None for what is none."""
    try:
        der = _der(header)
        read = x509.load_der_x509_certificate(der)
        subject = read.subject.rfc4514_string()
        days = read.not_valid_before_utc, read.not_valid_after_utc
    except (ValueError, binascii.Error, TypeError):
        return None
    return ClientCertificate(hashlib.sha256(der).hexdigest(), subject, *days)


def _der(header: str) -> bytes:
    if header.startswith(":"):
        return b64decode(header.strip(":"), validate=True)
    begin, end = _PEM
    text = unquote(header).strip()
    if not (text.startswith(begin) and text.endswith(end)):
        raise ValueError("no certificate")
    return b64decode("".join(text[len(begin) : -len(end)].split()), validate=True)


class CertificateAssertion(Struct, frozen=True):
    """A certificate of a platform's, which a proxy verified."""

    platform: Platform
    expired: bool
    credential: str | None = None
    content: SignedBody | None = None
    whole: bool = False
    scheme: str = "mutual-tls"

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """See `Assertion`."""
        return Refusal.EXPIRED if self.expired else Principal(self.platform)


def certificate_assertion(
    call: CallHead, principals: Principals, trusted: Sequence[Network], now: datetime
) -> CertificateAssertion | Refusal | None:
    """Read a certificate that was handed on; None where there is none, or where whoever connects is no such proxy."""
    header = call.headers.get(CERTIFICATE)
    if not header or not _is_in(call.peer, trusted):
        return None
    certificate = read_certificate(header)
    if certificate is None or CERTIFICATE in call.twice:
        return Refusal.UNKNOWN
    found = [one for one in principals.platforms() if _names(one, certificate)]
    return CertificateAssertion(found[0], not certificate.is_good(now)) if len(found) == 1 else Refusal.UNKNOWN


def _names(platform: Platform, certificate: ClientCertificate) -> bool:
    return any(
        certificate.fingerprint in way.fingerprints or certificate.subject in way.subjects
        for way in ways_of(platform, MutualTls)
    )


def _is_in(peer: str, trusted: Sequence[Network]) -> bool:
    if not trusted:
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)
