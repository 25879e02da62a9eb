"""Bytes to tree and back, in the formats that platforms speak.

`read` gives a `Body`, `write` gives `Wire`; both raise `schemas.findings.Rejected` for what cannot be
read or written. The shape of a tree is described in `adapters.base`.
"""

from adapters.formats.codec import read, write
from adapters.formats.values import Body, Format, Wire

__all__ = ["Body", "Format", "Wire", "read", "write"]
