"""`hutong message`: hand documents in, and see what became of them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from adapters.formats import BODY_FORMATS, SUFFIXES
from adapters.formats.format import BodyFormat
from gateway.api.inbound.answer import DECISION
from gateway.api.messages import MessageQuery
from gateway.cli import files, moments
from gateway.cli.batch import BatchFile
from gateway.cli.batch import send as send_batch
from gateway.cli.output import AsJson, Misused, emit, errors, facts, foreign, listing, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url, is_problem

app = typer.Typer(no_args_is_help=True, help="Hand documents in, and see where they went.")

MessageId = Annotated[str, typer.Argument(metavar="ID", help="The message_id of its 202.")]

_COLUMNS = {
    "received": "received_at",
    "id": "id",
    "type": "type",
    "from": "source",
    "key": "ordering_key",
    "state": "state",
}
_TIMELINE_COLUMNS = {"at": "at", "who": "actor", "what": "action", "reason": "reason"}
"""Heading → field of the answer."""

_TYPES = {".json": "application/json", ".xml": "application/xml", ".csv": "text/csv"}


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each filter of the message query, instead of its `**filters`.

    Typer makes options from a command's signature, so a signature that names the filters is put on it.
    """
    own = [one for one in signature(command, eval_str=True).parameters.values() if one.kind is not one.VAR_KEYWORD]
    found = [
        Parameter(
            name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=_filter_option(name, field.description)
        )
        for name, field in MessageQuery.model_fields.items()
        if name not in (one.name for one in own)
    ]
    command.__signature__ = Signature([*found, *own])  # type: ignore[attr-defined]
    return command


def _filter_option(name: str, description: str | None) -> Any:
    text = f"{description}." if description else None
    return Annotated[str | None, typer.Option(f"--{name.replace('_', '-')}", help=text)]


@app.command("list", epilog="hutong message list --type case.transferred --state dead")
@filter_options
def find(
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue after the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
    **filters: str | None,
) -> None:
    """List messages, newest first."""
    times = {name: moments.given(filters[name]) for name in ("since", "until")}
    found = Gateway(url, token, as_json).get("/v1/messages", **{**filters, **times}, cursor=cursor, limit=limit)
    if as_json:
        emit(found)
        return
    listing(_COLUMNS, found["messages"], empty="No such message.")
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
    listing(_TIMELINE_COLUMNS, found["timeline"], empty="Nothing was done to it since.", title="timeline")


@app.command("send", epilog="hutong message send decision.json --operation decision --token CREDENTIAL --dry-run")
def send(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document; - reads standard input.")],
    operation: Annotated[
        str | None, typer.Option("--operation", help="The adapter's operation; without it FILE is canonical.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Translate and route, store nothing.")] = False,
    key: Annotated[str | None, typer.Option("--key", help="Idempotency-Key.")] = None,
    content_type: Annotated[str | None, typer.Option("--content-type", help="Else told by FILE's name.")] = None,
    batch: Annotated[
        bool,
        typer.Option("--batch", help="FILE holds many records: NDJSON, CSV, an XML package, or one of them .gz."),
    ] = False,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Of a batch, pass over so many records.")] = 0,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="Write a batch's answers here, one JSON a line.")
    ] = None,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="How often a batch goes on by itself without getting further.")
    ] = 8,
    token: Annotated[
        str, typer.Option("--token", envvar="HUTONG_TOKEN", help="The platform's own credential.", show_default=False)
    ] = "",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Hand a document in as a platform, in its own format, or a batch. Exit code 1 when any of it was rejected."""
    if not token:
        raise Misused(
            "a platform's credential is needed to hand documents in",
            "hutong platform credentials ID prints one; pass it as --token or HUTONG_TOKEN",
        )
    if batch:
        if operation is None:
            raise Misused("a batch is sent for one operation", "name it with --operation")
        sent = BatchFile(file, operation, content_type, dry_run, key or f"batch-{uuid4()}")
        send_batch(sent, Gateway(url, token), offset=offset, answers=answers, retries=retries, as_json=as_json)
        return
    if offset or answers is not None:
        raise Misused("--offset and --answers belong to a batch", "add --batch")
    headers = {"Content-Type": content_type or _written_in(file).media_type}
    if key:
        headers["Idempotency-Key"] = key
    path = f"/v1/inbound/{operation}" if operation else "/v1/messages"
    gateway = Gateway(url, token, as_json)
    query = {"dry_run": "true"} if dry_run else {}
    response = gateway.send(path, files.read(file), headers, **query)
    if is_problem(response):
        raise gateway.failure(response)
    decision = response.headers.get(DECISION)
    if decision is not None:
        _say_own(response, decision, as_json)
    elif _is_json(response) and _is_outcome(found := response.json()):
        _say_outcome(found, as_json)
    else:
        raise gateway.failure(response)
    if not response.is_success:
        raise typer.Exit(1)


def _say_own(response: Any, decision: str, as_json: bool) -> None:
    """Show an answer in the platform's own words. Only the gateway's decision tells whether they mean yes."""
    own = response.json() if _is_json(response) else response.text
    if as_json or not isinstance(own, str):
        emit(own)
    else:
        say(foreign(own))
    if decision != "accepted":
        errors.print(f"[bold red]✗[/] {decision}: hutong does not take all of it", highlight=False)
        raise typer.Exit(1)


def _is_outcome(found: Any) -> bool:
    """Tell whether an answer is a gateway's: something may stand between, and say what it likes."""
    entries = found.get("messages", [found]) if isinstance(found, dict) else None
    return isinstance(entries, list) and all(
        isinstance(one, dict) and not one.keys().isdisjoint(("problem", "document", "duplicate")) for one in entries
    )


def _say_outcome(outcome: Any, as_json: bool) -> None:
    entries = outcome.get("messages", [outcome])
    if as_json or not entries or any("document" in one for one in entries):
        emit(outcome)
    else:
        table(
            ["#", "message", "type", "state", "to"],
            [_outcome(row, one) for row, one in enumerate(entries)],
            empty="The package was empty.",
        )
    if any("problem" in one for one in entries):
        raise typer.Exit(1)


def _outcome(row: int, entry: Any) -> list[Any]:
    if "problem" in entry:
        problem = entry["problem"]
        return [entry.get("index", row), "—", problem["code"], "rejected", problem["detail"]]
    # The entries at the end of a long answer are told without their details.
    to = [one["platform"] or f"{one['kind']} (nobody yet)" for one in entry.get("deliveries", ())]
    state = "duplicate" if entry["duplicate"] else entry["state"]
    return [entry.get("index", row), entry["message_id"], entry.get("type"), state, to]


def _is_json(response: Any) -> bool:
    return "json" in response.headers.get("content-type", "")


def _headers(message: Any) -> None:
    names = ("id", "type", "state", "source", "operation", "adapter", "region", "ordering_key", "correlation_id")
    facts(
        [
            *((name, message[name]) for name in names),
            ("received_at", moments.shown(message["received_at"])),
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


def _written_in(file: Path) -> BodyFormat:
    return SUFFIXES.get(file.suffix.lower().removeprefix("."), BODY_FORMATS["json"])
