"""`hutong platform`: which outside systems are connected, and how they stand."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from gateway.cli import moments
from gateway.cli.files import value_of
from gateway.cli.output import AsJson, Misused, emit, errors, facts, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(
    no_args_is_help=True,
    help="Connect platforms, pause them, ask whether they answer. A platform is KIND.REGION, as penalty.330000.",
)

PlatformId = Annotated[str, typer.Argument(metavar="ID", help="KIND.REGION, such as penalty.330000.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]

_ENDS = {
    "credentials": "it refused ours; register it with new ones: hutong platform add ID --set NAME=VALUE",
    "breaker": "it does not answer; it is tried now and then, and goes on by itself when it does",
    "paused": "it was paused again meanwhile",
}
"""What ends a hold of a platform, by who holds it."""

_CREDENTIAL_TIMES = ("created_at", "last_used_at", "expires_at", "revoked_at")

_WORDS = {"true": True, "false": False}


class Mode(StrEnum):
    """How deliveries come to a platform."""

    PUSH = "push"
    PULL = "pull"


class CredentialKind(StrEnum):
    """What a credential is."""

    BEARER = "bearer"
    HMAC = "hmac"
    WEBHOOK = "webhook"
    SM2 = "sm2"


_MODES = {
    "push": "push: the gateway calls it",
    "pull": "pull: it fetches from /v1/inbox, and is never called",
}
"""What each mode means."""


@app.command("add", epilog="hutong platform add penalty.330000 --adapter penalty --set base_url=http://127.0.0.1:9002")
def add(
    platform_id: PlatformId,
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", help="An installed adapter; see `hutong adapter list`. A new platform needs one."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting; VALUE may be @FILE, so that no shell sees it."),
    ] = None,
    version: Annotated[str | None, typer.Option("--version", help="Stay on this version of the adapter.")] = None,
    mode: Annotated[
        Mode | None,
        typer.Option("--mode", help="push: the gateway calls it. pull: it cannot be called, and fetches for itself."),
    ] = None,
    dossier: Annotated[
        bool | None, typer.Option("--dossier/--no-dossier", help="Whether it may read enterprises' dossiers.")
    ] = None,
    limits: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="NAME=NUMBER", help="A bound of one of its bodies (records, …), or call_rate."),
    ] = None,
    covers: Annotated[
        list[str] | None,
        typer.Option("--covers", metavar="CODE", help="A code, or FIRST-LAST, that it is there for, too; '-': none."),
    ] = None,
    mandates: Annotated[
        list[str] | None,
        typer.Option(
            "--mandate",
            metavar="KIND",
            help="Lets it speak of other places: cross, designated, escalated, entrusted; '-': none.",
        ),
    ] = None,
    access: Annotated[
        str | None,
        typer.Option(
            "--access",
            metavar="JSON",
            help='How it shows who it is, as [{"scheme": "hmac-sha256"}], or @FILE; [] is its credential as it is.',
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="KIND", help="What its address may be: http, private, loopback; '-': none."),
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Register a platform, or change of a registered one only what is given. Deliveries that waited start at once."""
    given = dict(_setting(one) for one in settings or [])
    gateway = Gateway(url, token, as_json)
    before = _registered(gateway, platform_id)
    name = adapter or before.get("adapter")
    if name is None:
        raise Misused(f"{platform_id} is not registered yet, so it needs --adapter", "see `hutong adapter list`")
    # Secrets are never read back, and stay what they are when they are left out; settings of another adapter go.
    kept = before if before.get("adapter") == name else {}
    types = _types(gateway, name)
    values = {key: typed(value, types.get(key, "text")) for key, value in given.items()}
    body = {
        "adapter": name,
        "version": version or kept.get("version"),
        "settings": {**kept.get("settings", {}), **values},
        "mode": (mode or Mode(before.get("mode", Mode.PUSH))).value,
        "dossier": before.get("dossier", False) if dossier is None else dossier,
        "limits": {**before.get("limits", {}), **dict(_limit(one) for one in limits or [])},
        "covers": _listed(covers, before.get("covers", [])),
        "mandates": _listed(mandates, before.get("mandates", [])),
        "allow": _listed(allow, before.get("allow", [])),
    }
    if access is not None:
        body["access"] = _ways(access)
    platform = gateway.put(f"/v1/platforms/{platform_id}", body)
    if as_json:
        emit(platform)
        return
    say(f"[green]✓[/] {platform['id']} · {platform['region_name']} · {platform['adapter']}")
    why = "fetch from /v1/inbox" if platform["mode"] == Mode.PULL else "call the gateway"
    say(f"  [dim]next: hutong platform credentials {platform_id}[/]  (so that it may {why})")


@app.command("list", epilog="hutong platform list --json")
def find(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """List the platforms that are connected."""
    found = Gateway(url, token, as_json).get("/v1/platforms")
    if as_json:
        emit(found)
        return
    table(
        ["id", "region", "adapter", "address", "held by"],
        [[one["id"], one["region_name"], _adapter(one), _address(one), one["holds"]] for one in found["platforms"]],
        empty="No platform is connected yet: hutong platform add ID --adapter NAME --set base_url=…",
    )


@app.command("show", epilog="hutong platform show penalty.330000")
def show(platform_id: PlatformId, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Show one platform and what drifted from its adapter; secrets are named, never shown."""
    gateway = Gateway(url, token, as_json)
    platform = gateway.get(f"/v1/platforms/{platform_id}")
    drift = gateway.get(f"/v1/platforms/{platform_id}/drift")
    if as_json:
        emit({**platform, "drift": drift["operations"]})
        return
    _show(platform, as_json)
    _show_contacts(platform)
    _show_backlog(platform["backlog"], empty="Nothing waits for it.")
    _show_drift(drift)


@app.command("backlog", epilog="hutong platform backlog penalty.330000")
def backlog(
    platform_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="KIND.REGION; without it everything is shown.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Show what waits: how many deliveries stand where, and which of them has waited longest."""
    found = Gateway(url, token, as_json).get("/v1/backlog", platform=platform_id)
    if as_json:
        emit(found)
        return
    _show_backlog(found["backlog"], empty="Nothing waits.")


@app.command("pause", epilog='hutong platform pause penalty.330000 --reason "maintenance until 18:00"')
def pause(
    platform_id: PlatformId, reason: Reason, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False
) -> None:
    """Hold everything to a platform until it is resumed. Nothing is dropped."""
    _show(Gateway(url, token, as_json).post(f"/v1/platforms/{platform_id}/pause", {"reason": reason}), as_json)


@app.command("resume", epilog='hutong platform resume penalty.330000 --reason "maintenance over"')
def resume(
    platform_id: PlatformId, reason: Reason, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False
) -> None:
    """Let the deliveries to a paused platform go on, in order. Exit code 1 when something else still holds it."""
    platform = Gateway(url, token, as_json).post(f"/v1/platforms/{platform_id}/resume", {"reason": reason})
    _show(platform, as_json)
    if platform["holds"]:
        for by in platform["holds"]:
            errors.print(f"[bold red]✗[/] {platform_id} is still held by {by}: {_ENDS[by]}", highlight=False)
        raise typer.Exit(1)


@app.command("ping", epilog="hutong platform ping penalty.330000")
def ping(platform_id: PlatformId, url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """Ask whether a platform answers. Exit code 1 when it does not."""
    found = Gateway(url, token, as_json).post(f"/v1/platforms/{platform_id}/ping")
    if as_json:
        emit(found)
    elif found["reachable"]:
        say(f"[green]✓[/] {platform_id} answers: HTTP {found['status']}, {found['milliseconds']:.0f} ms")
    else:
        say(f"[red]✗[/] {platform_id} does not answer: {found['detail']}")
        say("  [dim]→[/] check its base_url and the network between; the gateway keeps everything until it is back")
    if not found["reachable"]:
        raise typer.Exit(1)


@app.command("credentials", epilog="hutong platform credentials penalty.330000 --label 2027 --expires 2028-01-31")
def credentials(
    platform_id: PlatformId,
    label: Annotated[str, typer.Option("--label", help="What it is for, so that people know which to revoke.")] = "",
    expires: Annotated[
        str | None, typer.Option("--expires", help="From then on it opens nothing (ISO 8601); else never.")
    ] = None,
    kind: Annotated[
        CredentialKind,
        typer.Option("--kind", help="bearer: it is sent. hmac, webhook: it signs. sm2: the platform's own key signs."),
    ] = CredentialKind.BEARER,
    public_key: Annotated[
        str, typer.Option("--public-key", metavar="HEX", help="Of --kind sm2: the key's point; may be @FILE.")
    ] = "",
    find: Annotated[bool, typer.Option("--list", help="List those it has, and issue none.")] = False,
    revoke: Annotated[
        str | None, typer.Option("--revoke", metavar="CREDENTIAL", help="Revoke the one of this id, and issue none.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Issue a credential for a platform's calls, shown this once; or list those it has, or revoke one."""
    if (find or revoke) and (label or expires or (find and revoke)):
        raise Misused("--list and --revoke issue nothing, and stand alone", "run the command once for each")
    gateway, address = Gateway(url, token, as_json), f"/v1/platforms/{platform_id}/credentials"
    if find:
        _show_credentials(gateway.get(address), as_json)
    elif revoke:
        gateway.delete(f"{address}/{quote(revoke, safe='')}")
        _show_revoked(revoke, as_json)
    else:
        order = {"label": label, "expires_at": moments.given(expires)}
        if kind is not CredentialKind.BEARER:
            order |= {"kind": kind.value, "public_key": value_of(public_key).strip()}
        issued = gateway.post(address, order)
        _show_issued(platform_id, issued, as_json)


def _show_issued(platform_id: str, issued: Any, as_json: bool) -> None:
    if as_json:
        emit(issued)
        return
    if issued["credential"]:
        say(issued["credential"])
    if issued["kind"] == CredentialKind.BEARER:
        say(f"  [dim]shown this once; {platform_id} sends it as[/] Authorization: Bearer …")
    else:
        say(f"  [dim]what {platform_id} signs names its key as[/] {issued['id']}")


def _show_revoked(id: str, as_json: bool) -> None:
    if as_json:
        emit({"id": id, "revoked": True})
        return
    say(f"[green]✓[/] {id} opens nothing any more")


def _show_credentials(found: Any, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    table(
        ["id", "kind", "label", "issued", "last used", "expires", "revoked"],
        [
            [one["id"], one["kind"], one["label"], *(moments.shown(one[name]) for name in _CREDENTIAL_TIMES)]
            for one in found["credentials"]
        ],
        empty="It has none; without --list one is issued",
    )


def _registered(gateway: Gateway, platform_id: str) -> dict[str, Any]:
    """Give a platform as it is registered; nothing where it is not."""
    listed = gateway.get("/v1/platforms")["platforms"]
    return next((one for one in listed if one["id"] == platform_id), {})


def _show(platform: Any, as_json: bool) -> None:
    if as_json:
        emit(platform)
        return
    facts(
        [
            ("id", platform["id"]),
            ("region", f"{platform['region']} {platform['region_name']}"),
            ("adapter", _adapter(platform)),
            ("covers", platform["covers"]),
            ("mandates", platform["mandates"]),
            ("shows who it is by", [one.get("scheme", "") for one in platform.get("access", [])] or ["bearer"]),
            ("its address may be", platform["allow"]),
            ("mode", _MODES[platform["mode"]]),
            *((f"settings.{name}", value) for name, value in platform["settings"].items()),
            *((f"limits.{name}", value) for name, value in platform.get("limits", {}).items()),
            ("secrets set", platform["secrets"]),
            ("may read dossiers", "yes" if platform["dossier"] else "no"),
            ("held by", platform["holds"]),
            ("held since", moments.shown(platform["held_since"])),
            ("holds", [_hold(one) for one in platform["hold_details"]]),
        ]
    )


def _hold(hold: Any) -> str:
    scope = f" of {hold['type']}" if hold["type"] else ""
    reason = f": {hold['reason']}" if hold["reason"] else ""
    return f"{hold['by']}{scope} since {moments.shown(hold['since'])}{reason}"


def _show_contacts(platform: Any) -> None:
    last = [("heard", one) for one in platform["heard"]] + [("delivered", one) for one in platform["delivered"]]
    if last:
        table(["last", "what", "at"], [[way, one["name"], moments.shown(one["at"])] for way, one in last], empty="")


def _show_backlog(backlog: Any, *, empty: str) -> None:
    table(
        ["platform", "state", "held by", "deliveries", "oldest", "for"],
        [
            [
                one["platform"] or f"{one['kind']} (nobody yet)",
                *(one["state"], one["held_by"], one["count"], one["oldest_id"]),
                str(timedelta(seconds=round(one["oldest_seconds"]))),
            ]
            for one in backlog
        ],
        empty=empty,
        title="backlog" if backlog else None,
    )


def _show_drift(drift: Any) -> None:
    noticed = [(each["operation"], one) for each in drift["operations"] for one in each["oddities"]]
    if noticed:
        table(
            ["operation", "drift", "native field", "canonical", "times", "last", ""],
            [
                [
                    *(operation, one["what"], one["path"], one["field"], one["count"]),
                    *(moments.shown(one["last"]), one["example"]),
                ]
                for operation, one in noticed
            ],
            empty="",
        )


def _address(platform: Any) -> str | None:
    """Say where a platform is called, or that it is not."""
    address: str | None = platform["settings"].get("base_url")
    return "(fetches: pull)" if platform["mode"] == Mode.PULL else address


def _adapter(platform: Any) -> str:
    return f"{platform['adapter']} {platform['version'] or '(active)'}"


def _types(gateway: Gateway, adapter: str) -> dict[str, str]:
    installed = gateway.get("/v1/adapters")["adapters"]
    return {one["name"]: one["type"] for found in installed if found["name"] == adapter for one in found["settings"]}


def typed(value: str, kind: str) -> str | int | bool:
    """Read a value as its setting's type; what cannot be read goes as it is, for the gateway to reject."""
    if kind == "bool":
        return _WORDS.get(value.lower(), value)
    if kind == "int" and value.lstrip("-").isdecimal():
        return int(value)
    return value


def _listed(given: list[str] | None, before: list[str]) -> list[str]:
    """Give a list as it is given now, all of it; `-` empties it, and what is not given stays."""
    return before if given is None else [one for one in given if one != "-"]


def _ways(text: str) -> list[Any]:
    try:
        ways = json.loads(value_of(text))
    except ValueError:
        ways = None
    if not isinstance(ways, list):
        raise typer.BadParameter('not a list in JSON, as [{"scheme": "hmac-sha256"}]', param_hint="--access")
    return ways


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    try:
        return name, int(number)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not NAME=NUMBER", param_hint="--limit") from None


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Misused(f"--set {text} is not NAME=VALUE", "write it like --set base_url=https://cf.example.gov.cn")
    return name, value_of(value)
