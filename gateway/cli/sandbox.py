"""`hutong sandbox`: a platform's double, made from a bundle."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.adapter import bundle_path
from gateway.sandbox.serve import serve

EXAMPLE = "hutong sandbox --adapter penalty --port 9002"


def sandbox(
    adapter: Annotated[str, typer.Option("--adapter", help="A folder, a zip, or an installed adapter's name.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option("--host", help="Listen here.")] = "127.0.0.1",
) -> None:
    """Stand in for a platform: take what the gateway sends, check it, answer as the bundle says."""
    serve(bundle_path(adapter), host=host, port=port)
