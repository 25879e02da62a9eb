"""The zip of a bundle: an uploaded one becomes an adapter or is refused with file and line, and files become one."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from adapters.adapter import DeclarativeAdapter, load
from adapters.source import BrokenBundle, BundleFinding
from schemas import documents
from schemas.findings import Finding, Rejected, Text

LARGEST = 8 * 1024 * 1024
"""Bytes of a zip that is uploaded. What it unpacks to is bounded where it is unpacked."""

UNSUPPORTED = "mapping.document"
"""The finding that names a document which this gateway does not have."""

MOST_FINDINGS = 200

_NO_DATE = (1980, 1, 1, 0, 0, 0)


def opened(content: bytes) -> DeclarativeAdapter:
    """Make an adapter of a zip's bytes. Blocks for as long as it compiles.

    Rejected `bundle.broken` names file and line of every fault; Rejected `document.unsupported`
    explains that a mapping speaks of a document this gateway does not have.
    """
    with tempfile.TemporaryDirectory(prefix="hutong-bundle-") as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(content)
        try:
            return load(path)
        except BrokenBundle as broken:
            raise refused(broken.findings) from None


def refused(found: Iterable[BundleFinding]) -> Rejected:
    """Tell the faults of a bundle as a problem document can."""
    findings = [_finding(one) for one in found]
    if any(one.code == UNSUPPORTED for one in findings):
        return Rejected("document.unsupported", _unsupported(), findings[:MOST_FINDINGS])
    return Rejected("bundle.broken", _BROKEN, findings[:MOST_FINDINGS])


_BROKEN = Text(
    "适配包有误，未保存；请按 errors 中的文件和行号逐项改正后重新上传",
    "The bundle is broken and was not kept: mend what errors says, by file and line, and upload it again",
)


def _unsupported() -> Text:
    known = ", ".join(documents.NAMES)
    return Text(
        "映射所用的规范文书版本，本网关不能读写：同一版本只增加可选字段，不兼容的更改须用新的文书版本；"
        f"请改用本网关支持的版本：{known}",
        "A mapping names a document version that this gateway cannot read: within a version only optional fields "
        f"are added, and what would break becomes a version of its own. Use one of: {known}",
    )


def _finding(one: BundleFinding) -> Finding:
    location = ":".join(str(part) for part in (one.file, one.line, one.column) if part)
    message = Text(f"{one.message.zh}；{one.remedy.zh}", f"{one.message.en}; {one.remedy.en}")
    return Finding(one.code, message, path=location)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Write files (relative path → content) as a zip, in the order of their paths and without dates."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), files[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()
