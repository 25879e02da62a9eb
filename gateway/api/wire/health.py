"""Whether the gateway is well."""

from __future__ import annotations

from typing import Literal

from gateway.api.wire.base import Wire


class Health(Wire):
    """Whether the gateway lives, and whether it can take documents."""

    status: Literal["ok", "unavailable"]
    detail: str | None = None
