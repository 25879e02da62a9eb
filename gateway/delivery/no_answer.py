"""Why a call to a platform brought no answer that can be read: one stable word a reason, and what was met."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Mapping

import aiohttp

from adapters.base import Reply

_LONGEST_DETAIL = 300


class NoAnswer(Exception):
    """A platform gave no answer that can be read.

    `may_have_left`: it may have received the request all the same (in doubt). `reason` is a stable
    word: `address.unusable`, `name.unknown`, `connection.refused`, `connection.unreachable`,
    `connection.lost`, `connection.failed`, `tls.untrusted`, `tls.expired`, `tls.wrong-host`,
    `tls.failed`, `timeout.connect`, `timeout.read`, `reply.broken`. `detail` says what was met, for
    people. `cut` is as much of a reply as arrived before it broke.
    """

    def __init__(self, reason: str, *, may_have_left: bool, detail: str = "", cut: Reply | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_left = may_have_left
        self.detail = detail[:_LONGEST_DETAIL]
        self.cut = cut


class Unsendable(Exception):
    """The request itself cannot be put on the wire (a header with a line break, say)."""


_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})

_CERTIFICATE: Mapping[int, str] = {10: "tls.expired", 62: "tls.wrong-host", 64: "tls.wrong-host"}
"""OpenSSL's verify codes (X509_V_ERR_…): has expired, host name mismatch, address mismatch."""


def translated(error: Exception, *, left: bool) -> NoAnswer | Unsendable:
    """Say an error of the client in our words.

    `left`: some of the request was put on a connection; what failed before that cannot have arrived.
    """
    match error:
        case aiohttp.InvalidURL():
            return NoAnswer("address.unusable", may_have_left=False, detail=str(error))
        case aiohttp.ClientConnectorDNSError():
            return NoAnswer("name.unknown", may_have_left=False, detail=_text(error.os_error))
        case aiohttp.ClientConnectorCertificateError():
            return _distrusted(error.certificate_error)
        case aiohttp.ClientSSLError():
            return NoAnswer("tls.failed", may_have_left=False, detail=_text(error.os_error))
        case aiohttp.ClientConnectorError():
            return _unconnected(error)
        case aiohttp.ConnectionTimeoutError():
            return NoAnswer("timeout.connect", may_have_left=False, detail=str(error))
        case TimeoutError():
            return NoAnswer("timeout.read" if left else "timeout.connect", may_have_left=left)
        case aiohttp.ClientResponseError():
            return NoAnswer("reply.broken", may_have_left=True, detail=error.message)
        case aiohttp.ClientPayloadError():
            return NoAnswer("reply.broken", may_have_left=True, detail=str(error))
        case aiohttp.ClientError() | OSError():
            return NoAnswer("connection.lost", may_have_left=left, detail=str(error))
        case _:
            return Unsendable(str(error))


def _distrusted(error: Exception) -> NoAnswer:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    said = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
    return NoAnswer(_CERTIFICATE.get(code, "tls.untrusted"), may_have_left=False, detail=said)


def _unconnected(error: aiohttp.ClientConnectorError) -> NoAnswer:
    number = error.os_error.errno
    if number == errno.ECONNREFUSED:
        reason = "connection.refused"
    else:
        reason = "connection.unreachable" if number in _UNREACHABLE else "connection.failed"
    return NoAnswer(reason, may_have_left=False, detail=_text(error.os_error))


def _text(error: OSError) -> str:
    """Say what the system said, without the address: whoever sent the document may see it."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
