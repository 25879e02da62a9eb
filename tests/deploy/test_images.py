"""Images are pinned by digest where a registry can be asked, all of them or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import images
import pytest
from deployed import DEPLOY, ROOT

SAID = "sha256:" + "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the files that name images."""
    for path in images.files(DEPLOY):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def registry(tmp_path: Path) -> str:
    """A command that stands for a registry: it knows every image but `redis`."""
    script = tmp_path / "ask"
    script.write_text(f"#!/bin/sh\ncase $1 in {{none}}*) echo 'not there' >&2; exit 1;; esac\necho {SAID}\n")
    script.chmod(0o755)
    return str(script)


def run(folder: Path, ask: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a folder."""
    command = [sys.executable, ROOT / "scripts" / "images.py", "--folder", folder, "--ask", ask, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_image_is_found(folder: Path, registry: str) -> None:
    """Those of the compose files and of the Dockerfile; without --write nothing changes."""
    before = {path: path.read_text() for path in images.files(folder)}
    said = run(folder, registry)
    names = {line.split(":")[0] for line in said.stdout.split()}
    assert names == {"grafana/grafana", "nginx", "postgres", "prom/prometheus", "python", "redis"}
    assert {path: path.read_text() for path in images.files(folder)} == before


def test_digests_stand_behind_the_tags(folder: Path, registry: str) -> None:
    """Written once; again, they are replaced and not added."""
    for _ in range(2):
        assert run(folder, registry, "--write").returncode == 0
    for path in images.files(folder):
        text = path.read_text()
        assert text.count("@sha256:") == text.count(f"@{SAID}") == len(images.images(text)) > 0


def test_one_that_cannot_be_resolved_changes_nothing(folder: Path, registry: str) -> None:
    """It is named, and no file is half pinned."""
    Path(registry).write_text(Path(registry).read_text().replace("{none}", "redis"))
    said = run(folder, registry, "--write")
    assert said.returncode != 0
    assert "redis:" in said.stderr
    assert "not there" in said.stderr
    assert not any("@sha256" in path.read_text() for path in images.files(folder))


def test_what_is_built_here_is_left_alone() -> None:
    """Its digest comes from where it was pushed to."""
    assert images.pinned("image: hutong:0.1.0\nimage: redis:7.4.5\n", lambda _: SAID) == (
        f"image: hutong:0.1.0\nimage: redis:7.4.5@{SAID}\n"
    )
