"""Verify a bundle of evidence from the command line: what the script inside every bundle does."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.audit.bundle import check_bundle, key_of, not_proved, stamped
from gateway.audit.stamps import read_roots


def read_heads(text: str) -> list[Any]:
    """Read heads that were kept: one as JSON, a list of them, an answer with `heads`, or one a line."""
    try:
        found = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(found, Mapping):
        found = found.get("heads", [found])
    return list(found)


def main(arguments: Sequence[str]) -> int:
    """Verify a bundle: `python verify.py BUNDLE [--heads FILE] [--key-id ID]... [--tsa-ca FILE]`."""
    parser = argparse.ArgumentParser(description="Verify a bundle of evidence.")
    parser.add_argument("bundle", metavar="BUNDLE.zip")
    parser.add_argument("--heads", metavar="FILE", help="heads that were kept elsewhere")
    parser.add_argument("--key-id", metavar="ID", action="append", default=[], help="a key that is trusted; repeatable")
    parser.add_argument("--tsa-ca", metavar="FILE", help="certificates (PEM) by which time-stamps are believed")
    asked = parser.parse_args(arguments)
    heads: list[Any] = []
    roots: Sequence[Any] = ()
    if asked.tsa_ca:
        with open(asked.tsa_ca, "rb") as trusted:
            roots = read_roots(trusted.read())
    if asked.heads:
        with open(asked.heads, encoding="utf-8") as kept:
            heads = read_heads(kept.read())
    wrong = check_bundle(asked.bundle, heads, asked.key_id, roots)
    if wrong:
        print("\n".join(wrong))
        return 1
    print(f"the evidence holds, signed with the key {key_of(asked.bundle)}")
    if not asked.key_id:
        print("compare the key's id with the one that was published, or give that as --key-id")
    print("\n".join([*(stamped(asked.bundle) if roots else ()), *not_proved(asked.bundle)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
