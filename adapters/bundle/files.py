"""The files of a bundle, read from a folder or a zip: bounded in size, and none from outside it."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath

from adapters.source import BrokenBundle, BundleFinding
from schemas.findings import Text

MANIFEST = "adapter.yaml"
MAX_FILES = 1000
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_NAME = 200

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The other methods take as much memory as the archive asks for."""

_END = b"PK\x05\x06"
_END_SIZE = 22
_MAX_COMMENT = 65_535
_MAX_DIRECTORY = 1024 * 1024
_ENTRIES = slice(10, 12)
_DIRECTORY_BYTES = slice(12, 16)

_JUNK = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini")

Files = Mapping[str, bytes]
"""Relative path with `/` → content, in the order of the paths."""


def read(path: Path) -> Files:
    """Read a bundle's files from a folder or a zip; raises `BrokenBundle`. Hidden files do not count."""
    if path.is_dir():
        found = dict(_folder(path))
    elif path.is_file() and zipfile.is_zipfile(path):
        found = _zip(path)
    else:
        raise _broken(
            "bundle.missing",
            str(path),
            Text("不是文件夹，也不是 zip 文件", "it is neither a folder nor a zip"),
            Text("请给出适配包的文件夹或 zip 文件", "name the folder or the zip of a bundle"),
        )
    if MANIFEST not in found:
        raise _broken(
            "bundle.manifest",
            MANIFEST,
            Text("缺少 adapter.yaml", "adapter.yaml is missing"),
            Text("请在适配包的最外层放置 adapter.yaml", "put adapter.yaml at the top of the bundle"),
        )
    return {name: found[name] for name in sorted(found)}


def digest(files: Files) -> str:
    """Give the SHA-256, hexadecimal, over all paths and contents: a published version is its whole content."""
    whole = sha256()
    for name in sorted(files):
        for piece in (name.encode("utf-8"), files[name]):
            whole.update(len(piece).to_bytes(8, "big") + piece)
    return whole.hexdigest()


def _folder(root: Path) -> Iterator[tuple[str, bytes]]:
    base = root.resolve()
    bounds = _Bounds()
    found = list(islice(root.rglob("*"), 4 * MAX_FILES + 1))
    if len(found) > 4 * MAX_FILES:
        raise _too_much(root.name)
    for path in sorted(found):
        name = path.relative_to(root).as_posix()
        if not _is_junk(name) and not path.is_dir():
            yield name, _plain_file(path, name, base, bounds)


def _plain_file(path: Path, name: str, base: Path, bounds: _Bounds) -> bytes:
    """Read a file, but no pipe, device or link that leads outside."""
    try:
        if not path.resolve(strict=True).is_relative_to(base) or not stat.S_ISREG(path.stat().st_mode):
            raise _escapes(name)
        bounds.take(name, path.stat().st_size)
        # One byte more than allowed is read: the file may have grown since its size was asked.
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, RuntimeError):
        raise _escapes(name) from None
    if len(content) > MAX_FILE_BYTES:
        raise _too_much(name)
    return content


def _zip(path: Path) -> dict[str, bytes]:
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _without_top(dict(_members(archive)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise _broken(
            "bundle.zip",
            path.name,
            Text(f"zip 文件无法读取：{error}", f"the zip cannot be read: {error}"),
            Text("请重新打包（不要加密）", "pack it again, without encryption"),
        ) from None


def _check_directory(path: Path) -> None:
    """Bound the zip's directory before it is read: it may be larger than the files it lists.

    The larger zip64 form is never needed within the bounds of a bundle.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_SIZE - _MAX_COMMENT))
        tail = file.read()
    at = tail.rfind(_END)
    end = tail[at : at + _END_SIZE]
    entries, directory = (int.from_bytes(end[part], "little") for part in (_ENTRIES, _DIRECTORY_BYTES))
    if size > MAX_BYTES or entries > 2 * MAX_FILES or directory > _MAX_DIRECTORY or b"PK\x06\x07" in tail[at - 20 : at]:
        raise _too_much(path.name)


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    bounds = _Bounds()
    for entry in archive.infolist():
        if entry.is_dir() or _is_junk(entry.filename):
            continue
        _check_name(entry)
        if entry.compress_type not in _METHODS:
            raise NotImplementedError("only stored and deflated files are read")
        bounds.take(entry.filename, entry.file_size)
        # One byte more than allowed is read: the size in the directory may be false.
        with archive.open(entry) as member:
            content = member.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise _too_much(entry.filename)
        yield entry.filename, content


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    written = entry.orig_filename
    parts = name.split("/")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    odd = kind not in (0, stat.S_IFREG) or "\\" in written or ":" in name or not written.isprintable()
    if odd or len(name) > MAX_NAME or any(part in ("", ".", "..") for part in parts):
        raise _escapes(name)


def _without_top(files: dict[str, bytes]) -> dict[str, bytes]:
    """A zip of the folder itself holds everything under the folder's name."""
    tops = {name.partition("/")[0] for name in files}
    if MANIFEST in files or len(tops) != 1:
        return files
    prefix = f"{tops.pop()}/"
    return {name.removeprefix(prefix): content for name, content in files.items()}


class _Bounds:
    """Count files and bytes, and stop when there are too many."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.bytes = 0

    def take(self, name: str, size: int) -> None:
        if name in self.names:
            raise _broken(
                "bundle.twice",
                name,
                Text("文件在 zip 中出现两次", "the zip holds this file twice"),
                Text("请重新打包", "pack it again"),
            )
        self.names.add(name)
        self.bytes += size
        if size > MAX_FILE_BYTES or self.bytes > MAX_BYTES or len(self.names) > MAX_FILES:
            raise _too_much(name)


def _is_junk(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") and part not in (".", "..") for part in parts) or bool(set(parts) & set(_JUNK))


def _too_much(name: str) -> BrokenBundle:
    return _broken(
        "bundle.size",
        name,
        Text(
            f"适配包过大：至多 {MAX_FILES} 个文件，单个 4 MiB，总共 16 MiB",
            f"the bundle is too large: at most {MAX_FILES} files, 4 MiB each and 16 MiB together",
        ),
        Text("请删去不需要的文件", "remove files that are not needed"),
    )


def _escapes(name: str) -> BrokenBundle:
    return _broken(
        "bundle.path",
        "".join(one if one.isprintable() else "?" for one in name)[:MAX_NAME],
        Text("不是适配包内的普通文件", "it is not a plain file inside the bundle"),
        Text(
            "请只使用适配包内的普通文件和 / 分隔的相对路径", "use plain files inside the bundle, with / between names"
        ),
    )


def _broken(code: str, file: str, message: Text, remedy: Text) -> BrokenBundle:
    return BrokenBundle([BundleFinding(code, message, remedy, file)])
