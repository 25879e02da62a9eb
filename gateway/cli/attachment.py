"""`hutong attachment`: upload a file once, so that documents may name it."""

from __future__ import annotations

import hashlib
import mimetypes
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import AsJson, CommandFailed, Misused, emit, facts
from gateway.cli.remote import DEFAULT_URL, Gateway, Url

app = typer.Typer(no_args_is_help=True, help="Files that documents name by their upload_id instead of carrying them.")

_PIECE = 1024 * 1024


@app.command("send", epilog="hutong attachment send photo.jpg --token CREDENTIAL")
def send(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to upload.")],
    content_type: Annotated[str | None, typer.Option("--content-type", help="Else told by FILE's name.")] = None,
    token: Annotated[
        str, typer.Option("--token", envvar="HUTONG_TOKEN", help="The platform's own credential.", show_default=False)
    ] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Upload a file as a platform. Its id, digest and size are what a document's attachments name."""
    if not token:
        raise Misused(
            "a platform's credential is needed to upload",
            "hutong platform credentials ID prints one; pass it as --token or HUTONG_TOKEN",
        )
    try:
        digest, size = _read(file)
        headers = {
            "Content-Type": content_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
            "Content-Length": str(size),
        }
        kept = Gateway(url, token, as_json).upload("/v1/attachments", _pieces(file), headers)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}") from None
    if as_json:
        emit(kept)
        return
    facts(kept.items())


def _read(file: Path) -> tuple[str, int]:
    """Give a file's SHA-256 in base64, and its size."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return b64encode(digest.digest()).decode(), size


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(_PIECE):
            yield piece
