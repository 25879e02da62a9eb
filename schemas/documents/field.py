"""The fields of a document, read from its model once: path, titles, type, and whether it must be there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.field_types import Coded, Count, Identified, Naming, Scalar, Truth, Words
from schemas.identifiers import CitizenId, CreditCode, OfficerNumber

Kind = Scalar | Identified | Words | Coded | Truth | Count
_INDEX = re.compile(r"\[\d+\]")


class Field(Struct, frozen=True):
    """One field of a document.

    `path` writes lists as `officers[].name` and `kinds[]`. `type` is one of text, url, identifier,
    region, code, money, decimal, date, datetime, moment, integer, bool, and object for a container; `codes` names the
    canonical table of a code. `required` is relative to the parent object, `mandatory` to the whole
    document: it and everything it lies in is required. `repeated`: it is itself a list.
    """

    path: str
    title: str
    description: str
    type: str
    required: bool
    mandatory: bool
    personal: bool = False
    repeated: bool = False
    codes: str | None = None
    identifier: Naming | None = None
    lenient: bool = False

    @property
    def identity(self) -> bool:
        """Whether it tells who a party or a person is by a number."""
        return self.identifier in (CreditCode, CitizenId, OfficerNumber)


def generic(path: str) -> str:
    """Return `officers[0].name` as `officers[].name`, the form field paths are written in."""
    return _INDEX.sub("[]", path)


def read_fields(model: type[BaseModel]) -> tuple[Mapping[str, Field], Mapping[str, Field]]:
    """Return the leaves and the containers of a document model, by path, in the order of the model."""
    fields = {field.path: field for field in _walk(model, "", True)}
    leaves = {path: field for path, field in fields.items() if field.type != "object"}
    objects = {path: field for path, field in fields.items() if field.type == "object"}
    return MappingProxyType(leaves), MappingProxyType(objects)


def _walk(model: type[BaseModel], prefix: str, mandatory: bool) -> Iterator[Field]:
    for attribute, declared in model.model_fields.items():
        name = declared.serialization_alias or attribute
        inner, metadata, repeated = _unwrap(declared.annotation, tuple(declared.metadata))
        path = f"{prefix}{name}{'[]' if repeated else ''}"
        kind = next((one for one in metadata if isinstance(one, Kind)), None)
        field = _field(path, declared, kind, mandatory and declared.is_required(), repeated)
        yield field
        if kind is None:
            yield from _walk(inner, f"{path}.", field.mandatory)


def _field(path: str, declared: FieldInfo, kind: Kind | None, mandatory: bool, repeated: bool) -> Field:
    extra = declared.json_schema_extra
    return Field(
        path=path,
        title=declared.title or "",
        description=declared.description or "",
        type=kind.type if kind else "object",
        required=declared.is_required(),
        mandatory=mandatory,
        personal=isinstance(extra, dict) and extra.get("personal") is True,
        repeated=repeated,
        codes=kind.codes if kind else None,
        identifier=kind.identifier if isinstance(kind, Identified) else None,
        lenient=isinstance(kind, Identified) and kind.lenient,
    )


def _unwrap(annotation: Any, metadata: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], bool]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _unwrap(inner, (*metadata, *more))
    if origin in (Union, UnionType):
        (inner,) = (arm for arm in get_args(annotation) if arm is not type(None))
        return _unwrap(inner, metadata)
    if origin is list:
        inner, more_metadata, _ = _unwrap(get_args(annotation)[0], metadata)
        return inner, more_metadata, True
    return annotation, metadata, False
