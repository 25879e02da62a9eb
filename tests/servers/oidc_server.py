"""A real OpenID provider for tests: a process of its own, with keys, people and a log-in of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from gateway.demo.processes import Served, free_port

CLIENT = "hutong"
"""For whom the tokens are, unless a test says otherwise."""

_BACK = "http://127.0.0.1:9/back"


class OidcServer:
    """One provider. Started again, it has another key."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> OidcServer:
        command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(self._port)]
        environment = {"AUTHLIB_INSECURE_TRANSPORT": "1"}
        path = "/.well-known/openid-configuration"
        self._served = Served(command, self._port, path, self._folder / "oidc.log", environment)
        self._served.start()
        self._served.wait_until_serving()
        return self

    def __exit__(self, *_: object) -> None:
        self._served.kill()

    def restart(self) -> None:
        """Take another key."""
        self.__exit__()
        self.__enter__()

    def keys(self) -> list[dict[str, Any]]:
        """Give its public keys."""
        return list(httpx.get(f"{self.url}/jwks").json()["keys"])

    def token(self, subject: str, client: str = CLIENT, **claims: Any) -> str:
        """Log somebody in by an authorization code, and give the token that was issued for a client."""
        httpx.put(f"{self.url}/users/{subject}", json=claims).raise_for_status()
        asked = {"client_id": client, "redirect_uri": _BACK, "response_type": "code", "scope": "openid profile"}
        sent = httpx.post(f"{self.url}/oauth2/authorize", params=asked, data={"sub": subject})
        [code] = parse_qs(urlsplit(sent.headers["location"]).query)["code"]
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": _BACK}
        issued = httpx.post(f"{self.url}/oauth2/token", data=given, auth=(client, "any secret"))
        issued.raise_for_status()
        return str(issued.json()["id_token"])
