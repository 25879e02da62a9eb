"""`hutong doctor`: is this machine ready for a gateway?"""

from __future__ import annotations

import asyncio
import platform
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from msgspec import Struct
from msgspec.structs import asdict

from adapters.source import BrokenBundle
from gateway.bootstrap import open_ledger
from gateway.cli import moments
from gateway.cli.configuration import settings_here
from gateway.cli.output import AsJson, emit, say
from gateway.clock import system_clock
from gateway.errors import HutongError
from gateway.intake.routes import read_routes
from gateway.ledger.sql.engines import server_report
from gateway.releases.installed import install
from gateway.settings import Settings, Unset

EXAMPLE = "hutong doctor --json"

OURS = ("gateway", "adapters", "schemas")
"""Generic names: another distribution that ships one of them would overwrite ours."""


class Check(Struct, frozen=True):
    """One thing that was looked at; `remedy` is said when it is not well."""

    name: str
    well: bool
    detail: str
    remedy: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Check this machine: Python, packages, settings, ledger, adapters, routes, port, clock."""
    checks = list(examine())
    if as_json:
        emit({"well": all(one.well for one in checks), "checks": [asdict(one) for one in checks]})
    else:
        for one in checks:
            _say(one)
    if not all(one.well for one in checks):
        raise typer.Exit(1)


def _say(check: Check) -> None:
    say(f"{'[green]✓[/]' if check.well else '[red]✗[/]'} {check.name:<9} {check.detail}")
    if not check.well:
        say(f"            [dim]→[/] {check.remedy}")


def examine() -> Iterator[Check]:
    """Look at everything; what needs settings is left out when they cannot be read."""
    yield python_version()
    yield packages(packages_distributions())
    yield clock(system_clock())
    try:
        settings = settings_here()
    except Unset as error:
        yield Check("settings", False, str(error), "correct hutong.toml or the environment")
        return
    yield Check("settings", True, "hutong.toml and environment")
    yield from (look(settings) for look in LOOKS)


def python_version() -> Check:
    """Python 3.11 or newer."""
    well = sys.version_info >= (3, 11)
    return Check("python", well, platform.python_version(), "install Python 3.11 or newer")


def packages(owners: Mapping[str, Sequence[str]]) -> Check:
    """Nobody else's distribution may ship a package of our names; `owners` are distributions by package."""
    others = {name: sorted(set(owners.get(name, ())) - {"hutong"}) for name in OURS}
    foreign = [f"{name} ({', '.join(found)})" for name, found in others.items() if found]
    if foreign:
        remedy = "install hutong in an environment of its own"
        return Check("packages", False, f"shipped by others too: {', '.join(foreign)}", remedy)
    return Check("packages", True, f"hutong {_version()} alone ships {', '.join(OURS)}")


def _version() -> str:
    try:
        return distribution("hutong").version
    except PackageNotFoundError:
        return "(not installed)"


def clock(now: datetime) -> Check:
    """A clock before this release was made, or far past it, makes ids, schedules and evidence wrong."""
    well = datetime(2026, 1, 1, tzinfo=UTC) <= now < datetime(2100, 1, 1, tzinfo=UTC)
    return Check("clock", well, moments.written(now), "set the clock, and keep it set with chrony or ntpd")


def ledger(settings: Settings) -> Check:
    """The ledger's folder can be written, and its schema brought up to date; a server's settings keep its promises."""
    path = _ledger_path(settings)
    if path is None:
        return _ledger_server(settings)
    if not path.parent.is_dir():
        return Check("ledger", False, f"{path.parent} does not exist", f"mkdir -p {path.parent}")
    try:
        with TemporaryDirectory(prefix=".hutong-doctor-", dir=path.parent) as folder:
            asyncio.run(_open(settings.model_copy(update={"ledger": f"sqlite:///{folder}/trial.db"})))
    except (OSError, HutongError) as error:
        return Check("ledger", False, f"{path.parent}: {error}", "let the gateway's user write that folder")
    return Check("ledger", True, f"{path} can be written")


def _ledger_server(settings: Settings) -> Check:
    try:
        report = server_report(settings.ledger)
    except HutongError as error:
        return Check("ledger", False, str(error), "correct HUTONG_LEDGER, or start the server")
    return Check("ledger", not report.faults, report.server, "; ".join(report.faults))


async def _open(settings: Settings) -> None:
    opened = open_ledger(settings)
    await opened.start()
    await opened.stop()


def _ledger_path(settings: Settings) -> Path | None:
    kind, _, path = settings.ledger.partition(":///")
    return Path(path).absolute() if kind == "sqlite" and path else None


def adapters(settings: Settings) -> Check:
    """Every installed adapter loads."""
    try:
        found = install(settings.adapter_folders).all()
    except (BrokenBundle, HutongError) as error:
        return Check("adapters", False, str(error), "hutong adapter check PATH says what is wrong, line by line")
    return Check("adapters", True, ", ".join(f"{one.name} {one.version}" for one in found))


def routes(settings: Settings) -> Check:
    """The routes are valid."""
    try:
        found = read_routes(settings.routes_file)
    except BrokenBundle as error:
        return Check("routes", False, str(error), "correct the file that HUTONG_ROUTES names")
    return Check("routes", True, f"{len(found.routes)} message types")


def port(settings: Settings) -> Check:
    """Nothing else listens where the gateway would."""
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        remedy = "a gateway may be running already; else choose another with HUTONG_PORT"
        return Check("port", False, f"{where}: {error.strerror}", remedy)
    return Check("port", True, f"{where} is free")


def bundles(settings: Settings) -> Check:
    """Whether bundles that nobody signed are taken: a choice, and no fault."""
    if settings.unsigned_bundles == "refuse":
        return Check("bundles", True, "only signed ones are taken")
    return Check("bundles", True, "unsigned ones are taken for regions without a key; HUTONG_UNSIGNED_BUNDLES=refuse")


LOOKS: tuple[Callable[[Settings], Check], ...] = (ledger, adapters, bundles, routes, port)
