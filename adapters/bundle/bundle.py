"""A bundle: its manifest and its files, loaded together or not at all, with every fault at its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters import source as sources
from adapters.bundle import files as bundle_files
from adapters.bundle.grammar import Manifest
from adapters.bundle.references import references
from adapters.mapping import codes
from adapters.source import BrokenBundle, BundleFinding, Key, Source
from schemas.findings import Text

_T = TypeVar("_T")

MAX_PARSED = 2 * 1024 * 1024
_MOST = (("mappings", ".yaml", 64), ("codes", ".csv", 256), ("native", "", 256))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle. `mappings` and `codes` are by name, without folder and extension."""

    manifest: Manifest
    source: Source
    files: Mapping[str, bytes]
    digest: str
    mappings: Mapping[str, Source] = field(default_factory=dict)
    codes: Mapping[str, codes.CodeTable] = field(default_factory=dict)

    def native(self, name: str) -> bytes:
        """Give the content of a file of the native folder."""
        return self.files[f"native/{name}"]


def load(path: Path | str) -> Bundle:
    """Load a bundle from a folder or a zip; raises `BrokenBundle` with every fault found."""
    return assemble(bundle_files.read(Path(path)))


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """Make a bundle of files; raises `BrokenBundle` with every fault found."""
    source = sources.load(files[bundle_files.MANIFEST], bundle_files.MANIFEST)
    faults: list[BundleFinding] = list(_too_many(files))
    if faults:
        raise BrokenBundle(faults)
    manifest = _manifest(source, faults)
    mappings = dict(_each(files, "mappings", ".yaml", sources.load, faults))
    tables = dict(_each(files, "codes", ".csv", _table, faults))
    if manifest is not None:
        faults.extend(references(manifest, source, files, mappings))
    if faults or manifest is None:
        raise BrokenBundle(faults)
    return Bundle(manifest, source, files, bundle_files.digest(files), mappings, tables)


def _too_many(files: Mapping[str, bytes]) -> Iterator[BundleFinding]:
    """Bound the number and size of files, and so the time that reading and checking a bundle takes."""
    for folder, extension, most in _MOST:
        found = [name for name in files if name.startswith(f"{folder}/") and name.endswith(extension)]
        if len(found) > most or sum(len(files[name]) for name in found) > MAX_PARSED:
            text = Text(
                f"{folder} 中至多 {most} 个文件，共 {MAX_PARSED // 1024} KiB",
                f"{folder} holds at most {most} files, {MAX_PARSED // 1024} KiB together",
            )
            remedy = Text("请合并或删去用不到的文件", "join files, or remove those that are not needed")
            yield BundleFinding("bundle.many", text, remedy, found[most] if len(found) > most else found[-1], 1, 1)


def _manifest(source: Source, faults: list[BundleFinding]) -> Manifest | None:
    if not isinstance(source.value, dict):
        text = Text("应为键和值", "keys and values are expected")
        faults.append(
            source.finding("manifest.shape", text, Text("请按适配包语法填写", "write it as the grammar says"))
        )
        return None
    try:
        return Manifest.model_validate(source.value)
    except ValidationError as error:
        faults.extend(_findings(error, source))
        return None


def _each(
    files: Mapping[str, bytes],
    folder: str,
    extension: str,
    read: Callable[[bytes, str], _T],
    faults: list[BundleFinding],
) -> Iterator[tuple[str, _T]]:
    for name, content in files.items():
        if name.startswith(f"{folder}/") and name.endswith(extension):
            try:
                yield name.removeprefix(f"{folder}/").removesuffix(extension), read(content, name)
            except BrokenBundle as broken:
                faults.extend(broken.findings)


def _table(content: bytes, file: str) -> codes.CodeTable:
    return codes.load(content, file.removeprefix("codes/").removesuffix(".csv"), file)


# ── faults of the manifest ───────────────────────────────────────────────────────────────────────
_CHECK = Text("请对照适配包语法改正该项", "correct it as the bundle grammar says")

_SAID: Mapping[str, Text] = {
    "string_type": Text("应为文本；数字请加引号", "text is expected; put a number in quotes"),
    "string_pattern_mismatch": Text("应符合格式 {pattern}", "it must look like {pattern}"),
    "string_too_short": Text("不能为空", "it must not be empty"),
    "string_too_long": Text("至多 {max_length} 个字符", "at most {max_length} characters"),
    "int_type": Text("应为整数", "a whole number is expected"),
    "int_parsing": Text("应为整数", "a whole number is expected"),
    "float_type": Text("应为数字", "a number is expected"),
    "float_parsing": Text("应为数字", "a number is expected"),
    "bool_type": Text("应为 true 或 false", "true or false is expected"),
    "bool_parsing": Text("应为 true 或 false", "true or false is expected"),
    "greater_than_equal": Text("不能小于 {ge}", "it must not be less than {ge}"),
    "less_than_equal": Text("不能大于 {le}", "it must not be more than {le}"),
    "too_short": Text("至少 {min_length} 项", "at least {min_length} are needed"),
    "too_long": Text("至多 {max_length} 项", "at most {max_length} are allowed"),
    "list_type": Text("应为列表", "a list is expected"),
    "dict_type": Text("应为键和值", "keys and values are expected"),
    "model_type": Text("应为键和值", "keys and values are expected"),
    "model_attributes_type": Text("应为键和值", "keys and values are expected"),
    "literal_error": Text("只能是 {expected}", "it must be {expected}"),
    "union_tag_invalid": Text("只能是 {expected_tags}", "it must be one of {expected_tags}"),
    "union_tag_not_found": Text("缺少 scheme", "it needs a scheme"),
}


def _findings(error: ValidationError, source: Source) -> Iterator[BundleFinding]:
    """Give one finding an error, at the line of the value it is about; alternatives of one value are one error."""
    seen: set[tuple[tuple[Key, ...], str]] = set()
    for detail in error.errors(include_url=False):
        keys = _keys(source.value, detail["loc"])
        wanted = str(detail["loc"][-1]) if detail["type"] == "missing" else ""
        if (keys, wanted) not in seen:
            seen.add((keys, wanted))
            yield _finding(detail, keys, source)


def _finding(detail: ErrorDetails, keys: tuple[Key, ...], source: Source) -> BundleFinding:
    name = ".".join(map(str, keys)) or source.name
    if detail["type"] == "extra_forbidden":
        return source.finding(
            "manifest.unknown-key",
            Text(f"不认识的键 {name}", f"unknown key {name}"),
            Text("请检查拼写，或删去该键", "check the spelling, or remove it"),
            *keys,
        )
    if detail["type"] == "missing":
        wanted = detail["loc"][-1]
        return source.finding(
            "manifest.missing",
            Text(f"缺少 {wanted}", f"{wanted} is missing"),
            Text(f"请在此处填写 {wanted}", f"write {wanted} here"),
            *keys,
        )
    said = _said(detail)
    return source.finding("manifest.value", Text(f"{name}：{said.zh}", f"{name}: {said.en}"), _CHECK, *keys)


def _said(detail: ErrorDetails) -> Text:
    context: dict[str, Any] = detail.get("ctx") or {}
    message = getattr(context.get("error"), "message", None)
    if isinstance(message, Text):
        return message
    known = _SAID.get(detail["type"])
    if known is None:
        return Text(f"值不合要求（{detail['msg']}）", detail["msg"])
    return Text(known.zh.format(**context), known.en.format(**context))


def _keys(value: Any, location: tuple[int | str, ...]) -> tuple[Key, ...]:
    """Keep the parts of a location that are keys of the file, and not names of alternatives."""
    keys: list[Key] = []
    for part in location:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        keys.append(part)
    return tuple(keys)
