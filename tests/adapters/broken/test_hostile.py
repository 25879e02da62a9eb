"""A bundle from a stranger who means harm: rejected with a finding, in bounded time and memory."""

from __future__ import annotations

import os
import shutil
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.check import Report, check

BASE = Path(__file__).parent / "base"
GOOD_ONES = 15
"""A hostile bundle may cost as much processor time as the check of so many good ones, in the same process."""

BYTES = 64 * 1024 * 1024


@contextmanager
def bounded() -> Iterator[None]:
    """Hold whatever is done inside to the time of fifteen good bundles, and 64 MB."""
    allowed = GOOD_ONES * _good()
    tracemalloc.start()
    started = time.process_time()
    yield
    took, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < allowed
    assert peak < BYTES


@cache
def _good() -> float:
    """Measure the check of a bundle that is well, its memory traced like that of the others."""
    tracemalloc.start()
    took = min(_cpu(lambda: check(BASE)) for _ in range(2))
    tracemalloc.stop()
    return took


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _checked(path: Path) -> Report:
    with bounded():
        report = check(path)
    assert not report.ok
    assert all(one.remedy.zh and one.remedy.en for one in report.findings)
    return report


def _codes(path: Path) -> set[str]:
    return {one.code for one in _checked(path).findings}


def _folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BASE, tmp_path / "bundle"))


def _spoilt(tmp_path: Path, file: str, old: str, new: str) -> Path:
    folder = _folder(tmp_path)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    return folder


# ── archives ─────────────────────────────────────────────────────────────────────────────────────
def _zip(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(BASE.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(BASE).as_posix())
    return path


def _add(path: Path, name: str | zipfile.ZipInfo, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content, method)
    return path


def test_the_archive_itself_is_well(tmp_path: Path) -> None:
    """What is found below comes from what was added."""
    assert check(_zip(tmp_path)).findings == ()


def test_a_zip_bomb_is_rejected(tmp_path: Path) -> None:
    """A few kilobytes that would be 300 MB."""
    path = _zip(tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("big.md", "w") as member:
        for _ in range(300):
            member.write(bytes(1024 * 1024))
    assert _codes(path) == {"bundle.size"}


def test_a_zip_that_lies_about_its_sizes_is_rejected(tmp_path: Path) -> None:
    """What it says is 10 bytes is 50 MB; no more than it says is ever unpacked."""
    path = _add(_zip(tmp_path), "big.md", bytes(50 * 1024 * 1024))
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    assert _codes(path) == {"bundle.zip"}


def test_many_small_files_are_rejected(tmp_path: Path) -> None:
    """In an archive and in a folder."""
    path = _zip(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(1500):
            archive.writestr(f"samples/x/{number}.md", b"")
    assert _codes(path) == {"bundle.size"}
    folder = _folder(tmp_path)
    for number in range(1100):
        (folder / f"{number}.md").touch()
    assert _codes(folder) == {"bundle.size"}


def test_a_directory_longer_than_its_files_is_rejected_unread(tmp_path: Path) -> None:
    """Half a million entries would cost memory before the first could be counted."""
    path = _zip(tmp_path)
    content = path.read_bytes()
    entry = content[content.index(b"PK\x01\x02") :][:46] + bytes(20)
    end = content.rindex(b"PK\x05\x06")
    directory = entry * 200_000
    size = struct.pack("<HHII", 60_000, 60_000, len(directory), end)
    path.write_bytes(content[:end] + directory + content[end : end + 8] + size + bytes(2))
    assert _codes(path) == {"bundle.size"}


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_rejected(tmp_path: Path, method: int) -> None:
    """They take as much memory as the archive asks for."""
    assert _codes(_add(_zip(tmp_path), "more.md", b"x" * 1000, method)) == {"bundle.zip"}


def _link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    "name",
    [
        "../evil.yaml",
        "mappings/../../evil.yaml",
        "/etc/evil.yaml",
        "C:/evil.yaml",
        "mappings\\..\\..\\evil.yaml",
        "mappings//evil.yaml",
        "./evil.yaml",
        "line\nbreak.md",
        "a" * 201,
        _link("mappings/link.yaml"),
    ],
    ids=lambda name: repr(name)[:40],
)
def test_no_path_leads_outside(tmp_path: Path, name: str | zipfile.ZipInfo) -> None:
    """Climbing, absolute, of another drive, a link, or not plainly readable."""
    (finding,) = _checked(_add(_zip(tmp_path), name, b"/etc/passwd")).findings
    assert finding.code == "bundle.path"
    assert finding.file.isprintable()


def test_a_folder_holds_plain_files_only(tmp_path: Path) -> None:
    """A pipe is never opened, a link leads nowhere else, and one in a circle ends."""
    for number, make in enumerate(
        (
            lambda path: os.mkfifo(path),
            lambda path: path.symlink_to("/etc/hostname"),
            lambda path: path.symlink_to(path),
            lambda path: path.symlink_to("/nowhere/at/all"),
        )
    ):
        folder = Path(shutil.copytree(BASE, tmp_path / f"bundle{number}"))
        make(folder / "README2.md")
        assert _codes(folder) == {"bundle.path"}


# ── YAML ─────────────────────────────────────────────────────────────────────────────────────────
def _laughs(levels: int) -> str:
    names = [f"n{number}" for number in range(levels)]
    lists = (f"{name}: &{name} [{', '.join([f'*{inner}'] * 9)}]\n" for inner, name in pairwise(names))
    return "n0: &n0 [x]\n" + "".join(lists)


YAML: dict[str, tuple[Callable[[int], str], str]] = {
    "laughs": (lambda size: _laughs(10 * size), "yaml.alias"),
    "lists in lists": (lambda size: "a: " + "[" * (2500 * size), "yaml.depth"),
    "steps": (lambda size: "".join("  " * n + f"k{n}:\n" for n in range(100 * size)), "yaml.depth"),
    "items in items": (lambda size: "- " * (50_000 * size), "yaml.depth"),
    "many values": (lambda size: "a: [" + "1," * (50_000 * size) + "1]", "yaml.values"),
    "a long text": (lambda size: "a: " + "x" * (300_000 * size), "yaml.size"),
    "a tag": (lambda size: "a: !!python/object/apply:os.system [ls]\n" * size, "yaml.tag"),
    "a merge": (lambda size: "<<: *base\n" * size, "yaml.alias"),
    "keys that are no text": (lambda size: "? " * (25_000 * size), "yaml.key"),
}
"""YAML by what is wrong with it: a text of a size, and what is found."""

TIMES = 2.5
FREE = 0.1
"""What takes less than this part of a good bundle is the noise of the machine."""


@pytest.mark.parametrize("file", ["adapter.yaml", "mappings/case.yaml"])
@pytest.mark.parametrize("kind", YAML)
def test_yaml_costs_what_it_weighs(tmp_path: Path, file: str, kind: str) -> None:
    """Laughs, aliases, depth, number, size and tags; twice as much is at most two and a half times the work."""
    make, code = YAML[kind]
    folder = _folder(tmp_path)
    (folder / file).write_text(make(2), "utf-8")
    assert code in _codes(folder)
    full = min(_cpu(lambda: check(folder)) for _ in range(2))
    (folder / file).write_text(make(1), "utf-8")
    half = min(_cpu(lambda: check(folder)) for _ in range(2))
    assert full <= TIMES * max(half, FREE * _good())


def test_a_thousand_faults_are_not_a_thousand_findings(tmp_path: Path) -> None:
    """As many as help, and how many more there are."""
    more = "".join(f"k{number}: 1\n" for number in range(5000))
    report = _checked(_spoilt(tmp_path, "adapter.yaml", "kind: penalty", f"kind: penalty\n{more}"))
    assert len(report.findings) == 201
    assert report.findings[-1].code == "check.more"


def test_many_large_mappings_are_rejected(tmp_path: Path) -> None:
    """Each within its bound, and together too much."""
    folder = _folder(tmp_path)
    for number in range(12):
        (folder / f"mappings/m{number}.yaml").write_text("document: " + "x" * 250_000, "utf-8")
    assert _codes(folder) == {"bundle.many"}


# ── code tables ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("row", "times", "code"),
    [
        ("{0},company,单位{0}\n", 400_000, "bundle.size"),
        ("{0},company,单位{0}\n", 60_000, "codes.size"),
        ("{0},company,x\n", 20_001, "codes.rows"),
        ("{0},stranger{0},x\n", 19_000, "codes.stranger"),
        ("{0},company,x\n", 19_000, "codes.ambiguous"),
        ("1,company,x\n", 19_000, "codes.native"),
    ],
)
def test_a_code_table_is_bounded(tmp_path: Path, row: str, times: int, code: str) -> None:
    """Ten megabytes, too many rows, and as many faults as rows."""
    folder = _folder(tmp_path)
    rows = "".join(row.format(number) for number in range(times))
    (folder / "codes/party.csv").write_text("native,canonical,title\n" + rows, "utf-8")
    assert code in _codes(folder)


# ── requests, headers, settings ──────────────────────────────────────────────────────────────────
PATH = "/cases/{case_number}?office={office}"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "http://evil.example/x",
        "https://evil.example",
        "@evil.example/x",
        "evil.example/x",
        "/\\\\evil.example/x",
        "/a/../../admin",
        "/a/./b",
        "/%2e%2e/admin",
        "/x\\r\\nHost: evil.example",
        "/x%0d%0aHost: evil",
        "/x y",
        "/x#y",
        "/x%zz",
        "/{__class__}",
        "/{case_number.__class__}",
        "/{a.b}",
        "/{case_number!r}",
        "/{case_number[0]}",
        "/{env:HOME}",
        "/{accepted_at:%999999999Y}",
        "/{accepted_at:%s}",
        "/{accepted_at:HOME}",
        "/{accepted_at:" + "%Y" * 40 + "}",
        "/{0}",
        "/{}",
        "/" + "x" * 2000,
    ],
)
def test_a_request_goes_to_its_platform_and_nowhere_else(tmp_path: Path, path: str) -> None:
    """No other host, no other request, and no value but those that are the bundle's."""
    assert _codes(_spoilt(tmp_path, "adapter.yaml", PATH, path)) <= {"manifest.value", "placeholder.unknown"}


@pytest.mark.parametrize(
    "header",
    [
        'Host: "evil.example"',
        'Content-Length: "5"',
        'Transfer-Encoding: "chunked"',
        'Connection: "upgrade"',
        'Idempotency-Key: "1"',
        'webhook-signature: "v1,x"',
        '"X-A\\r\\nHost": "x"',
        '"X A": "x"',
        '"": "x"',
        'X-A: "x\\r\\nHost: evil.example"',
        'X-A: "x\\0"',
        'X-A: "{env:HOME}"',
        'X-A: "{__class__}"',
    ],
)
def test_a_header_carries_text_and_frames_nothing(tmp_path: Path, header: str) -> None:
    """Neither by its name nor by its value."""
    folder = _spoilt(tmp_path, "adapter.yaml", 'X-Day: "{accepted_at:%Y%m%d}"', header)
    assert _codes(folder) <= {"manifest.value", "placeholder.unknown"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value: "{key}"', 'value: "{key}\\r\\nHost: evil"'),
        ('value: "{key}"', 'value: "{env:HOME}"'),
        ('value: "{key}"', 'value: "{__class__}"'),
        ("header: X-Key", "header: Host"),
        ("header: X-Key", 'header: "X-Key\\r\\nHost"'),
        ("https://county.example", "file:///etc/passwd"),
        ("https://county.example", "gopher://county.example"),
        ("https://county.example", "https://user:secret@county.example"),
        ("mapping: case\n", "mapping: ../../../etc/passwd\n"),
        ("schema: cases.schema.json", "schema: ../../../../etc/passwd"),
        ("schema: cases.schema.json", "schema: /etc/passwd"),
    ],
)
def test_settings_and_names_read_no_file_and_no_environment(tmp_path: Path, old: str, new: str) -> None:
    """A setting is what an operator types, a name is that of a file of the bundle."""
    assert _codes(_spoilt(tmp_path, "adapter.yaml", old, new)) <= {"manifest.value", "placeholder.unknown"}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('FLAG: "1"', 'FLAG: "{env:HOME}"', "mapping.placeholder"),
        ('FLAG: "1"', 'FLAG: "{__class__.__mro__}"', "mapping.placeholder"),
        ('FLAG: "1"', 'FLAG: "{accepted_at:%999999999d}"', "mapping.placeholder"),
        ("%Y-%m-%d %H:%M:%S", "%Y" * 4000, "mapping.converter"),
        ("%Y-%m-%d %H:%M:%S", "%999999999Y-%m-%d", "mapping.converter"),
        ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d%" + "%" * 50 + "Z", "mapping.converter"),
        ("{code: party}", "{code: ../../etc/passwd}", "mapping.converter"),
        ("{code: party}", "{pad: 1000000000}", "mapping.converter"),
        ("{code: party}", "{scale: 1e99}", "mapping.converter"),
        ("{code: party}", "{embedded: pickle}", "mapping.converter"),
        ("{code: party}", "{split: " + "x" * 10_000 + "}", "mapping.converter"),
        ("facts: SS", "facts: " + ".".join("a" * 40), "mapping.path"),
        ("facts: SS", "facts: " + "a" * 5000, "mapping.path"),
    ],
)
def test_a_mapping_runs_nothing(tmp_path: Path, old: str, new: str, code: str) -> None:
    """No attribute, no file, no format of any width, no path without end."""
    assert code in _codes(_spoilt(tmp_path, "mappings/case.yaml", old, new))


def test_separators_are_characters_and_no_pattern(tmp_path: Path) -> None:
    """What looks like a catastrophe of a pattern splits at its characters."""
    folder = _spoilt(tmp_path, "mappings/case.yaml", 'on: "；;"', 'on: "；(a+)+$"')
    with bounded():
        assert check(folder).findings == ()


# ── samples ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE P [<!ENTITY x SYSTEM "file:///etc/passwd">]><Package><Head><LX>&x;</LX></Head></Package>',
        '<!DOCTYPE P [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><Package>&x;</Package>',
        '<!DOCTYPE P SYSTEM "http://127.0.0.1:9/x.dtd"><Package/>',
        '<!DOCTYPE P [<!ENTITY a0 "ha">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
        + "]><Package>&a11;</Package>",
        "<a>" * 5000,
        "<Package " + " ".join(f'a{n}="1"' for n in range(3000)) + "/>",
    ],
    ids=["file", "network", "dtd", "laughs", "deep", "wide"],
)
def test_a_sample_fetches_and_expands_nothing(tmp_path: Path, body: str) -> None:
    """XML without entities, without network and without end."""
    folder = _folder(tmp_path)
    (folder / "samples/progress/1.native.xml").write_text(f'<?xml version="1.0" encoding="GBK"?>{body}', "gbk")
    report = _checked(folder)
    assert {one.code for one in report.findings} == {"sample.rejected"}
    assert "root:" not in report.findings[0].message.en


@pytest.mark.parametrize("body", ["[" * 5000, '{"AH":' * 300 + "1" + "}" * 300, '{"JE": 1e999999999}', "\x00\x01"])
def test_a_json_sample_is_bounded(tmp_path: Path, body: str) -> None:
    """Depth and numbers."""
    folder = _folder(tmp_path)
    (folder / "samples/execution/1.native.json").write_text(body, "utf-8")
    assert _codes(folder) == {"sample.rejected"}


def test_a_large_sample_is_rejected_by_the_bundles_own_limit(tmp_path: Path) -> None:
    """As the platform's body would be."""
    folder = _folder(tmp_path)
    (folder / "samples/execution/1.native.json").write_text('{"AH": "' + "x" * 2_000_000 + '"}', "utf-8")
    assert _codes(folder) == {"sample.rejected"}
