"""The stage of one round: gateways over one ledger, and what belongs to the machine and outlives a round."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import records
from bundles import unlimited
from cutting_proxy import CuttingProxy
from forking import ForkedGateway, Forker
from postgres_server import PostgresServer
from redis_server import RedisServer

from gateway.demo.processes import Served, free_port, gateway

ADMIN_TOKEN = "chaos-admin-token-0123456789"
PENALTY, MOBILE, PERMIT = "penalty.330000", "mobile-enforcement.330000", "pollutant-permit.000000"
LOCAL_PERMIT, PROJECT, CREDIT = "pollutant-permit.330000", "construction-project.330000", "credit-publicity.330000"
PLATFORMS = {
    PENALTY: "penalty",
    MOBILE: "mobile-enforcement",
    PERMIT: "pollutant-permit",
    LOCAL_PERMIT: "pollutant-permit",
    PROJECT: "construction-project",
    CREDIT: "credit-publicity",
}
NEWER = "2.0.0"
"""The version of each adapter that is installed beside 1.0.0, the same in everything but its number."""

_RETRY = "retry: {first: 200ms, factor: 2, max: 3s, give_up_after: 72h}"
_STORE = "hutong-chaos-store-"
_STORE_MEGABYTES = {"sqlite": 96, "postgresql": 512}
_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)


class NotToBeHad(Exception):
    """Something that a fault needs is not on this machine; says what to do."""


def faketime() -> str:
    """Find the library that moves a process's clock."""
    for one in _LIBRARIES:
        if Path(one).exists():
            return one
    raise NotToBeHad("clocks are moved by libfaketime: run scripts/chaos as root, or `apt-get install faketime`")


class SmallStore:
    """A folder for a ledger that can be filled: a file system of its own where this may be mounted, else a limit.

    Without the right to mount, the files of the processes that write there may not grow any more (RLIMIT_FSIZE).
    """

    def __init__(self, megabytes: int) -> None:
        # Not in the run's folder: the server runs as another user, who may not enter every folder.
        _sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_STORE}{os.getpid()}-"))
        self.folder.chmod(0o777)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(self.folder)]
        self.mounted = shutil.which("mount") is not None and not subprocess.run(command, capture_output=True).returncode
        self._limited: list[int] = []

    def fill(self, writers: list[int]) -> None:
        """Leave no room, for the processes `writers` at least."""
        if self.mounted:
            with contextlib.suppress(OSError), (self.folder / "balloon").open("wb", buffering=0) as balloon:
                while True:
                    balloon.write(bytes(1 << 16))
        else:
            self._limited = writers
            self._limit(1)

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / "balloon").unlink(missing_ok=True)
        self._limit(None)

    def _limit(self, size: int | None) -> None:
        for process in self._limited:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
                resource.prlimit(process, resource.RLIMIT_FSIZE, (most if size is None else size, most))

    def remove(self) -> None:
        """Unmount and remove it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what was left behind by runs that were killed."""
    for folder in place.glob(f"{_STORE}*-*"):
        if not Path(f"/proc/{folder.name.removeprefix(_STORE).split('-')[0]}").exists():
            subprocess.run(["umount", "-l", str(folder)], capture_output=True)
            shutil.rmtree(folder, ignore_errors=True)


class Machine:
    """What outlives a round: bundles, doubles, and the servers."""

    def __init__(self, folder: Path, ledger: str, *, gateways: int, clocks: bool) -> None:
        self.folder = folder
        self.ledger = ledger
        self.gateways = gateways
        self.clocks = clocks
        self.bundles = unlimited(folder / "bundles")
        newer = folder / "newer"
        shutil.copytree(self.bundles, newer)
        for manifest in sorted((*self.bundles.glob("*/adapter.yaml"), *newer.glob("*/adapter.yaml"))):
            _change(manifest, NEWER if newer in manifest.parents else None)
        self.adapters = f"{self.bundles}:{newer}"
        self.ports = {platform: free_port() for platform in PLATFORMS}
        self._doubles: Served | None = None
        self._forkers: list[Forker] = []
        self._starter = ThreadPoolExecutor(1, "starter")
        self.store: SmallStore | None = None
        self.postgres: PostgresServer | None = None
        self.redis: RedisServer | None = None

    def __enter__(self) -> Machine:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        asked = [f"{self.ports[one]}={self.bundles / f'fast-{adapter}'}" for one, adapter in PLATFORMS.items()]
        command = [sys.executable, str(Path(__file__).with_name("doubles.py")), *asked]
        last = self.ports[list(PLATFORMS)[-1]]
        self._doubles = Served(command, last, "/_double/received", self.folder / "doubles.log")
        self._doubles.start()
        self._forkers = [Forker(self.environment(number)) for number in range(self.gateways)]
        self.store = SmallStore(_STORE_MEGABYTES[self.ledger])
        if self.ledger == "postgresql":
            settings = {"max_wal_size": "128MB", "min_wal_size": "32MB", "max_connections": "80"}
            self.postgres = PostgresServer(durable=True, place=self.store.folder, settings=settings)
            self.postgres.make()
            self.redis = RedisServer()
            for one in (self.postgres, self.redis):
                self.start_server(one)
        self._doubles.wait_until_serving()

    def close(self) -> None:
        """End every process."""
        if self._doubles is not None:
            self._doubles.kill()
        for forker in self._forkers:
            forker.close()
        for server in (self.postgres, self.redis):
            if server is not None:
                server.__exit__(None, None, None)
        if self.store is not None:
            self.store.remove()
        self._starter.shutdown()

    def start_server(self, server: PostgresServer | RedisServer) -> None:
        """Start a server from a thread that lasts: the system ends it when the thread ends that started it."""
        self._starter.submit(server.start).result()

    def environment(self, number: int) -> dict[str, str]:
        """Give what a gateway's environment has in every round."""
        # The judge compares what was delivered with what clients were told: the gateway says nothing of its own.
        found = {"HUTONG_ADAPTERS": self.adapters, "HUTONG_SEND_ASSESSMENTS": "false"}
        if self.clocks:
            self.clock(number).write_text("+0\n")
            found |= {
                "LD_PRELOAD": faketime(),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock(number)),
                "FAKETIME_CACHE_DURATION": "1",  # seconds between two looks at that file
                "NO_FAKE_STAT": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        return found

    def clock(self, number: int) -> Path:
        """Give the file that says how far a gateway's clock is off."""
        return self.folder / f"clock-{number}"

    def forked(self, number: int, described: Served) -> Served:
        """Give a gateway that starts by forking."""
        one = described
        return ForkedGateway(one.command, one.port, one.health, one.log, one.environment, forker=self._forkers[number])

    @property
    def urls(self) -> dict[str, str]:
        """Give the doubles' base addresses by platform."""
        return {platform: f"http://127.0.0.1:{port}" for platform, port in self.ports.items()}

    def heal(self) -> None:
        """Let every double be well, and forget what it took."""
        for url in self.urls.values():
            httpx.put(f"{url}/_double/faults", json={}, timeout=30).raise_for_status()
            httpx.delete(f"{url}/_double/received", timeout=30).raise_for_status()


def _change(manifest: Path, version: str | None) -> None:
    lines = manifest.read_text(encoding="utf-8").splitlines()
    kept = [_RETRY if line.startswith("retry:") else line for line in lines]
    if version is not None:
        kept = [f"version: {version}" if line.startswith("version:") else line for line in kept]
    manifest.write_text("\n".join(kept) + "\n", encoding="utf-8")


@dataclass
class Stage:
    """The gateways of one round, on a ledger of their own."""

    machine: Machine
    folder: Path
    gateways: list[Served] = field(default_factory=list)
    locks: list[threading.RLock] = field(default_factory=list)
    proxy: CuttingProxy | None = None
    address: str = ""
    credentials: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def open(self, plant: Path | None = None) -> None:
        """Make the ledger, start the gateways and register everybody. `plant`: a folder with a sitecustomize.py."""
        self.address = self._ledger()
        for number in range(self.machine.gateways):
            self.gateways.append(self._gateway(number, plant))
            self.locks.append(threading.RLock())
        self.gateways[0].start()
        self.gateways[0].wait_until_serving()
        for one in self.gateways[1:]:
            one.start()
        for platform, adapter in PLATFORMS.items():
            self.register(platform, f"fast-{adapter}")
            issued = self.operator("POST", f"/v1/platforms/{platform}/credentials").json()
            self.credentials[platform] = issued["credential"]
        for one in self.gateways[1:]:
            one.wait_until_serving()

    def _ledger(self) -> str:
        store, server = self.machine.store, self.machine.postgres
        assert store is not None
        if server is None:
            return f"sqlite:///{store.folder / 'hutong.db'}"
        self.proxy = CuttingProxy("127.0.0.1", server.port)
        return server.database()

    def _gateway(self, number: int, plant: Path | None) -> Served:
        settings = {"ledger": self.address}
        if self.proxy is not None and self.machine.postgres is not None:
            settings["ledger"] = self.address.replace(f":{self.machine.postgres.port}/", f":{self.proxy.port}/")
        if self.machine.redis is not None:
            settings["redis"] = self.machine.redis.url
        one = gateway(self.folder, admin_token=ADMIN_TOKEN, port=free_port(), **settings)
        one.log = self.folder / f"gateway-{number}.log"
        one.environment = {**one.environment, **self.machine.environment(number)}
        if plant is None:
            return self.machine.forked(number, one)
        one.environment = {**one.environment, "PYTHONPATH": str(plant)}
        return one

    def close(self) -> None:
        """End the gateways, and remove their ledger."""
        self.stopping.set()
        for one in self.gateways:
            one.kill()
        if self.proxy is not None:
            self.proxy.close()
        store, server = self.machine.store, self.machine.postgres
        if server is not None and self.address:
            server.drop(self.address)
        elif store is not None:
            for file in store.folder.glob("hutong.db*"):
                file.unlink()

    # ── calling ───────────────────────────────────────────────────────────────────────────────
    def operator(self, method: str, path: str, at: int = 0, timeout: float = 20, **arguments: Any) -> httpx.Response:
        """Call a gateway as its operator; HTTPStatusError for anything but success."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", **arguments.pop("headers", {})}
        url = self.gateways[at % len(self.gateways)].url + path
        return httpx.request(method, url, headers=headers, timeout=timeout, **arguments).raise_for_status()

    def persist(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Call one gateway after the other until one answers with success or a 4xx."""
        at = 0
        while True:
            try:
                return self.operator(method, path, at, **arguments)
            except httpx.HTTPStatusError as error:
                if error.response.status_code < 500 or self.stopping.is_set():
                    raise
            except httpx.TransportError:
                if self.stopping.is_set():
                    raise
            at += 1
            self.stopping.wait(0.2)

    def register(self, platform: str, adapter: str, *, persistently: bool = False, host: str = "127.0.0.1") -> None:
        """Register a platform, or register it anew."""
        call = self.persist if persistently else self.operator
        base = f"http://{host}:{self.machine.ports[platform]}"
        body = {"adapter": adapter, "settings": _SETTINGS[adapter] | {"base_url": base}}
        call("PUT", f"/v1/platforms/{platform}", json=body)

    @contextlib.contextmanager
    def rows(self) -> Iterator[records.Rows]:
        """Read the ledger by SQL."""
        if self.address.startswith("sqlite"):
            with records.sqlite_rows(Path(self.address.removeprefix("sqlite:///"))) as rows:
                yield rows
        else:
            with records.postgres_rows(self.address) as rows:
                yield rows

    # ── processes ─────────────────────────────────────────────────────────────────────────────
    def restart(self, number: int) -> None:
        """Start a gateway that has ended, and return once it serves; again where it does not come up."""
        one = self.gateways[number]
        while not self.stopping.is_set():
            if one.process is None or one.process.poll() is not None:
                one.start()
            with contextlib.suppress(Exception):
                one.wait_until_serving(30)
                return

    def signal(self, number: int, what: signal.Signals) -> None:
        """Send a signal to a gateway that runs."""
        process = self.gateways[number].process
        if process is not None and process.poll() is None:
            process.send_signal(what)


_SETTINGS: Mapping[str, dict[str, Any]] = {
    "fast-penalty": {"app_key": "chaos"},
    "fast-mobile-enforcement": {"token": "chaos"},
    "fast-pollutant-permit": {"account": "chaos", "password": "chaos"},
    "fast-construction-project": {"account": "chaos", "password": "chaos"},
    "fast-credit-publicity": {"key": "chaos", "source_name": "示例环境局", "source_code": "1133010000249020X3"},
}


def new_folder(keep: Path | None = None) -> Path:
    """Make a folder for a run."""
    return Path(tempfile.mkdtemp(prefix="hutong-chaos-", dir=keep or os.environ.get("TMPDIR")))
