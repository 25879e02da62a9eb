"""The canonical documents: what each holds, and the check that every one passes."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.documents.checking import MODELS, Checked, check, compiled
from schemas.documents.document import Document
from schemas.documents.field import Field, generic

NAMES: tuple[str, ...] = tuple(MODELS)
"""Every document, as `<document>/<version>`."""


def fields(name: str) -> Mapping[str, Field]:
    """Return the leaf fields of a document by canonical path; raises Rejected for an unknown name."""
    return compiled(name).leaves


def objects(name: str) -> Mapping[str, Field]:
    """Return the objects and lists of objects of a document by canonical path (`party`, `officers[]`)."""
    return compiled(name).objects


__all__ = ["MODELS", "NAMES", "Checked", "Document", "Field", "check", "fields", "generic", "objects"]
