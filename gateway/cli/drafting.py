"""`hutong adapter new` and `suggest`: from samples to a drafted bundle, and why each column is taken for what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters import load
from adapters.formats import SUFFIXES
from adapters.suggest import (
    CONFIDENT,
    BundleDraft,
    DraftOperation,
    NativeSample,
    Pairs,
    Suggestion,
    Undraftable,
    draft,
    missing_pairs,
    read_sample,
)
from adapters.suggest.coding import merged
from gateway.cli import files
from gateway.cli.output import AsJson, CommandFailed, Misused, emit, foreign, say, table
from gateway.intake.routes import read_routes
from schemas.catalog import TYPES
from schemas.documents import fields
from schemas.findings import Rejected

NEW_EXAMPLE = "hutong adapter new hunan-penalty --kind penalty --from samples/*.json"
PAIRS_EXAMPLE = "hutong adapter pairs hunan-penalty"
SUGGEST_EXAMPLE = "hutong adapter suggest samples/*.json --kind penalty"

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OPERATION = re.compile(r"[a-z][a-z0-9]*([-.][a-z0-9]+)*")
_SUFFIXES = frozenset(f".{suffix}" for suffix in SUFFIXES)
_GOLDEN = ".canonical.json"

Kind = Annotated[str, typer.Option("--kind", help="The kind of platform: penalty, pollutant-permit, …")]
Operations = Annotated[
    list[str] | None,
    typer.Option(
        "--operation",
        metavar="NAME=TYPE",
        help="What the samples are, as decision=penalty.decided; else it is guessed.",
    ),
]


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The adapter's name: lower case, digits and hyphens.")],
    kind: Kind,
    from_: Annotated[
        list[Path],
        typer.Option("--from", metavar="SAMPLE…", help="Sample files or folders: JSON, XML, CSV, XLSX."),
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[SAMPLE…]", help="More samples.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", help="Where to write it; ./NAME unless given.")
    ] = None,
    operation: Operations = None,
    title: Annotated[str, typer.Option("--title", help="The platform's name in Chinese.")] = "",
    as_json: AsJson = False,
) -> None:
    """Draft a bundle from samples: schema, mappings, code tables. What is not sure is left to you, as comments."""
    if not _NAME.fullmatch(name):
        raise Misused(
            f"{name} cannot be an adapter's name", "use lower case letters, digits and hyphens: hunan-penalty"
        )
    folder = into or Path(name)
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise CommandFailed(f"{folder} is there already", "name another folder with --into, or move it away")
    drafted = _drafted(name, kind, [*from_, *(more or [])], operation or [], title)
    _write(folder, drafted)
    if as_json:
        emit({"folder": str(folder), "files": sorted(drafted.files), "operations": _told(drafted.operations)})
        return
    _show(drafted.operations)
    _next(folder, drafted)


def suggest(
    samples: Annotated[list[Path], typer.Argument(metavar="SAMPLE…", help="Sample files or folders.")],
    kind: Kind = "",
    operation: Operations = None,
    as_json: AsJson = False,
) -> None:
    """Say what each column of samples most likely is, how sure that is, and why. Writes nothing."""
    drafted = _drafted("draft", kind or "any", samples, operation or [], "", known_kind=not kind)
    if as_json:
        emit({"operations": _told(drafted.operations)})
        return
    _show(drafted.operations)


def pairs(
    bundle: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a bundle.")], as_json: AsJson = False
) -> None:
    """Write the canonical half that samples lack, as the bundle translates them now. Read each: it may be wrong."""
    if not bundle.is_dir():
        raise Misused(f"{bundle} is not a folder", "name the folder of a bundle, as hutong adapter new wrote it")
    found = missing_pairs(load(bundle))
    for name, content in found.made.items():
        _write_file(bundle / name, content)
    if as_json:
        refused = {name: error.detail.en for name, error in found.refused.items()}
        emit({"written": sorted(found.made), "refused": refused})
    else:
        _show_pairs(bundle, found)
    if found.refused:
        raise typer.Exit(1)


def _show_pairs(bundle: Path, found: Pairs) -> None:
    for name in found.made:
        say(f"[green]✓[/] {foreign(str(bundle / name))}")
    for name, error in found.refused.items():
        say(f"[red]✗[/] {foreign(name)} has no other half yet: {foreign(error.detail.zh)} · {foreign(error.detail.en)}")
        for one in error.findings[:5]:
            where = f"{one.path or one.field} {one.title}".strip()
            say(f"    {foreign(where)}: {foreign(one.message.zh)} · {foreign(one.message.en)}")
    if not found.made and not found.refused:
        say("[dim]Every sample has both halves.[/]")


def _drafted(
    name: str, kind: str, paths: Sequence[Path], operations: Sequence[str], title: str, *, known_kind: bool = False
) -> BundleDraft:
    routes = read_routes()
    if kind not in routes.kinds and not known_kind:
        raise Misused(f"there is no kind {kind}", f"the kinds are {', '.join(sorted(routes.kinds))}")
    favoured = [one for one, route in routes.routes.items() if kind in route.sources]
    try:
        return draft(name, kind, _samples(paths), operations=_operations(operations), favoured=favoured, title=title)
    except Undraftable as error:
        raise CommandFailed(
            f"{error.message.zh}\n  {error.message.en}", f"{error.remedy.zh} · {error.remedy.en}"
        ) from None


def _operations(texts: Sequence[str]) -> dict[str, str]:
    pairs = {name: message_type for name, _, message_type in (one.partition("=") for one in texts)}
    for name, message_type in pairs.items():
        if message_type not in TYPES or not _OPERATION.fullmatch(name):
            raise Misused(
                f"--operation takes NAME=TYPE, not {name}={message_type}", f"the types are {', '.join(sorted(TYPES))}"
            )
    return pairs


def _samples(paths: Sequence[Path]) -> list[NativeSample]:
    named = list(dict.fromkeys(file for path in paths for file in _files(path)))
    if not named:
        raise CommandFailed(
            "no sample was found", "name files that end in .json, .xml, .csv or .xlsx, or a folder of them"
        )
    return [_sample(file) for file in named]


def _files(path: Path) -> list[Path]:
    """A file, the samples in a folder, or what a pattern that the shell left alone matches."""
    if path.is_dir():
        inside = (one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in _SUFFIXES)
        return sorted(one for one in inside if not one.name.endswith(_GOLDEN))
    if path.exists():
        return [path]
    found = [Path(one) for one in sorted(glob(str(path), recursive=True))]
    if not found:
        raise CommandFailed(f"{path} does not exist", "check the path of the samples")
    return [one for one in found if one.is_file()]


def _sample(file: Path) -> NativeSample:
    content = files.read(file)
    try:
        return read_sample(str(file), content)
    except Rejected as error:
        raise CommandFailed(
            f"{file} cannot be read as a sample: {error.detail.zh}\n  {error.detail.en}", "correct it, or leave it out"
        ) from None


def _write(folder: Path, drafted: BundleDraft) -> None:
    for name, content in drafted.files.items():
        _write_file(folder / name, content)


def _write_file(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}", "choose another folder") from None


def _show(operations: Sequence[DraftOperation]) -> None:
    for one in operations:
        split = f" · records at {one.envelope.split}" if one.envelope.split else ""
        say(f"[bold]{one.name}[/] · {one.type} {TYPES[one.type].title} · {len(one.samples)} samples{foreign(split)}")
        table(
            ["", "native", "canonical", "title", "sure", "why"],
            [_row(suggestion, one) for suggestion in one.suggestions],
            empty="No column.",
        )


def _row(one: Suggestion, operation: DraftOperation) -> list[Any]:
    mark = "✓" if one.confident else "?" if one.candidates else "·"
    best = one.best
    if best is None:
        return [mark, one.column.path, None, None, "", "unknown: map it or move it to ignored · 不认识"]
    others = "；".join(f"或 {other.target} {other.title} {other.confidence:.2f}" for other in one.candidates[1:3])
    reason = "；".join(part for part in (best.reason, one.note, others if not one.confident else "") if part)
    known = fields(operation.document)
    target = "ignored" if best.target == "-" else best.target
    named = best.title or (known[best.target].title if best.target in known else "无对应字段")
    return [mark, one.column.path, target, named, f"{best.confidence:.2f}", reason]


def _next(folder: Path, drafted: BundleDraft) -> None:
    say(f"\n[green]✓[/] {len(drafted.files)} files in {folder}")
    say(f"  ✓ written ({CONFIDENT:.2f} and surer)   ? in the mapping as a comment, for you to decide   · unknown")
    for one in drafted.operations:
        done, of = drafted.translated[one.name]
        missing = [f"{path} {fields(one.document)[path].title}" for path in one.missing]
        if missing:
            say(f"  [yellow]![/] {one.name}: required and not mapped yet: {', '.join(missing)}")
        say(f"  {one.name}: {done} of {of} samples translate already")
    for code_table in merged(some for one in drafted.operations for some in one.tables.values()):
        if code_table.unknown:
            say(f"  [yellow]![/] codes/{code_table.name}.csv lacks {', '.join(map(foreign, code_table.unknown))}")
    say("\n  The samples were copied into it: replace whatever names real people before you share it.")
    say("  samples/*/*.canonical.json is what the draft makes of them: read each, and correct what is wrong.")
    say(
        f"Next: edit {folder}/mappings; [cyan]hutong adapter pairs {folder}[/] writes the halves that samples lack; "
        f"then [cyan]hutong adapter check {folder}[/]"
    )


def _told(operations: Sequence[DraftOperation]) -> list[dict[str, Any]]:
    return [
        {
            "operation": one.name,
            "type": one.type,
            "split": one.envelope.split,
            "missing": list(one.missing),
            "columns": [_column(suggestion) for suggestion in one.suggestions],
        }
        for one in operations
    ]


def _column(one: Suggestion) -> dict[str, Any]:
    return {
        "native": one.column.path,
        "confident": one.confident,
        "note": one.note,
        "candidates": [
            {"field": c.target, "title": c.title, "confidence": c.confidence, "reason": c.reason}
            for c in one.candidates
        ],
    }
