"""TLS to one platform: whose certificates are believed, which one we show, and the least version that is spoken."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

from msgspec import Struct

from adapters.base import Setting
from schemas.reprs import repr_without

CA = Setting("tls_ca", "pem", "平台所用 CA 证书（PEM）")
CERTIFICATE = Setting("tls_certificate", "pem", "网关的客户端证书（PEM）")
KEY = Setting("tls_key", "secret", "网关客户端证书的私钥（PEM）")
MINIMUM = Setting("tls_minimum", "choice", "最低 TLS 版本", choices=("1.2", "1.3"))
SETTINGS = (CA, CERTIFICATE, KEY, MINIMUM)
"""What every platform's settings may say of TLS, whatever its adapter."""

_NAMES = tuple(each.name for each in SETTINGS)
_NONE = (None, None, None, None)
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsTerms(Struct, frozen=True):
    """What a platform's settings say of TLS; None where they say nothing.

    With `ca` only what these sign is believed, and nothing of the system's.
    """

    ca: str | None
    certificate: str | None
    key: str | None
    minimum: str | None

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "key")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> TlsTerms | None:
        """Read them; None where there is nothing: then TLS is as it is to everybody."""
        said = tuple(map(settings.get, _NAMES))
        return None if said == _NONE else cls(*said)


def context_of(terms: TlsTerms, *, system: bool = True) -> ssl.SSLContext:
    """Make what connections are made with; ValueError, without any of their content, for what cannot be used.

    It may take some 30 ms, to read the system's certificates; without `system` they are left out, to look at the terms.
    """
    everybodys = terms.ca is None and system
    context = ssl.create_default_context() if everybodys else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[terms.minimum or "1.2"]
    if terms.ca is not None:
        try:
            context.load_verify_locations(cadata=terms.ca)
        except (ssl.SSLError, ValueError):
            raise ValueError("tls_ca") from None
    if (terms.certificate is None) != (terms.key is None):
        raise ValueError("tls_key" if terms.key is None else "tls_certificate")
    if terms.certificate is not None and terms.key is not None:
        try:
            with _as_file(f"{terms.certificate}\n{terms.key}\n") as path:
                context.load_cert_chain(path, password=lambda: "")  # one under a password is none: nobody is asked
        except (ssl.SSLError, ValueError):
            raise ValueError("tls_certificate") from None
    return context


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Give a file for what reads only files: in memory where the system can, else one that only we can read."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("hutong-tls")
        try:
            os.write(handle, text.encode())
            yield f"/proc/self/fd/{handle}"
        finally:
            os.close(handle)
        return
    with NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield file.name
