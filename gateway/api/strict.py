"""Reads JSON requests strictly: no duplicate keys, no NaN, no lone surrogates, bounded depth."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import jiter
from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictRequest(Request):
    """A request whose JSON must be unambiguous."""

    async def json(self) -> Any:
        """Parse the body; raises JSONDecodeError, which the framework turns into a 422."""
        body = await self.body()
        try:
            return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, partial_mode=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error


class StrictRoute(APIRoute):
    """A route that reads its JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Hand the framework's handler a strict request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict
