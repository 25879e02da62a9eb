"""What `hutong adapter check` shows: how far the proof has come, and every finding with its position and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from adapters.check import Report, Watch
from adapters.check import check as check_files
from adapters.source import BundleFinding
from gateway.cli.output import errors, say, table
from gateway.sandbox.conformance import check as check_whole
from schemas.findings import Text


def proved(path: Path, *, sandbox: bool, quiet: bool) -> Report:
    """Prove a bundle, with a progress bar on the error stream unless `quiet`."""
    with _progress(quiet=quiet) as watch:
        return check_whole(path, watch) if sandbox else check_files(path, watch)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=quiet or not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def show(report: Report) -> None:
    """Print the findings, sorted by file and line, and what the proof rests on."""
    table(
        ["", "where", "code", "what", "what to do"],
        [[_mark(one), position(one), one.code, _both(one.message), _both(one.remedy)] for one in report.findings],
        empty="Nothing to mend. 没有需要改正之处。",
    )
    mark = "[green]✓[/]" if report.ok else "[red]✗[/]"
    name = f"{report.adapter} {report.version}".strip() or "—"
    say(f"{mark} {name} · {_proof(report)} · {report.digest[:12] or '—'}")


def position(finding: BundleFinding) -> str:
    """Give where a finding is, as editors and terminals link it: `file:line:column`."""
    if not finding.line:
        return finding.file
    return f"{finding.file}:{finding.line}:{finding.column}" if finding.column else f"{finding.file}:{finding.line}"


def _mark(finding: BundleFinding) -> str:
    return "!" if finding.warning else "✗"


def _both(text: Text) -> str:
    return f"{text.zh}\n{text.en}"


def _proof(report: Report) -> str:
    counted = f"{report.samples} samples, {report.generated} generated documents"
    return f"{counted}, rehearsed against its double" if report.rehearsed else counted
