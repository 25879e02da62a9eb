"""A value that does not fit its place in a bundle, told in both languages."""

from __future__ import annotations

from schemas.findings import Text


class Misfit(ValueError):
    """What would fit instead; validators raise it and findings show `message`."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.message = Text(zh, en)
