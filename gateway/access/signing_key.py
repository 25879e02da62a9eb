"""The gateway's signing key: kept in a file that only its owner reads, and made at the first start."""

from __future__ import annotations

from pathlib import Path

from gateway.access.administrator import write_privately
from gateway.audit.signatures import ED25519
from gateway.audit.signing import SigningKey


def signing_key(file: Path, algorithm: str = ED25519) -> SigningKey:
    """Give the key that a file keeps; where there is none, or it is empty, one is made, of that algorithm.

    ValueError for no key, and for one of another algorithm.

    What was signed with a key is verified with its public half, which the ledger keeps for good: a file that is lost
    loses nothing but the right to sign with it again.
    """
    kept = file.read_text(encoding="ascii").strip() if file.exists() else ""
    if not kept:
        write_privately(file, SigningKey.new(algorithm).written())
        kept = file.read_text(encoding="ascii").strip()
    try:
        key = SigningKey.read(kept)
    except ValueError:
        raise ValueError(
            f"{file}: no signing key, which is 64 hexadecimal digits; remove the file to have one made"
        ) from None
    if key.algorithm != algorithm:
        raise ValueError(f"{file}: a key of {key.algorithm}, not {algorithm}; name another file to have one made")
    return key
