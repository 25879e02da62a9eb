"""The documentation page, with its scripts from our own address: it works with no internet."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from gateway.errors import NotFound
from schemas.findings import Text

router = APIRouter(include_in_schema=False)

_ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon.png": "image/png",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>互通 Hutong · 接口文档</title>
<link rel="icon" type="image/png" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""

_UNKNOWN = Text("没有这个文件；接口文档在 /docs", "There is no such file; the documentation is at /docs")


@router.get("/docs")
async def page() -> Response:
    """Show the interface documentation."""
    return Response(_PAGE, 200, _HEADERS, "text/html; charset=utf-8")


@router.get("/docs/assets/{name}")
def asset(name: str) -> Response:
    """Give one of the page's files, read on a thread of the framework's."""
    if name == "start.js":
        return Response(_START, 200, _HEADERS, "text/javascript; charset=utf-8")
    if name not in _ASSETS:
        raise NotFound(_UNKNOWN)
    content = files("fastapi_offline").joinpath("static", name).read_bytes()
    return Response(content, 200, {**_HEADERS, "cache-control": "public, max-age=86400"}, _ASSETS[name])
