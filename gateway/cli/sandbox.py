"""`hutong sandbox`: a platform's double, made from a bundle."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.adapter import bundle_path
from gateway.cli.files import value_of
from gateway.cli.output import Misused
from gateway.sandbox.serve import serve

EXAMPLE = "hutong sandbox --adapter penalty --port 9002"


def sandbox(
    adapter: Annotated[str, typer.Option("--adapter", help="A folder, a zip, or an installed adapter's name.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option("--host", help="Listen here.")] = "127.0.0.1",
    pull: Annotated[
        str | None, typer.Option("--pull", metavar="URL", help="Fetch from the inbox of this gateway (mode: pull).")
    ] = None,
    credential: Annotated[
        str, typer.Option("--credential", help="With --pull: the platform's own; @FILE, so that no shell sees it.")
    ] = "",
) -> None:
    """Stand in for a platform: take what the gateway sends, check it, answer as the bundle says."""
    if pull is not None and not credential:
        raise Misused("--pull needs the platform's --credential", "issue one: hutong platform credentials ID")
    serve(bundle_path(adapter), host=host, port=port, gateway=pull, credential=value_of(credential))
