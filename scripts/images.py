"""Pin the images of deploy/ by digest, where a registry can be asked: the same bytes, whatever a tag means tomorrow.

.venv/bin/python scripts/images.py            list each image, with its digest
.venv/bin/python scripts/images.py --write    write the digests behind the tags
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

DEPLOY = Path(__file__).parents[1] / "deploy"
ASK = "docker buildx imagetools inspect --format {{.Manifest.Digest}}"
"""What tells the digest of the image that is named behind it; `crane digest` and others do as well."""

_NAMED = re.compile(r"^(\s*(?:image:|FROM) +)([\w./:-]+:[\w.-]+)(@sha256:[0-9a-f]{64})?", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OWN = "hutong:"
"""What is built here has its digest from where it was pushed to; an overlay names it."""


def files(folder: Path) -> Iterator[Path]:
    """Give the files that name images."""
    yield folder / "Dockerfile"
    yield from sorted(folder.glob("compose*.yaml"))


def images(text: str) -> list[str]:
    """Give the images that a file names, each with its tag."""
    return [found[1] for found in _NAMED.findall(text) if not found[1].startswith(_OWN)]


def pinned(text: str, digest: Callable[[str], str]) -> str:
    """Write the digest of each image behind its tag, instead of one that is there."""

    def pin(found: re.Match[str]) -> str:
        return found[0] if found[2].startswith(_OWN) else f"{found[1]}{found[2]}@{digest(found[2])}"

    return _NAMED.sub(pin, text)


def resolve(command: str, image: str) -> str:
    """Ask for a digest; SystemExit with what was said when there is none."""
    asked = subprocess.run([*shlex.split(command), image], capture_output=True, text=True, check=False)
    found = _DIGEST.fullmatch(asked.stdout.strip())
    if asked.returncode or found is None:
        raise SystemExit(f"{image}: no digest; {(asked.stderr or asked.stdout).strip()[:500]}")
    return found[0]


def main(
    write: Annotated[bool, typer.Option("--write", help="Write the digests into the files.")] = False,
    ask: Annotated[str, typer.Option("--ask", help="The command that tells an image's digest.")] = ASK,
    folder: Annotated[Path, typer.Option("--folder", help="Where the files are.")] = DEPLOY,
) -> None:
    """Resolve every image; nothing is written unless all of them could be."""
    texts = {path: path.read_text(encoding="utf-8") for path in files(folder)}
    named = sorted({image for text in texts.values() for image in images(text)})
    digests = {image: resolve(ask, image) for image in named}
    for image, digest in digests.items():
        print(f"{image}@{digest}")
    for path, text in texts.items() if write else ():
        path.write_text(pinned(text, digests.__getitem__), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
