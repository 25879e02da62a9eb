"""`hutong adapter`: prove a bundle, try it on a file, and ask where each value comes from. Needs no gateway."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from msgspec.structs import asdict

from adapters import bundled
from adapters.adapter import load
from adapters.base import Adapter, Sending, Translation
from adapters.bundle import load as bundle_of
from adapters.source import BrokenBundle
from gateway.cli import drafting, files, proof
from gateway.cli.configuration import settings_here
from gateway.cli.output import AsJson, CommandFailed, Misused, emit, errors, foreign, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url
from gateway.errors.problems import problem
from gateway.releases.installed import InstalledAdapters, bundles_in, install
from schemas.catalog import TYPES
from schemas.documents import check as check_document
from schemas.findings import Rejected

app = typer.Typer(
    no_args_is_help=True,
    help="Prove a bundle, try it on a file, ask where each value comes from.\n\n"
    "BUNDLE is a folder, a zip, or the name of an installed adapter.",
)

app.command("new", epilog=drafting.NEW_EXAMPLE)(drafting.new)
app.command("suggest", epilog=drafting.SUGGEST_EXAMPLE)(drafting.suggest)
app.command("pairs", epilog=drafting.PAIRS_EXAMPLE)(drafting.pairs)

Bundle = Annotated[str, typer.Argument(metavar="BUNDLE", help="A folder, a zip, or an installed adapter's name.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An operation it receives, or a message type it sends.")]

_TRIAL = datetime(2026, 9, 1, tzinfo=UTC)
_TRIAL_ID = "00000000-0000-7000-8000-000000000000"


@app.command("list", epilog="hutong adapter list --json")
def find(
    remote: Annotated[
        bool, typer.Option("--remote", help="Ask the running gateway: its uploads, their states, who speaks them.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """List the installed adapters: the bundled ones and those of HUTONG_ADAPTERS, or a gateway's with their states."""
    if remote:
        _show_versions(Gateway(url, token, as_json).get("/v1/adapters"), as_json)
        return
    found = _installed().all()
    if as_json:
        emit({"adapters": [_summary(one) for one in found]})
        return
    table(
        ["name", "version", "title", "kind", "receives", "sends"],
        [[one.name, one.version, one.title, one.kind, sorted(one.receives), sorted(one.sends)] for one in found],
        empty="No adapter is installed.",
    )


def _show_versions(found: Any, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    table(
        ["name", "version", "state", "title", "kind", "spoken by"],
        [
            [one["name"], one["version"], one["state"], one["title"], one["kind"], one["platforms"]]
            for one in found["adapters"]
        ],
        empty="No adapter is installed.",
    )


@app.command("check", epilog="hutong adapter check adapters/penalty")
def check(
    bundle: Bundle,
    sandbox: Annotated[
        bool, typer.Option("--sandbox/--no-sandbox", help="Run the bundle against its own double, with faults.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Prove a bundle: manifest, paths, coverage, code tables, samples, laws, and a run against its own double.

    Exit code 1 when it fails; warnings do not count.
    """
    report = proof.proved(bundle_path(bundle), sandbox=sandbox, quiet=as_json)
    if as_json:
        emit(report.to_dict())
    else:
        proof.show(report)
    if not report.ok:
        raise typer.Exit(1)


@app.command("translate", epilog="hutong adapter translate penalty decision decision.json")
def translate(
    bundle: Bundle,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A native body, or a canonical document; - is stdin.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting that the bundle's requests use.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Translate a file: in when NAME is an operation, out when it is a message type."""
    adapter, content = _adapter(bundle), files.read(file)
    try:
        if name in adapter.receives:
            _show_inward(adapter, name, content)
        elif name in adapter.sends:
            _show_outward(adapter, name, content, _settings(settings or []), as_json)
        else:
            raise _unknown_name(adapter, name)
    except Rejected as error:
        raise _failure(error, as_json) from None


@app.command("explain", epilog="hutong adapter explain penalty decision")
def explain(
    bundle: Bundle,
    name: Name,
    as_json: AsJson = False,
) -> None:
    """Say for each canonical field which native path, converters and code table give it."""
    adapter = _adapter(bundle)
    if name not in adapter.receives and name not in adapter.sends:
        raise _unknown_name(adapter, name)
    lineage = adapter.lineage(name)
    if as_json:
        emit({"adapter": adapter.name, "operation": name, "fields": [asdict(one) for one in lineage]})
        return
    table(
        ["canonical", "title", "native", "converters", "code table", "note"],
        [[one.field, one.title, one.path, " → ".join(one.converters), one.codes, one.note] for one in lineage],
        empty="Its mapping writes nothing.",
    )


def show_broken(broken: BrokenBundle) -> None:
    """Print the findings of a bundle that cannot be loaded."""
    for one in broken.findings:
        said = foreign(f"{proof.position(one)}: {one.message.en} · {one.message.zh}")
        errors.print(f"[red]✗[/] {said}", highlight=False, soft_wrap=True)
        errors.print(
            f"  [dim]→[/] {foreign(one.remedy.en)} · {foreign(one.remedy.zh)}", highlight=False, soft_wrap=True
        )


def _installed() -> InstalledAdapters:
    return install(settings_here().adapter_folders)


def _path(bundle: str) -> Path | None:
    """Give the path that a bundle's name means; None: an adapter that is installed by that name."""
    if Path(bundle).exists():
        return Path(bundle)
    if "/" in bundle or bundle.endswith(".zip"):
        raise CommandFailed(
            f"{bundle} does not exist", "name a folder or a zip, or an adapter of `hutong adapter list`"
        )
    return None


def _adapter(bundle: str) -> Adapter:
    path = _path(bundle)
    return load(path) if path else _installed().get(bundle)


def bundle_path(bundle: str) -> Path:
    """Give the folder or zip that BUNDLE means; NotFound `adapter.unknown` when it is neither path nor name."""
    return _path(bundle) or _installed_path(bundle)


def _installed_path(name: str) -> Path:
    wanted = _installed().get(name).digest
    own = (path for folder in settings_here().adapter_folders for path in bundles_in(folder))
    return next(path for path in (*bundled().values(), *own) if bundle_of(path).digest == wanted)


def _show_inward(adapter: Adapter, operation: str, content: bytes) -> None:
    package = adapter.read(operation, content)
    translations = [adapter.translate_in(operation, record) for record in package.records]
    told = [_told(one) for one in translations]
    emit({"messages": told} if package.split else told[0])


def _told(translation: Translation) -> dict[str, Any]:
    warnings = [
        {"path": one.path, "field": one.field, "title": one.title, "code": one.code, "message": one.message.zh}
        for one in translation.warnings
    ]
    return {"type": translation.type, "document": translation.document, "warnings": warnings}


def _show_outward(adapter: Adapter, message_type: str, content: bytes, settings: dict[str, str], as_json: bool) -> None:
    document = check_document(TYPES[message_type].document, _json(content)).document
    sending = Sending(message_type, document, settings, _TRIAL_ID, _TRIAL_ID, _TRIAL)
    request = adapter.translate_out(sending)
    if as_json:
        body = request.body.decode("utf-8", "backslashreplace")
        emit({"method": request.method, "path": request.path, "headers": dict(request.headers), "body": body})
        return
    errors.print(f"[dim]{request.method} {request.path}[/]", highlight=False, soft_wrap=True)
    for name, value in request.headers.items():
        errors.print(f"[dim]{name}: {value}[/]", highlight=False, soft_wrap=True)
    sys.stdout.buffer.write(request.body + b"\n")


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise CommandFailed(
            f"FILE is not JSON: {error}", "a message type is translated out of its canonical JSON"
        ) from None


def _settings(texts: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in texts]
    if any(not equals for _, equals, _ in pairs):
        raise Misused("--set takes NAME=VALUE", "write it like --set app_key=…")
    return {name: value for name, _, value in pairs}


def _unknown_name(adapter: Adapter, name: str) -> Misused:
    return Misused(
        f"{adapter.name} neither receives nor sends {name}",
        f"it receives {', '.join(sorted(adapter.receives)) or 'nothing'}; it sends {', '.join(sorted(adapter.sends))}",
    )


def _failure(error: Rejected, as_json: bool) -> CommandFailed:
    told = problem(error.code, error.status, error.detail, error.findings)
    lines = [f"{error.code}: {error.detail.zh}", f"{error.detail.en}"]
    for one in error.findings:
        lines.append(f"{one.path or one.field or '-'} {one.title}: {one.message.zh} ({one.message.en})")
    return CommandFailed("\n  ".join(lines), told=told if as_json else None)


def _summary(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "version": adapter.version,
        "title": adapter.title,
        "kind": adapter.kind,
        "digest": adapter.digest,
        "receives": dict(adapter.receives),
        "sends": sorted(adapter.sends),
        "queries": sorted(adapter.queries),
    }
