"""A bundle's files as a zip: the same files, the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_NO_DATE = (1980, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Write files (relative path → content) as a zip, in the order of their paths and without dates."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), files[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()
