"""The uploads that a document names: there, the sender's to name, and what the document says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.intake.lookups import Lookups
from gateway.ledger.records import Upload
from schemas.findings import Finding, Rejected, Text

_LIST = "attachments"
_ID = "upload_id"


async def check_attached(lookups: Lookups, document: Mapping[str, Any]) -> None:
    """Let a document pass whose uploads concern its sender; Rejected `attachment.unknown`, `attachment.mismatch`.

    A sender may name what it uploaded, and what it received with a document itself: to pass it on.
    """
    for path, one in _named(document):
        upload = await lookups.upload(one[_ID])
        if upload is None:
            raise Rejected("attachment.unknown", _UNKNOWN, [_finding(f"{path}.{_ID}", one[_ID], _UNKNOWN)])
        for field, is_so in (("digest", _same_digest(one, upload)), ("size", _same_size(one, upload))):
            if not is_so:
                raise Rejected("attachment.mismatch", _MISMATCH, [_finding(f"{path}.{field}", one[field], _MISMATCH)])


def _named(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give each attachment that names an upload, and where it stands."""
    for index, one in enumerate(document.get(_LIST) or ()):
        if one.get(_ID):
            yield f"{_LIST}[{index}]", one


def _same_digest(one: Mapping[str, Any], upload: Upload) -> bool:
    said = str(one.get("digest") or "").lower()
    return not said.startswith("sha256:") or said == upload.digest


def _same_size(one: Mapping[str, Any], upload: Upload) -> bool:
    return one.get("size") is None or str(one["size"]) == str(upload.size)


def _finding(path: str, value: object, message: Text) -> Finding:
    return Finding("attachment.named", message, field=path, value=value)


_UNKNOWN = Text(
    "没有这个附件，或不是本平台上传或收到的；请先 POST /v1/attachments 上传，再引用其 upload_id",
    "There is no such upload, or not for this platform; upload it with POST /v1/attachments, then name its upload_id",
)
_MISMATCH = Text(
    "附件的摘要或大小与上传的内容不符；请核对后重新报送",
    "The attachment's digest or size is not that of what was uploaded; check it and send the document again",
)
