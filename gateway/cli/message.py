"""`hutong message`: hand documents in, and see what became of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from adapters.formats import BODY_FORMATS, SUFFIXES
from adapters.formats.format import BodyFormat
from gateway.cli.output import AsJson, Misused, Refused, emit, facts, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url, is_problem

app = typer.Typer(no_args_is_help=True, help="Hand documents in, and see where they went.")

MessageId = Annotated[str, typer.Argument(metavar="ID", help="The message_id of its 202.")]


@app.command("list", epilog="hutong message list --type case.transferred --state dead")
def find(
    type: Annotated[str | None, typer.Option("--type", help="Message type.")] = None,
    platform: Annotated[str | None, typer.Option("--platform", help="Source or destination.")] = None,
    case_number: Annotated[str | None, typer.Option("--case-number")] = None,
    credit_code: Annotated[str | None, typer.Option("--credit-code")] = None,
    correlation_id: Annotated[str | None, typer.Option("--correlation-id")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Some delivery of it stands so.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="ISO 8601; without an offset, Chinese time.")] = None,
    until: Annotated[str | None, typer.Option("--until")] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List messages, newest first."""
    found = Gateway(url, token, as_json).get(
        "/v1/messages",
        type=type,
        platform=platform,
        case_number=case_number,
        credit_code=credit_code,
        correlation_id=correlation_id,
        state=state,
        since=since,
        until=until,
        cursor=cursor,
        limit=limit,
    )
    if as_json:
        emit(found)
        return
    table(
        ["received", "id", "type", "from", "key", "state"],
        [
            [one["received_at"][:19], one["id"], one["type"], one["source"], one["ordering_key"], one["state"]]
            for one in found["messages"]
        ],
        empty="No such message.",
    )
    if found["cursor"]:
        say(f"[dim]more: --cursor {found['cursor']}[/]")


@app.command("show", epilog="hutong message show 0199f1c2-7c3a-7e55-a7c1-5f2a8e0d9b11")
def show(message_id: MessageId, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Show a message: where it went, each attempt, and its timeline."""
    found = Gateway(url, token, as_json).get(f"/v1/messages/{message_id}")
    if as_json:
        emit(found)
        return
    _headers(found)
    _deliveries(found["deliveries"])
    table(
        ["at", "who", "what", "reason"],
        [[one["at"][:19], one["actor"], one["action"], one["reason"]] for one in found["timeline"]],
        empty="Nothing was done to it since.",
        title="timeline",
    )


@app.command("send", epilog="hutong message send decision.json --operation decision --token CREDENTIAL --dry-run")
def send(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document; - reads standard input.")],
    operation: Annotated[
        str | None, typer.Option("--operation", help="The adapter's operation; without it FILE is canonical.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Translate and route, store nothing.")] = False,
    key: Annotated[str | None, typer.Option("--key", help="Idempotency-Key.")] = None,
    content_type: Annotated[str | None, typer.Option("--content-type", help="Else told by FILE's name.")] = None,
    token: Annotated[
        str, typer.Option("--token", envvar="HUTONG_TOKEN", help="The platform's own credential.", show_default=False)
    ] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Hand a document in as a platform, in its own format. Exit code 1 when any of it was refused."""
    if not token:
        raise Misused(
            "a platform's credential is needed to hand documents in",
            "hutong platform credentials ID prints one; pass it as --token or HUTONG_TOKEN",
        )
    headers = {"Content-Type": content_type or _written_in(file).media_type}
    if key:
        headers["Idempotency-Key"] = key
    path = f"/v1/inbound/{operation}" if operation else "/v1/messages"
    gateway = Gateway(url, token, as_json)
    query = {"dry_run": "true"} if dry_run else {}
    response = gateway.send(path, _content(file), headers, **query)
    if is_problem(response):
        raise gateway.refused(response)
    _say_outcome(response.json() if _is_json(response) else response.text, as_json)
    if not response.is_success:
        raise typer.Exit(1)


def _say_outcome(outcome: Any, as_json: bool) -> None:
    entries = outcome.get("messages", [outcome]) if isinstance(outcome, dict) else []
    if isinstance(outcome, str) and not as_json:
        say(escape(outcome))
    elif as_json or not entries or "document" in entries[0]:
        emit(outcome)
    else:
        table(
            ["#", "message", "type", "state", "to"],
            [_outcome(place, one) for place, one in enumerate(entries)],
            empty="The package was empty.",
        )
    if any("problem" in one for one in entries):
        raise typer.Exit(1)


def _outcome(place: int, entry: Any) -> list[Any]:
    if "problem" in entry:
        problem = entry["problem"]
        return [entry.get("index", place), "—", problem["code"], "rejected", problem["detail"]]
    places = [one["platform"] or f"{one['kind']} (nobody yet)" for one in entry["deliveries"]]
    state = "duplicate" if entry["duplicate"] else entry["state"]
    return [entry.get("index", place), entry["message_id"], entry["type"], state, places]


def _is_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "")


def _written_in(file: Path) -> BodyFormat:
    return SUFFIXES.get(file.suffix.lower().removeprefix("."), BODY_FORMATS["json"])


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}", "check its path") from None


def _headers(message: Any) -> None:
    names = ("id", "type", "state", "source", "operation", "adapter", "region", "ordering_key", "correlation_id")
    facts(
        [
            *((name, message[name]) for name in names),
            ("received_at", message["received_at"]),
            ("keys", [f"{name}={value}" for name, value in message["keys"].items()]),
            ("enriched", [f"{name}={one['value']}" for name, one in message["enriched"].items()]),
            *(("warning", f"{one['path']} {one['message']}") for one in message["warnings"]),
        ]
    )


def _deliveries(deliveries: Any) -> None:
    table(
        ["delivery", "to", "state", "attempts", "reference", "reason"],
        [
            [
                one["id"],
                one["platform"] or f"{one['kind']} (nobody yet)",
                one["state"],
                one["attempts"],
                one["reference"],
                one["reason"] or (f"held by {one['held_by']}" if one["held_by"] else None),
            ]
            for one in deliveries
        ],
        empty="It goes nowhere.",
        title="deliveries",
    )
