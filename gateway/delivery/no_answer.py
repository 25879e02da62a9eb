"""Why a call to a platform brought no answer that can be read: one stable word a reason, and what was met."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Mapping

from adapters.base import Reply
from gateway.delivery.destinations import NEVER

_LONGEST_DETAIL = 300


class NoAnswer(Exception):
    """A platform gave no answer that can be read.

    `may_have_left`: it may have received the request all the same (in doubt). `reason` is a stable
    word: `address.unusable`, `destination.refused`, `name.unknown`, `connection.refused`, `connection.unreachable`,
    `connection.lost`, `connection.failed`, `tls.untrusted`, `tls.expired`, `tls.wrong-host`,
    `tls.failed`, `timeout.connect`, `timeout.read`, `reply.broken`, `token.none`. `detail` says what was met, for
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


def unconnected(error: Exception) -> NoAnswer:
    """Say in our words why no connection was had; nothing can have arrived."""
    match error:
        case ssl.SSLCertVerificationError():
            return _distrusted(error)
        case ssl.SSLError():
            # Its number is OpenSSL's, not the system's.
            return NoAnswer("tls.failed", may_have_left=False, detail=error.reason or type(error).__name__)
        case TimeoutError():
            return NoAnswer("timeout.connect", may_have_left=False, detail=str(error))
        case socket.gaierror():
            return NoAnswer("name.unknown", may_have_left=False, detail=error.strerror or type(error).__name__)
        case OSError(errno=errno.ECONNREFUSED):
            return NoAnswer("connection.refused", may_have_left=False, detail=_text(error))
        case OSError(errno=number) if number in _UNREACHABLE:
            return NoAnswer("connection.unreachable", may_have_left=False, detail=_text(error))
        case OSError():
            return NoAnswer("connection.failed", may_have_left=False, detail=_text(error))
        case _:
            return NoAnswer("connection.failed", may_have_left=False, detail=str(error))


def not_allowed(kind: str) -> NoAnswer:
    """Say that an address may not be called, and what would have to be allowed; nothing has left."""
    detail = (
        "no platform may be at such an address (link-local, metadata, multicast)"
        if kind == NEVER
        else f"the platform's registration does not allow {kind}; an administrator may, under `allow`"
    )
    return NoAnswer("destination.refused", may_have_left=False, detail=detail)


def _distrusted(error: ssl.SSLCertVerificationError) -> NoAnswer:
    reason = _CERTIFICATE.get(error.verify_code, "tls.untrusted")
    return NoAnswer(reason, may_have_left=False, detail=error.verify_message)


def _text(error: OSError) -> str:
    """Say what the system said, without the address: whoever sent the document may see it."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
