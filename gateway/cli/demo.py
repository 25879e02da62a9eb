"""`hutong demo`: one enterprise's story through five platforms, live, with everything counted at its end."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from gateway.cli.output import AsJson, CommandFailed, emit, foreign, say, screen
from gateway.clock import seconds
from gateway.demo.processes import NotServing, Stage, staged
from gateway.demo.show import Row, Unexpected, assessed, play, reported, told
from gateway.demo.story import ENTERPRISE, PLATFORMS, STORY

EXAMPLE = "hutong demo --once"


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself: 0 only if every delivery was confirmed.")
    ] = False,
    port: Annotated[int | None, typer.Option("--port", help="The gateway's port; else a free one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play one enterprise's story: six processes on loopback, sixteen documents, five formats.

    Every delivery is checked against the receiving double's own record. Ctrl-C ends everything.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="hutong-demo-") as folder:
        try:
            if not as_json:
                say("[dim]starting a gateway and five platform doubles on loopback …[/]")
            with staged(Path(folder), PLATFORMS, port) as stage:
                confirmed = _tell(stage, as_json)
                if not once:
                    _stay(stage)
        except (NotServing, Unexpected) as error:
            raise CommandFailed(str(error), "the story did not end well; run `hutong doctor`") from None
        except KeyboardInterrupt:
            say("\nstopped")
            raise typer.Exit(130 if once else 0) from None
    raise typer.Exit(0 if confirmed else 1)


def _tell(stage: Stage, as_json: bool) -> bool:
    start = seconds()
    rows = _rows(stage) if as_json else _live(stage)
    took = seconds() - start
    counts = _count(stage, rows)
    dossier = stage.operator("GET", f"/v1/enterprises/{ENTERPRISE}")
    findings, report = assessed(stage), reported(stage)
    tellings = told(stage, findings)
    if as_json:
        results = Counter(one["result"] for one in findings)
        shown = {"dossier": dossier, "assessment": results, "told": tellings, "report": report}
        emit({"counts": counts, "seconds": took, "deliveries": [_plain(row) for row in rows], **shown})
    else:
        _conclude(counts, dossier, took)
        _oversee(findings, tellings, report)
    well = counts["sent"] == counts["delivered"] == counts["confirmed"] > 0 and counts["lost"] == 0
    return well and tellings["sent"] == tellings["confirmed"] > 0


def _rows(stage: Stage) -> list[Row]:
    return list(play(stage, STORY))


def _live(stage: Stage) -> list[Row]:
    table = Table(
        title="一家企业的全过程 · one enterprise's story", title_justify="left", header_style="bold", expand=True
    )
    for column, share in (("step", 4), ("from → to", 5), ("native → canonical → native", 8), ("receipt", 3)):
        table.add_column(column, ratio=share, overflow="fold")
    table.add_column("ms", justify="right", no_wrap=True)
    rows: list[Row] = []
    with Live(table, console=screen, refresh_per_second=12):
        for row in play(stage, STORY):
            again = bool(rows) and rows[-1].message_id == row.message_id
            table.add_row(*_cells(row, again=again))
            rows.append(row)
    return rows


def _cells(row: Row, *, again: bool) -> tuple[str, ...]:
    mark = "[green]✓[/]" if row.confirmed and row.state == "delivered" else f"[red]{row.state}[/]"
    sample = " [dim]→[/] ".join(foreign(part) for part in row.sample if part)
    title = "" if again else foreign(row.step.title)
    way = f"{'' if again else row.step.sender} [dim]→[/] {row.platform}"
    return title, way, sample, f"{mark} {foreign(row.receipt)}", f"{row.milliseconds:.1f}"


def _count(stage: Stage, rows: list[Row]) -> dict[str, int]:
    """Count from the two records, the gateway's and the doubles', not from the rows that were shown.

    What the gateway itself has to say of the case comes when it comes, and is not of the story.
    """
    told = {row.message_id for row in rows}
    kept = [one for one in stage.deliveries() if one["message_id"] in told]
    received = Counter(one["key"] for platform in stage.doubles for one in stage.received(platform) if one["valid"])
    delivered = {one["id"] for one in kept if one["state"] == "delivered"}
    return {
        "documents": len({row.message_id for row in rows}),
        "sent": len(kept),
        "delivered": len(delivered),
        "confirmed": len(delivered & received.keys()),
        "lost": len({one["id"] for one in kept} - received.keys()),
    }


def _conclude(counts: dict[str, int], dossier: dict[str, Any], took: float) -> None:
    say(f"\n[bold]一企一档 · dossier[/] {ENTERPRISE}")
    for name, part in dossier["parts"].items():
        say(f"  {name:<12} {_summary(part)}")
    shown = " · ".join(f"{name} [bold]{count}[/]" for name, count in counts.items())
    say(f"\n{shown} · {took:.1f} s")


def _oversee(findings: list[dict[str, Any]], tellings: dict[str, int], report: dict[str, Any]) -> None:
    results = Counter(one["result"] for one in findings)
    shown = " · ".join(f"{name} [bold]{results[name]}[/]" for name in sorted(results))
    say(f"\n[bold]案卷评查 · checks of the case file[/] {shown}")
    say(f"  platforms were told {tellings['sent']} times, and confirmed {tellings['confirmed']}")
    for one in findings:
        if one["result"] == "missed":
            say(f"  missed: {foreign(one['title'])}。{foreign(one['said'])}")
    say(f"\n[bold]通报 · regular report[/] {report['period']} {foreign(report['title'])}")
    for one in report["figures"]:
        if one["value"] is not None:
            parts = (one["numerator"], one["denominator"]) if one["unit"] == "share" else (one["value"],)
            say(f"  {one['figure']:<20} {' / '.join(map(_number, parts)):>9}  [dim]{foreign(one['title'])}[/]")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _summary(part: dict[str, Any]) -> str:
    sources = "; ".join(f"{one['platform']} {one['state']}" for one in part["sources"])
    documents = ", ".join(f"{one['type']} ({one['platform']})" for one in part["entries"])
    return f"{len(part['entries'])} [dim]{part['state']}{' · asked ' + sources if sources else ''} · {documents}[/]"


def _plain(row: Row) -> dict[str, Any]:
    return {
        "step": row.step.title,
        "from": row.step.sender,
        "to": row.platform,
        "delivery_id": row.delivery_id,
        "state": row.state,
        "confirmed": row.confirmed,
        "sample": list(row.sample),
        "receipt": row.receipt,
        "milliseconds": row.milliseconds,
    }


def _stay(stage: Stage) -> None:
    url = stage.gateway.url
    say(f"\ndocumentation [cyan]{url}/docs[/] · metrics [cyan]{url}/metrics[/] · admin token {stage.admin_token}")
    for platform, served in stage.doubles.items():
        say(f"  {platform:<28} [cyan]{served.url}/_double/received[/]")
    say("[dim]Ctrl-C ends the gateway and the doubles[/]")
    signal.pause()
