"""Bytes to tree and back, in the formats that platforms use.

`read` gives a `Body`, `write` gives `EncodedBody`; both raise `schemas.findings.Rejected` for what cannot be
read or written. The shape of a tree is described in `adapters.base`.
"""

from adapters.formats.codec import BODY_FORMATS, STREAMS, SUFFIXES, answered, cutter, of, read, recognise, write
from adapters.formats.format import Body, EncodedBody, Format
from adapters.formats.replies import read_reply

__all__ = [
    "BODY_FORMATS",
    "STREAMS",
    "SUFFIXES",
    "Body",
    "EncodedBody",
    "Format",
    "answered",
    "cutter",
    "of",
    "read",
    "read_reply",
    "recognise",
    "write",
]
