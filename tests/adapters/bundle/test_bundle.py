"""Bundles: loaded whole from a folder or a zip, or rejected with every fault and its line."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from adapters.base import Limits, RetrySchedule
from adapters.bundle import Bundle, assemble, load
from adapters.source import BrokenBundle

TOWN = Path(__file__).parents[1] / "bundles" / "town"


def _files() -> dict[str, bytes]:
    return dict(load(TOWN).files)


def _pack(path: Path, files: Mapping[str, bytes], prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return path


def _faults(load_it: Callable[[], Bundle]) -> set[tuple[str, str, int]]:
    with pytest.raises(BrokenBundle) as caught:
        load_it()
    assert all(finding.remedy.zh and finding.remedy.en for finding in caught.value.findings)
    return {(finding.code, finding.file, finding.line) for finding in caught.value.findings}


def _with(old: str, new: str) -> set[tuple[str, int]]:
    files = _files()
    text = files["adapter.yaml"].decode()
    assert old in text
    files["adapter.yaml"] = text.replace(old, new, 1).encode()
    return {(code, line) for code, _, line in _faults(lambda: assemble(files))}


def _line(of: str) -> int:
    lines = (TOWN / "adapter.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if of in line)


def test_a_folder_is_loaded_whole() -> None:
    """Manifest, mappings, code tables and every file."""
    bundle = load(TOWN)
    assert bundle.manifest.adapter == "town"
    assert set(bundle.mappings) == {"execution", "progress"}
    assert set(bundle.codes) == {"execution-kind", "node"}
    assert bundle.manifest.limits.value() == Limits(2, 20.0, timedelta(seconds=5), 64 * 1024)
    assert bundle.manifest.retry.value() == RetrySchedule(
        timedelta(seconds=1), 2.0, timedelta(minutes=1), timedelta(hours=24)
    )


def test_base_url_is_always_a_setting() -> None:
    """An operator is asked for it without it being declared."""
    settings = load(TOWN).manifest.operator_settings()
    assert list(settings) == ["base_url", "key", "office"]
    assert [one.required for one in settings.values()] == [True, True, False]


def test_a_zip_is_the_same_bundle(tmp_path: Path) -> None:
    """Packed with or without its folder, the digest is the same."""
    folder = load(TOWN)
    assert load(_pack(tmp_path / "a.zip", folder.files)).digest == folder.digest
    assert load(_pack(tmp_path / "b.zip", folder.files, "town/")).digest == folder.digest


def test_the_digest_knows_every_byte_and_name() -> None:
    """A published version is everything in it: samples and README too; hidden files are not."""
    files = _files()
    base = assemble(files).digest
    assert assemble({**files, "README.md": b"other"}).digest != base
    renamed = {("READ.md" if name == "README.md" else name): content for name, content in files.items()}
    assert assemble(renamed).digest != base
    assert assemble(dict(reversed(files.items()))).digest == base


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    """What a desktop leaves behind changes nothing."""
    files = load(TOWN).files
    packed = _pack(tmp_path / "a.zip", {**files, ".DS_Store": b"x", "__MACOSX/a": b"x"})
    assert load(packed).digest == load(TOWN).digest


@pytest.mark.parametrize("name", ["../evil.yaml", "/etc/evil", "a/../../b", "c:/x", "a\\b"])
def test_a_zip_cannot_reach_outside(tmp_path: Path, name: str) -> None:
    """No absolute, drive or climbing paths."""
    packed = _pack(tmp_path / "a.zip", {**load(TOWN).files, name: b"x"})
    assert {code for code, _, _ in _faults(lambda: load(packed))} == {"bundle.path"}


def test_a_link_out_of_the_folder_is_rejected(tmp_path: Path) -> None:
    """A bundle holds its own files."""
    (tmp_path / "adapter.yaml").write_bytes(b"a: 1")
    (tmp_path / "README.md").symlink_to("/etc/hostname")
    assert {code for code, _, _ in _faults(lambda: load(tmp_path))} == {"bundle.path"}


def test_a_zip_bomb_is_rejected(tmp_path: Path) -> None:
    """Sizes are bounded before and while unpacking."""
    packed = _pack(tmp_path / "a.zip", {**load(TOWN).files, "big.txt": b"0" * (5 * 1024 * 1024)})
    assert {code for code, _, _ in _faults(lambda: load(packed))} == {"bundle.size"}
    many = {f"samples/{number}.txt": b"" for number in range(1001)}
    packed = _pack(tmp_path / "b.zip", {**load(TOWN).files, **many})
    assert {code for code, _, _ in _faults(lambda: load(packed))} == {"bundle.size"}


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    """A missing path, a text file, a broken zip, a folder without a manifest."""
    (tmp_path / "x.txt").write_text("x")
    broken = tmp_path / "broken.zip"
    whole = _pack(tmp_path / "a.zip", load(TOWN).files).read_bytes()
    broken.write_bytes(whole[:200] + b"\0" * 100 + whole[300:])
    (tmp_path / "empty").mkdir()
    places = (tmp_path / "nowhere", tmp_path / "x.txt", broken, tmp_path / "empty")
    codes = [_faults(partial(load, place)).pop()[0] for place in places]
    assert codes == ["bundle.missing", "bundle.missing", "bundle.zip", "bundle.manifest"]


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ("title: 示例县处罚系统", "titel: x", "manifest.unknown-key", "title: 示例县处罚系统"),
        ("limits: {concurrency: 2", "limits: {concurency: 2", "manifest.unknown-key", "limits:"),
        ("version: 1.0.0", "version: 1.0", "manifest.value", "version:"),
        ("timeout: 5s", "timeout: 5", "manifest.value", "limits:"),
        ("body: 64KB", "body: 64K", "manifest.value", "limits:"),
        ("rate: 20/s", "rate: fast", "manifest.value", "limits:"),
        ("format: {body: json, charset: utf-8}", "format: {body: pdf}", "manifest.value", "format:"),
        ("format: {body: json, charset: utf-8}", "format: {charset: big5}", "manifest.value", "format:"),
        ("auth: {scheme: api-key,", "auth: {scheme: gov-gateway,", "manifest.value", "auth:"),
        ("header: X-Key, value", "header: X-Key, query: k, value", "manifest.value", "auth:"),
        ('value: "{key}"', 'value: "{other}"', "placeholder.unknown", "auth:"),
        ("key: {type: secret", "key: {type: choice", "manifest.value", "key: {type"),
        ("type: penalty.executed", "type: penalty.exploded", "type.unknown", "type: penalty.executed"),
        ("type: penalty.executed", "type: penalty.decided", "mapping.document", "mapping: execution"),
        ("mapping: execution", "mapping: executions", "file.missing", "mapping: execution"),
        ("schema: package.xsd", "schema: parcel.xsd", "file.missing", "schema: package.xsd"),
        ("split: Data.Record[]", "split: Data.Record", "manifest.value", "split:"),
        ("identity: [AH, JD]", 'identity: [AH, "JD]"]', "manifest.value", "identity: [AH, JD]"),
        ('JLS: "{count}"', 'JLS: "{size}"', "placeholder.unknown", "require:"),
        (
            '"/cases/{case_number}/执行',
            '"/cases/{case_no}/执行',
            "placeholder.unknown",
            'path: "/cases/{case_number}/执',
        ),
        ('"/cases/{case_number}/执行', '"/cases/{case_number/执行', "manifest.value", "{case_number}/执"),
        ('rows: ["{record}"]', "rows: []", "envelope.record", "envelope: {head"),
        ("at: code, is: 0}, verdict: accepted", "at: code}, verdict: accepted", "manifest.value", "at: code, is: 0"),
        ("when: {status: 404}", "when: {status: 4040}", "manifest.value", "when: {status: 404}"),
        ("when: {status: 404}", "when: {}", "manifest.value", "when: {status: 404}"),
        ("verdict: refused", "verdict: delivered", "manifest.value", "verdict: refused"),
        ("{message_id}</Id>", "{citizen_id}</Id>", "placeholder.unknown", "{message_id}</Id>"),
        ("  penalties:", "  fines:", "manifest.value", "  penalties:"),
    ],
)
def test_a_fault_of_the_manifest_has_its_line(old: str, new: str, code: str, at: str) -> None:
    """Unknown keys, wrong values and names of things that are not there."""
    found = _with(old, new)
    assert (code, _line(at)) in found or (code in {c for c, _ in found} and at == "  penalties:")


def test_every_fault_is_told_at_once() -> None:
    """A province mends its bundle in one round."""
    files = _files()
    files["mappings/execution.yaml"] = b"a: &x 1\n"
    files["codes/node.csv"] = b"native,canonical,title\n1,filed,a\n1,filed,b\n"
    files["adapter.yaml"] = files["adapter.yaml"].replace(b"schema: package.xsd", b"schema: parcel.xsd")
    found = {(code, file) for code, file, _ in _faults(lambda: assemble(files))}
    assert ("yaml.alias", "mappings/execution.yaml") in found
    assert ("file.missing", "adapter.yaml") in found
    assert any(file == "codes/node.csv" for _, file in found)
