"""`hutong report`: the regular report, as a table, JSON, CSV or a workbook."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.output import AsJson, CommandFailed, Misused, emit, facts, say, table
from gateway.cli.remote import DEFAULT_URL, Gateway, Token, Url

app = typer.Typer(no_args_is_help=True, help="The regular report: figures of a month or a year, and the use made.")

_MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_HEADINGS = ["figure", "", "numerator", "denominator", "value", "late", "why unknown"]


class By(StrEnum):
    """What to tell apart."""

    REGION = "region"
    AUTHORITY = "authority"
    MONTH = "month"


class FileFormat(StrEnum):
    """What to write."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"


@app.callback()
def reports() -> None:
    """Hold the commands."""


@app.command(
    "usage", epilog="hutong report usage --period 2026-03 --region 330000 --by region --format xlsx --out 3.xlsx"
)
def usage(
    period: Annotated[str, typer.Option("--period", metavar="PERIOD", help="A month or a year: 2026-03, 2026.")],
    region: Annotated[str, typer.Option("--region", help="A region or area, with all that lies in it.")] = "000000",
    by: Annotated[By | None, typer.Option("--by", help="What to tell apart beside the whole.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="As everything stood then: 2026-04-01T00:00:00+08:00.")
    ] = None,
    format: Annotated[FileFormat, typer.Option("--format", help="A table here, or a file.")] = FileFormat.TABLE,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where a file is written.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Show the report of a month or a year. A document counts on the day in it, as its last version says.

    `late` counts what came to stand like this after the period's end; --as-of makes an earlier report again.
    """
    gateway = Gateway(url, token, as_json)
    asked = {"period": period, "region": region, "by": by.value if by else None, "as_of": as_of}
    if format is not FileFormat.TABLE:
        if out is None or as_json:
            raise Misused(f"a {format} is written into a file", "name it with --out FILE, without --json")
        content = gateway.download("/v1/reports/usage", _MEDIA[format], **asked)
        try:
            out.write_bytes(content)
        except OSError as error:
            raise CommandFailed(f"{out} cannot be written: {error.strerror}") from None
        say(f"{out}: {len(content)} bytes")
        return
    if out is not None:
        raise Misused("a table is not written into a file", "choose --format csv or xlsx for --out FILE")
    found = gateway.get("/v1/reports/usage", **asked)
    if as_json:
        emit(found)
        return
    _show(found)


def _show(report: dict[str, Any]) -> None:
    over = None if report["over"] else "not over yet"
    facts([("period", report["period"]), ("region", f"{report['region']} {report['title']}"), ("", over)])
    _figures("all", report["figures"])
    for group in report["groups"]:
        _figures(f"{group['group']} {group['title']}", group["figures"])
    use = report["use"]
    if use is None:
        return
    table(
        ["platform", "received", "rejected", "rate", "last heard"],
        [[one["platform"], one["received"], one["rejected"], one["rejection_rate"], one["heard_at"]]
         for one in use["platforms"]],
        empty="No platform is registered here.",
        title="use",
    )  # fmt: skip
    facts(
        [
            ("counties heard of", f"{use['counties_heard']} of {len(use['counties'])}"),
            ("officers who acted", use["officers"]),
            ("event to arrival", _took(use["arrival"])),
            ("arrival to delivery", _took(use["delivery"])),
        ]
    )


def _figures(title: str, figures: list[dict[str, Any]]) -> None:
    rows = [
        [
            one["figure"],
            one["title"],
            one["numerator"],
            one["denominator"],
            _value(one),
            one["late"] or "",
            one["unknown"],
        ]
        for one in figures
    ]
    table(_HEADINGS, rows, empty="No figures.", title=title)


def _value(figure: dict[str, Any]) -> str | None:
    if figure["value"] is None:
        return None
    return f"{100 * figure['value']:.2f} %" if figure["unit"] == "share" else str(figure["value"])


def _took(took: dict[str, Any]) -> str | None:
    return None if took["median"] is None else f"{took['median']} s in the middle, {took['worst']} s at worst"
