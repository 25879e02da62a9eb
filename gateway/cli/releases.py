"""`hutong adapter pack|push|shadow|activate|rollback|retire`: a version's way from a folder to live traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.adapter import DeclarativeAdapter
from adapters.bundle import load
from adapters.bundle.signature import HEADER
from gateway.cli import adapter as adapters_here
from gateway.cli import files, moments, signing
from gateway.cli.adapter import Bundle, bundle_path
from gateway.cli.output import AsJson, CommandFailed, Misused, emit, facts, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url
from gateway.releases.upload import packed

app = adapters_here.app

Name = Annotated[str, typer.Argument(metavar="NAME", help="The adapter's name.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="One of its versions, such as 1.1.0.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]

_ZIP = {"Content-Type": "application/zip"}


@app.command("pack", epilog="hutong adapter pack my-bundle --out my-bundle.zip")
def pack(
    bundle: Bundle,
    out: Annotated[Path | None, typer.Option("--out", help="The zip to write; else NAME-VERSION.zip.")] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY", help="Sign it, too, with this private key; see `sign`.")
    ] = None,
    region: Annotated[str, typer.Option("--region", help="With --sign: whose bundle it is, such as 330000.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a bundle as a zip: the same files always give the same bytes."""
    if (sign is None) != (not region):
        raise Misused("--sign and --region go together", "write --sign KEY --region 330000")
    adapter, content = _packed(bundle)
    target = out or Path(f"{adapter.name}-{adapter.version}.zip")
    try:
        target.write_bytes(content)
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror}", "choose another file with --out") from None
    signature = None if sign is None else signing.signed(target, content, sign, region)
    if as_json:
        made = {"name": adapter.name, "version": adapter.version, "digest": adapter.digest, "file": str(target)}
        emit(made | ({} if signature is None else {"signature": str(signature)}))
        return
    say(f"[green]✓[/] {adapter.name} {adapter.version} · {adapter.digest[:12]} · {target}")
    if signature is not None:
        say(f"[green]✓[/] signed for {region} · {signature}")
    say(f"  [dim]next: hutong adapter push {target}[/]")


@app.command("push", epilog="hutong adapter push my-bundle")
def push(
    bundle: Bundle,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Let the gateway prove it, too.")] = True,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Upload a bundle to a gateway and let it be checked there. Exit code 1 when the check fails.

    A zip that has its signature beside it (ZIP.sig; see `sign`) is sent as it is, and the signature with it.
    """
    adapter, content = _packed(bundle)
    headers = dict(_ZIP)
    if bundle.endswith(".zip") and (beside := signing.signature_file(Path(bundle))).exists():
        content = files.read(Path(bundle))
        headers[HEADER] = files.read(beside).decode("ascii", "replace").strip()
    gateway = Gateway(url, token, as_json)
    answer = gateway.send("/v1/adapters", content, headers)
    if not answer.is_success:
        raise gateway.failure(answer)
    found = answer.json()
    if check:
        found = gateway.post(f"{_path(adapter.name, adapter.version)}/check")
    if as_json:
        emit(found)
    else:
        _show(found)
    if check and not found["report"]["ok"]:
        raise typer.Exit(1)


@app.command("shadow", epilog="hutong adapter shadow penalty 1.1.0 --recorded 200")
def shadow(
    name: Name,
    version: Version,
    recorded: Annotated[
        int, typer.Option("--recorded", min=0, max=1000, help="Compare the last so many messages of each platform.")
    ] = 0,
    expect: Annotated[
        list[str] | None, typer.Option("--expect", metavar="FIELD", help="A field that is meant to differ; repeatable.")
    ] = None,
    reason: Reason = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Let a version translate beside the active one, sending nothing, and show in what they differ.

    Call it again to see more; live traffic is compared in the meantime. Exit code 1 while there are
    differences that nobody declared with --expect: activation waits for them.
    """
    order = {"recorded": recorded, "expected": expect or None, "reason": reason}
    found = Gateway(url, token, as_json).post(f"{_path(name, version)}/shadow", order)
    if as_json:
        emit(found)
    else:
        _show_shadow(found)
    if found["unexplained"]:
        raise typer.Exit(1)


@app.command("activate", epilog='hutong adapter activate penalty 1.1.0 --reason "new notice fields"')
def activate(
    name: Name,
    version: Version,
    reason: Reason = "",
    force: Annotated[
        str | None, typer.Option("--force", metavar="REASON", help="Activate in spite of what speaks against it.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Let platforms use a version from now on. Attempts in flight end with the version they began with."""
    gateway = Gateway(url, token, as_json)
    _told(gateway.post(f"{_path(name, version)}/activate", {"reason": reason, "force": force}), as_json)


@app.command("rollback", epilog="hutong adapter rollback penalty")
def rollback(
    name: Name, reason: Reason = "", url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False
) -> None:
    """Go back to the version that was active before, at once; what a rollback left is not gone back to."""
    _told(Gateway(url, token, as_json).post(f"/v1/adapters/{name}/rollback", {"reason": reason}), as_json)


@app.command("retire", epilog="hutong adapter retire penalty 1.0.0")
def retire(
    name: Name,
    version: Version,
    reason: Reason = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Take a version out of use. It stays kept, for what it once translated."""
    _told(Gateway(url, token, as_json).post(f"{_path(name, version)}/retire", {"reason": reason}), as_json)


def _packed(bundle: str) -> tuple[DeclarativeAdapter, bytes]:
    loaded = load(bundle_path(bundle))
    return DeclarativeAdapter(loaded), packed(loaded.files)


def _path(name: str, version: str) -> str:
    return f"/v1/adapters/{name}/{version}"


def _told(found: Any, as_json: bool) -> None:
    if as_json:
        emit(found)
    else:
        _show(found)


def _show(found: Any) -> None:
    facts(
        [
            ("adapter", f"{found['name']} {found['version']} {found['title']}"),
            ("state", found["state"]),
            ("digest", found["digest"][:12]),
            ("signed", f"by {found['signed_by']} for {found['region']}" if found["signed_by"] else "by nobody"),
            ("spoken by", found["platforms"]),
            ("active since", moments.shown(found["activated_at"]) if found["state"] == "active" else None),
        ]
    )
    report = found["report"] or {"findings": [], "ok": True}
    table(
        ["", "where", "what", "what to do"],
        [
            [
                "!" if one["severity"] == "warning" else "✗",
                f"{one['file']}:{one['line']}" if one["line"] else one["file"],
                one["message"]["en"],
                one["remedy"]["en"],
            ]
            for one in report["findings"]
        ],
        empty="Nothing to mend." if found["report"] else "Not checked yet.",
    )
    say(f"  [dim]{_NEXT[found['state']].format(**found)}[/]")


def _show_shadow(found: Any) -> None:
    speed = "—" if found["speed"] is None else f"{found['speed']:.2f} times the active version's time"
    facts(
        [
            ("shadow", f"{found['name']} {found['version']} beside {found['active']}"),
            ("compared", f"{found['compared']}, {found['equal']} equal, {found['errors']} failed"),
            ("not compared", f"{found['dropped']}, so as not to slow live traffic" if found["dropped"] else None),
            ("speed", speed),
        ]
    )
    table(
        ["", "in", "field", "times", "active → shadow"],
        [
            [
                "expected" if one["expected"] else "✗",
                one["name"],
                one["field"],
                one["count"],
                [f"{each['active']} → {each['shadow']}" for each in one["examples"]],
            ]
            for one in found["fields"]
        ],
        empty="No difference was found." if found["compared"] else "Nothing was compared yet: try --recorded 100.",
    )
    if found["unexplained"]:
        say("  [dim]mend them, or declare what is meant: --expect FIELD[/]")
    else:
        say(f"  [dim]next: hutong adapter activate {found['name']} {found['version']}[/]")


_NEXT = {
    "draft": "mend what the check found, raise the version and push again",
    "checked": "next: hutong adapter shadow {name} {version}, or at once: hutong adapter activate {name} {version}",
    "shadow": "next: hutong adapter activate {name} {version}",
    "active": "to go back: hutong adapter rollback {name}",
    "retired": "to use it again: hutong adapter activate {name} {version}",
}
