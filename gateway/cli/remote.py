"""Calls a running gateway over REST, and turns its problem documents into failures of the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer

from gateway.cli.output import CommandFailed, emit, say
from gateway.errors.problems import MEDIA_TYPE

DEFAULT_URL = "http://127.0.0.1:8080"

KEY = "Idempotency-Key"
"""Under it a gateway does what is asked only once, however often it is asked."""

CLIENT_VARIABLES = frozenset({"HUTONG_URL", "HUTONG_TOKEN"})
"""Variables that only these commands read; they are no settings of the gateway."""

Url = Annotated[str, typer.Option("--url", envvar="HUTONG_URL", help="Where the gateway is.")]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="HUTONG_ADMIN_TOKEN",
        help="The admin token (`hutong serve` tells its file).",
        show_default=False,
    ),
]

_HINTS: Mapping[int, str] = {
    401: "set HUTONG_ADMIN_TOKEN, or pass --token; `hutong serve` tells the file that has it",
    403: "use the admin token for this",
    404: "list what there is first, such as `hutong platform list` or `hutong message list`",
    503: "look at the gateway's log; `hutong doctor` checks the machine",
}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway. Every call raises CommandFailed when it is not carried out."""

    url: str
    token: str = field(repr=False)
    as_json: bool = False
    transport: httpx.BaseTransport | None = field(default=None, repr=False)

    def get(self, path: str, **query: Any) -> Any:
        """Read something."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def download(self, path: str, media: str, **query: Any) -> bytes:
        """Read something in another format than JSON."""
        asked = {name: value for name, value in query.items() if value is not None}
        response = self._request("GET", path, params=asked, headers={"Accept": media})
        kind: str = response.headers.get("content-type", "")
        if response.is_success and kind.startswith(media):
            return response.content
        raise self.failure(response)

    def post(self, path: str, body: Any = None) -> Any:
        """Ask for something to be done, once: should the answer be lost, the same is asked again under its key."""
        return self._call("POST", path, json={} if body is None else body, headers=_own_key())

    def put(self, path: str, body: Any) -> Any:
        """Register or change something, once as `post` does."""
        return self._call("PUT", path, json=body, headers=_own_key())

    def delete(self, path: str, **query: Any) -> Any:
        """Take something away, once as `post` does."""
        return self._call("DELETE", path, params=query, headers=_own_key())

    def send(self, path: str, content: bytes, headers: Mapping[str, str], **query: Any) -> httpx.Response:
        """Hand a document in, byte for byte; the answer comes back whatever its status."""
        return self._request("POST", path, content=content, headers=headers, params=query)

    def upload(self, path: str, content: Iterator[bytes], headers: Mapping[str, str], **query: Any) -> Any:
        """Hand a file in, piece by piece."""
        return self._call("POST", path, content=content, headers=headers, params=query)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._request(method, path, **arguments)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        if response.is_success and _is_json(response):
            return self._done(response)
        raise self.failure(response)

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **arguments.pop("headers", {})}
        try:
            with httpx.Client(
                base_url=self.url, timeout=60, trust_env=False, follow_redirects=False, transport=self.transport
            ) as client:
                return _once_more(client, client.build_request(method, path, headers=headers, **arguments))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CommandFailed(
                f"{self.url} is not an address: {error}", "write it like http://127.0.0.1:8080"
            ) from None
        except (httpx.TransportError, UnicodeError) as error:
            raise CommandFailed(
                f"no gateway answers at {self.url} ({type(error).__name__})",
                "start one with `hutong serve`, or set HUTONG_URL",
            ) from None

    def _done(self, response: httpx.Response) -> Any:
        """Give what was answered; a change that waits for a second person ends the command, and is no failure."""
        answer = response.json()
        if response.status_code != httpx.codes.ACCEPTED or set(answer) != {"approval_id"}:
            return answer
        if self.as_json:
            emit(answer)
        else:
            waits = answer["approval_id"]
            say(f"it waits for a second person: another one runs [cyan]hutong approval approve {waits}[/]")
        raise typer.Exit

    def failure(self, response: httpx.Response) -> CommandFailed:
        """Say why the gateway did not do it."""
        problem = _problem(response)
        if problem is None:
            return CommandFailed(
                f"{self.url} answers HTTP {response.status_code}, but not as a gateway does",
                "check HUTONG_URL, and whether a proxy stands between",
            )
        lines = [f"{problem.get('title', response.reason_phrase)}: {problem.get('detail', '')} [{problem.get('code')}]"]
        for one in problem.get("errors", []):
            where = one.get("path") or one.get("field") or "-"
            lines.append(f"  {where} {one.get('title', '')}: {one.get('message', '')}")
        hint = _HINTS.get(response.status_code, "")
        return CommandFailed("\n".join(lines), hint, told=problem if self.as_json else None)


def _own_key() -> dict[str, str]:
    return {KEY: str(uuid4())}


def _once_more(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request; one that has a key is sent a second time when its answer was lost, since it is done once."""
    try:
        return client.send(request)
    except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError):
        if KEY not in request.headers:
            raise
        return client.send(request)


def _is_json(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.startswith("application/json")


def is_problem(response: httpx.Response) -> bool:
    """Tell whether an answer is a problem document."""
    kind: str = response.headers.get("content-type", "")
    return kind.startswith(MEDIA_TYPE)


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    """Give the problem document of an answer, None when it is not one of ours."""
    if not is_problem(response):
        return None
    found = response.json()
    return found if isinstance(found, dict) else None
