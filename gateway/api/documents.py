"""The published schemas of the canonical documents."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.api.openapi import problems
from gateway.errors import NotFound
from schemas.documents import NAMES
from schemas.findings import Text
from schemas.publish import json_schema

router = APIRouter(prefix="/schemas", tags=["schemas"])

_UNKNOWN = Text(
    "没有这个文书；例如 /schemas/penalty-decision/1",
    "There is no such document; try /schemas/penalty-decision/1",
)

_SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {"description": "JSON Schema 2020-12", "content": {"application/schema+json": {"schema": {"type": "object"}}}}
}


@router.get(
    "/{document}/{version}",
    summary="The schema of a document · 文书结构",
    responses=problems(404) | _SCHEMA,
    response_class=Response,
)
async def show(
    document: Annotated[str, Path(max_length=100, examples=["penalty-decision"])],
    version: Annotated[str, Path(max_length=10, examples=["1"])],
) -> Response:
    """Give the JSON Schema of a canonical document, with Chinese titles."""
    name = f"{document}/{version}"
    if name not in NAMES:
        raise NotFound(_UNKNOWN, code="document.unknown")
    return Response(_written(name), 200, {"cache-control": "public, max-age=3600"}, "application/schema+json")


@cache
def _written(name: str) -> bytes:
    return orjson.dumps(json_schema(name))
