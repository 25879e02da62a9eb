"""`hutong adapter key|sign`: a region's key for bundles, and the signature that goes beside a zip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from adapters.bundle.signature import ED25519, KINDS, SM2, SUFFIX, BundleSigner, read_signature
from gateway.access.administrator import write_privately
from gateway.cli import adapter as adapters_here
from gateway.cli import files, moments
from gateway.cli.output import AsJson, CommandFailed, emit, facts, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url
from gateway.clock import system_clock

keys = typer.Typer(
    no_args_is_help=True,
    help="The keys with which regions sign their bundles.\n\n"
    "A province makes a key once, an administrator registers its public half for the province's region, and from then "
    "on the gateway takes only signed bundles for that region.",
)
adapters_here.app.add_typer(keys, name="key")

KeyFile = Annotated[
    Path, typer.Option("--key", help="The file of the private key, as `hutong adapter key new` wrote it.")
]
Region = Annotated[str, typer.Option("--region", help="Whose bundle it is, such as 330000.")]


@keys.command("new", epilog="hutong adapter key new zhejiang.key")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key is written, for you alone.")],
    sm2: Annotated[bool, typer.Option("--sm2", help="A key of SM2; else of Ed25519.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a private key that never leaves this machine, and print its public half."""
    if file.exists():
        raise CommandFailed(f"{file} is there already", "name another file: what it signed needs the key that is in it")
    signer = BundleSigner.new(SM2 if sm2 else ED25519)
    try:
        write_privately(file, signer.written())
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}", "choose another folder") from None
    made = {"id": signer.id, "kind": signer.kind, "public_key": signer.public.hex(), "file": str(file)}
    if as_json:
        emit(made)
        return
    facts([("key", signer.id), ("kind", signer.kind), ("public", signer.public.hex()), ("file", f"{file}, mode 0600")])
    say(f"  [dim]an administrator runs:[/] hutong adapter key add {signer.kind} {signer.public.hex()} --region REGION")


@keys.command("add", epilog="hutong adapter key add ed25519 PUBLIC --region 330000 --label 浙江省厅")
def add(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{' or '.join(KINDS)}.")],
    public_key: Annotated[str, typer.Argument(metavar="PUBLIC", help="The public half, in hexadecimal digits.")],
    region: Annotated[str, typer.Option("--region", help="It signs for this region and all that lies in it.")],
    label: Annotated[str, typer.Option("--label", help="Who has it.")] = "",
    expires: Annotated[
        str | None, typer.Option("--expires", help="From then on it signs nothing (ISO 8601); else never.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Let a key sign the bundles of a region, which must be signed from then on."""
    order = {"kind": kind, "public_key": public_key, "region": region, "label": label}
    added = Gateway(url, token, as_json).post("/v1/bundle-keys", {**order, "expires_at": moments.given(expires)})
    if as_json:
        emit(added)
        return
    say(f"[green]✓[/] {added['id']} signs for {added['region']}, whose bundles must be signed from now on")


@keys.command("list", epilog="hutong adapter key list --json")
def find(url: Url = DEFAULT_URL, token: Token = "", as_json: AsJson = False) -> None:
    """List the keys with their regions, those that were revoked too."""
    found = Gateway(url, token, as_json).get("/v1/bundle-keys")
    if as_json:
        emit(found)
        return
    times = ("created_at", "expires_at", "revoked_at")
    table(
        ["id", "kind", "region", "label", "since", "expires", "revoked"],
        [
            [one["id"], one["kind"], one["region"], one["label"], *(moments.shown(one[at]) for at in times)]
            for one in found["keys"]
        ],
        empty="None yet: hutong adapter key new FILE, then hutong adapter key add",
    )


@keys.command("revoke", epilog="hutong adapter key revoke fa82c17ddcfd2eeb")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As the list says it.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Have a key sign nothing any more. What it signed and was never active goes live only with --force."""
    Gateway(url, token).delete(f"/v1/bundle-keys/{quote(key_id, safe='')}")
    say(f"[green]✓[/] {key_id} signs nothing any more")


@adapters_here.app.command("sign", epilog="hutong adapter sign penalty-1.1.0.zip --key zhejiang.key --region 330000")
def sign(
    archive: Annotated[Path, typer.Argument(metavar="ZIP", help="A bundle as `hutong adapter pack` wrote it.")],
    key: KeyFile,
    region: Region,
    as_json: AsJson = False,
) -> None:
    """Sign the bytes of a zip, into ZIP.sig beside it, which `hutong adapter push ZIP` sends along.

    It is this very file that is signed: packed again, it is signed again.
    """
    signature = signed(archive, files.read(archive), key, region)
    if as_json:
        emit({"file": str(signature), "signature": signature.read_text(encoding="ascii").strip()})
        return
    say(f"[green]✓[/] {signature} · for {region}")
    say(f"  [dim]next: hutong adapter push {archive}[/]")


def signed(archive: Path, content: bytes, key: Path, region: str) -> Path:
    """Write the signature of an archive beside it."""
    try:
        signer = BundleSigner.read(files.read(key).decode("ascii"))
        signature = signer.sign(content, region, int(system_clock().timestamp()))
        written = signature.written()
        read_signature(written)
    except ValueError as error:
        raise CommandFailed(f"{key}, {region}: {error}", "`hutong adapter key new` makes a key") from None
    beside = signature_file(archive)
    try:
        beside.write_text(f"{written}\n", encoding="ascii")
    except OSError as error:
        raise CommandFailed(f"{beside} cannot be written: {error.strerror}", "choose another folder") from None
    return beside


def signature_file(archive: Path) -> Path:
    """Give where the signature of an archive is."""
    return archive.with_name(archive.name + SUFFIX)
