"""The canonical documents: what each holds, and the check that every one passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.documents.checking import MODELS, Checked, check, compiled
from schemas.documents.document import Document
from schemas.documents.field import Field, generic
from schemas.documents.moving import present_name, with_citizen_ids_moved, with_present_names

NAMES: tuple[str, ...] = tuple(MODELS)
"""Every document, as `<document>/<version>`, the versions of one in their order."""

_NEWEST = {name.partition("/")[0]: name for name in NAMES}


def current(name: str) -> str:
    """Return the newest version of a document: what `permit/1` says is kept as a `permit/2`, which reads it."""
    return _NEWEST.get(name.partition("/")[0], name)


def fields(name: str) -> Mapping[str, Field]:
    """Return the leaf fields of a document by canonical path; raises Rejected for an unknown name."""
    return compiled(name).leaves


def objects(name: str) -> Mapping[str, Field]:
    """Return the objects and lists of objects of a document by canonical path (`party`, `officers[]`)."""
    return compiled(name).objects


def mended(name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document that was accepted earlier as the check would keep it now.

    Citizen ids are in their own field, and what had another name then has its present one.
    """
    found: Mapping[str, Any] = with_citizen_ids_moved(document, compiled(name).parties)[0]
    return with_present_names(found)


__all__ = [
    "MODELS",
    "NAMES",
    "Checked",
    "Document",
    "Field",
    "check",
    "current",
    "fields",
    "generic",
    "mended",
    "objects",
    "present_name",
]
