"""What is wrong with a document: one finding a fault, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class Text(Struct, frozen=True):
    """The same sentence in both languages of the interface."""

    zh: str
    en: str

    def say(self, language: str) -> str:
        """Give the sentence in `language`: Chinese unless it is `en`."""
        return self.en if language == "en" else self.zh


class Finding(Struct, frozen=True):
    """One fault or oddity of a document, and what to do about it.

    `path` is where the sender wrote it (native path), `field` the canonical field, `title` that
    field's Chinese title, `code` a stable dotted word (`identifier.shape`, `code.unknown`,
    `credit-code.check-digit` …). `value` is already masked when the field is personal.
    """

    code: str
    message: Text
    path: str = ""
    field: str = ""
    title: str = ""
    value: Any = None

    def at(self, *, path: str | None = None, field: str | None = None, title: str | None = None) -> Finding:
        """Return the same finding, told where it was found."""
        return replace(
            self,
            path=self.path if path is None else path,
            field=self.field if field is None else field,
            title=self.title if title is None else title,
        )


class Rejected(Exception):
    """A document (or a whole body) that cannot be accepted from its sender.

    `status` is the HTTP status that says so (400 the bytes cannot be read, 413 too large, 415 the
    charset or format is not the declared one, 422 read but not acceptable), `code` the stable word
    of the whole, `detail` says what to do next.
    """

    def __init__(self, code: str, detail: Text, findings: Iterable[Finding] = (), *, status: int = 422) -> None:
        super().__init__(f"{code}: {detail.en}")
        self.code = code
        self.detail = detail
        self.findings = tuple(findings)
        self.status = status
