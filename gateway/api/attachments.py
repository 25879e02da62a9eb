"""Attachments: uploaded once, named by documents, and fetched by who received one of those."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from gateway.api.limits import StreamedRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import CallingPlatform, TheHub
from gateway.attachments.digests import stated
from gateway.ledger.records import Upload
from schemas.findings import Rejected, Text

PATH = "/v1/attachments"
"""Where attachments are uploaded."""

_BYTES = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}(?:;[\x20-\x7e]{0,100})?")

_CODED = Text(
    "附件须按原样发送，不要使用 Content-Encoding",
    "An attachment is sent as it is, without Content-Encoding",
)


class UploadView(RestModel):
    """What was uploaded; name it in a document's `attachments`, by `upload_id`."""

    upload_id: str
    digest: str = Field(description="`sha256:` and hexadecimal digits, as a document may state it")
    size: int = Field(description="Bytes")


router = APIRouter(prefix=PATH, tags=["attachments"], route_class=StreamedRoute)

_CONTENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "附件的原始内容 · the content as it is",
        "content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "The content", "content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post(
    "",
    status_code=201,
    summary="Upload an attachment · 上传附件",
    responses=problems(400, 401, 408, 413, 415, 429, 503),
    openapi_extra=_CONTENT,
)
async def upload(
    hub: TheHub,
    platform: CallingPlatform,
    request: Request,
    content_digest: Annotated[
        str | None, Header(description="RFC 9530: `sha-256=:BASE64:`, also `sha-512` or `sm3`")
    ] = None,
) -> UploadView:
    """Keep a file, durable when it is answered; it goes when no document names it for a week."""
    digests = stated(content_digest)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Rejected("encoding.unsupported", _CODED, status=415)
    kept = await hub.attachments.receive(platform.id, _media_type(request), digests, request.stream())
    return UploadView(upload_id=kept.id, digest=kept.digest, size=kept.size)


@router.get(
    "/{upload_id}",
    summary="Fetch an attachment · 下载附件",
    response_class=StreamingResponse,
    responses=problems(401, 404, 503) | _FOUND,
)
async def fetch(
    hub: TheHub, platform: CallingPlatform, upload_id: Annotated[str, Path(max_length=100)]
) -> StreamingResponse:
    """Give the content to who uploaded it, or sent or received a document that names it; for others there is none."""
    found = await hub.attachments.fetch(upload_id, platform.id)
    return StreamingResponse(found.content, headers=_headers(found.upload), media_type=None)


def _headers(upload: Upload) -> dict[str, str]:
    """Say what it is; a browser that comes here must save it, and never run what somebody uploaded."""
    digest = b64encode(bytes.fromhex(upload.digest.partition(":")[2])).decode()
    return {
        "content-type": upload.media_type,
        "content-length": str(upload.size),
        "content-digest": f"sha-256=:{digest}:",
        "content-disposition": "attachment",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }


def _media_type(request: Request) -> str:
    said = request.headers.get("content-type", _BYTES)
    return said if _MEDIA_TYPE.fullmatch(said) else _BYTES
