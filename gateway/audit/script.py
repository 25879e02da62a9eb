"""The script inside every bundle of evidence: what verifies, in one file that needs nothing of the gateway."""

from __future__ import annotations

import ast
from functools import cache
from importlib import resources

PARTS = ("hashing", "proofs", "sm2", "signatures", "stamps", "bundle", "verify")
"""The modules that it is made of, each after those that it needs."""

_HEAD = '''"""Verify a bundle of evidence: python verify.py BUNDLE.zip [--heads FILE] [--key-id ID]... [--tsa-ca FILE]

It needs Python 3.9 or newer and the package `cryptography`; for time-stamps (--tsa-ca) `rfc3161-client`, too.
"""

from __future__ import annotations
'''


@cache
def script() -> bytes:
    """Give the script: its modules one after the other, without what they import of each other."""
    folder = resources.files("gateway.audit")
    return "\n".join([_HEAD, *(_body(folder.joinpath(f"{part}.py").read_text("utf-8")) for part in PARTS)]).encode()


def _body(source: str) -> str:
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(("gateway.", "__future__")):
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[number] = ""
    return "\n".join(lines).strip() + "\n"
