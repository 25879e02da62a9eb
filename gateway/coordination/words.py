"""The words that processes tell each other."""

from __future__ import annotations

from collections.abc import Callable

CLAIMS = "claims"
"""A claim is free, or a process came: look who should have what."""

CHANGES = "changes"
"""Something was changed that processes have in memory: look whether it was."""

Tell = Callable[[str], None]
"""Tells other processes a word: one of the above, or the id of a platform that may have something to be delivered.

It returns at once and never raises; words that come soon after each other leave together.
"""

Told = Callable[[frozenset[str]], None]
"""Is told what other processes tell. A word may come twice, late, or never."""


def nobody(word: str) -> None:
    """Tell nobody: this process is the only one."""
