"""Real processes over one ledger in PostgreSQL: killed, frozen, ended, joined and replaced, while documents flow."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from postgres_server import PostgresServer

pytestmark = [pytest.mark.postgresql, pytest.mark.limit(300)]

ROOT = Path(__file__).parents[3]
TOKEN = "the-token-of-many-processes"
SENDER = "mobile-enforcement.330000"
PENALTIES = [f"penalty.330{n}00" for n in range(1, 7)]
PATIENCE = 90.0
BUSY = 2.0
"""Seconds that a machine with other things to do may add to what is promised."""


class Running:
    """A `hutong` that runs until it is told to end."""

    def __init__(self, town: Town, folder: Path, *arguments: str, ready: str) -> None:
        folder.mkdir()
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            cwd=folder,
            env=town.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if ready in line:
                break
        found = re.search(r"http://\S+?:\d+", said)
        assert found, said + self.log.read_text()
        self.url = found[0]

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(60)


class Town:
    """A ledger with its processes: a supervisor with two of them, and whatever a test starts beside."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.ledger = server.database()
        self.running: list[Running] = []
        adapters = folder / "adapters"
        newer = adapters / "canonical"
        shutil.copytree(ROOT / "adapters" / "canonical", newer)
        bundle = newer / "adapter.yaml"
        bundle.write_text(bundle.read_text().replace("version: 1.0.0", "version: 1.1.0"))
        own = {name: value for name, value in os.environ.items() if not name.startswith("HUTONG_")}
        self.environment = own | {
            "HUTONG_LEDGER": self.ledger,
            "HUTONG_ADMIN_TOKEN": TOKEN,
            "HUTONG_ADAPTERS": str(adapters),
            "HUTONG_PORT": "0",
            "PYTHONPATH": str(ROOT),
        }
        self.cases = 0

    def start(self, *arguments: str, ready: str) -> Running:
        """Start a command."""
        one = Running(self, self.folder / f"running-{len(self.running)}", *arguments, ready=ready)
        self.running.append(one)
        return one

    def serve(self) -> Running:
        """Start one more gateway, on a port of its own, as another host would."""
        return self.start("serve", ready="/health")

    def open(self) -> None:
        """Start the double and the supervisor, and register everybody."""
        self.double = self.start("sandbox", "--adapter", "canonical", ready="http").url
        self.many = self.start("serve", "--workers", "2", ready="SIGHUP")
        self.url = self.many.url
        for platform in (SENDER, *PENALTIES):
            asked = {"adapter": "canonical", "settings": {"base_url": self.double, "token": "t"}}
            self.admin("PUT", f"/v1/platforms/{platform}", json=asked)
        self.sender = self.admin("POST", f"/v1/platforms/{SENDER}/credentials").json()["credential"]

    def close(self) -> None:
        """End everything."""
        for one in reversed(self.running):
            one.process.send_signal(signal.SIGCONT)
            one.process.kill()
            one.process.wait()

    # ── calling ───────────────────────────────────────────────────────────────────────────────
    def admin(self, method: str, path: str, url: str | None = None, **more: Any) -> httpx.Response:
        """Call as the administrator."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.request(method, (url or self.url) + path, headers=headers, timeout=60, **more)
        answer.raise_for_status()
        return answer

    def take(self, *to: str, url: str | None = None, token: str | None = None, lane: str | None = None) -> list[str]:
        """Hand in a case for each of these platforms; gives the deliveries."""
        deliveries = []
        with httpx.Client(base_url=url or self.url, timeout=60) as caller:
            for platform in to or PENALTIES:
                self.cases += 1
                number = lane or f"AJ-{self.cases}"
                asked = {"type": "case.transferred", "document": case(number, platform, self.cases)}
                headers = {"Authorization": f"Bearer {token or self.sender}"}
                answer = caller.post("/v1/messages", json=asked, headers=headers)
                answer.raise_for_status()
                deliveries.append(answer.json()["deliveries"][0]["id"])
        return deliveries

    def received(self) -> list[str]:
        """Give the keys that the double received, in order."""
        found = httpx.get(f"{self.double}/_double/received", timeout=60).json()
        return [one["key"] for one in found]

    def times(self) -> Counter[str]:
        """Give how often each key came."""
        return Counter({one["key"]: one["times"] for one in httpx.get(f"{self.double}/_double/received").json()})

    # ── looking ───────────────────────────────────────────────────────────────────────────────
    def rows(self, statement: str) -> list[Any]:
        """Ask the database."""
        with self.server.connected(self.ledger) as connection:
            return connection.execute(statement).fetchall()

    def owners(self) -> dict[str, int]:
        """Give which process (its id) has which platform."""
        found = self.rows("SELECT platform, owner FROM claims WHERE owner <> ''")
        return {platform: int(owner.split(":")[1]) for platform, owner in found}

    def processes(self) -> list[int]:
        """Give the ids of the processes that share the platforms."""
        now = "EXTRACT(EPOCH FROM clock_timestamp()) * 1000000"
        found = self.rows(f"SELECT owner FROM processes WHERE until > {now}")
        return sorted(int(owner.split(":")[1]) for (owner,) in found)

    def until(self, true: Callable[[], bool], within: float = PATIENCE) -> float:
        """Wait until something is so; gives the seconds that it took."""
        began = monotonic()
        while not true():
            assert monotonic() - began < within, "it did not come about in time"
            sleep(0.02)
        return monotonic() - began

    def shared(self, processes: int) -> None:
        """Wait until so many processes have all platforms, evenly."""

        def even() -> bool:
            has = Counter(self.owners().values())
            few, left_over = divmod(len(PENALTIES) + 1, processes)
            due = sorted([few + 1] * left_over + [few] * (processes - left_over))
            return sorted(has.values()) == due and set(has) == set(self.processes())

        self.until(even)

    def delivered(self, deliveries: list[str]) -> None:
        """Wait until all of these were delivered."""
        wanted = set(deliveries)

        def all_there() -> bool:
            states = self.rows("SELECT id FROM deliveries WHERE state = 'delivered'")
            return wanted <= {id for (id,) in states}

        self.until(all_there)
        assert wanted <= set(self.received())


def case(number: str, platform: str, serial: int) -> dict[str, Any]:
    """A case that goes to a platform."""
    return {
        "case_number": number,
        "name": f"某公司超标排污案 {serial}",
        "party": {"name": "杭州示例化工有限公司"},
        "region": platform.partition(".")[2],
        "found_at": "2026-08-02T11:00:00+08:00",
        "source": "inspection",
        "facts": f"污水处理设施未运行 {serial}",
        "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
    }


@pytest.fixture(scope="module")
def town(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A ledger with two processes on one port."""
    town = Town(postgres, tmp_path_factory.mktemp("town"))
    try:
        town.open()
        town.shared(2)
        yield town
    finally:
        town.close()


def test_documents_are_delivered_once_whoever_took_them(town: Town) -> None:
    """Each by the process that has its platform, and those of a lane in their order."""
    lane = [town.take(PENALTIES[0], lane="LANE")[0] for _ in range(10)]
    deliveries = [one for _ in range(5) for one in town.take()] + lane
    town.delivered(deliveries)
    assert set(town.times().values()) == {1}
    assert [key for key in town.received() if key in lane] == lane


def test_a_process_that_is_killed_is_replaced_by_the_others(town: Town) -> None:
    """Its platforms are another's within 5 seconds, what it left is delivered, and the supervisor starts a new one."""
    town.shared(2)
    killed = town.owners()[PENALTIES[0]]
    theirs = [platform for platform, owner in town.owners().items() if owner == killed]
    os.kill(killed, signal.SIGKILL)
    deliveries = town.take()
    took = town.until(lambda: killed not in town.owners().values() and set(theirs) <= set(town.owners()))
    assert took < 5 + BUSY
    town.delivered(deliveries)
    town.shared(2)
    assert killed not in town.processes()


def test_a_process_that_stands_still_is_left_behind(town: Town) -> None:
    """Its platforms flow again within 5 seconds; when it goes on it has lost them, says so, and takes its share."""
    town.shared(2)
    frozen = town.owners()[PENALTIES[0]]
    os.kill(frozen, signal.SIGSTOP)
    try:
        deliveries = town.take()  # by the other one: a process that stands still takes no connection
        took = town.until(lambda: frozen not in town.owners().values() and len(town.owners()) == len(PENALTIES) + 1)
        assert took < 5 + BUSY
        town.delivered(deliveries)
    finally:
        os.kill(frozen, signal.SIGCONT)
    town.until(lambda: _lost(town) >= 1)
    town.shared(2)
    assert set(town.times().values()) == {1}


def _lost(town: Town) -> float:
    text = town.admin("GET", "/metrics").text
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("hutong_claims_lost_tot")
    )


def test_what_is_changed_at_one_is_so_at_all(town: Town) -> None:
    """A credential, a pause, a version that is activated: within about a second, on another port."""
    other = town.serve()
    town.shared(3)
    issued = town.admin("POST", f"/v1/platforms/{SENDER}/credentials", other.url).json()["credential"]
    known = {"Authorization": f"Bearer {issued}"}

    sleep(1 + BUSY)
    with httpx.Client(base_url=town.url, headers={**known, "Connection": "close"}) as caller:
        assert 401 not in {caller.get("/v1/messages/unknown").status_code for _ in range(20)}

    credentials = f"/v1/platforms/{SENDER}/credentials"
    latest = town.admin("GET", credentials, other.url).json()["credentials"][-1]["id"]
    assert town.admin("DELETE", f"{credentials}/{latest}", other.url).status_code == 204
    sleep(1 + BUSY)
    with httpx.Client(base_url=town.url, headers={**known, "Connection": "close"}) as caller:
        refused = [caller.get("/v1/messages/unknown") for _ in range(20)]
    assert {one.json()["code"] for one in refused} == {"credential.revoked"}, "whichever process answers"

    platform = PENALTIES[0]
    town.admin("POST", f"/v1/platforms/{platform}/pause", other.url, json={"reason": "检修"})
    sleep(1 + BUSY)
    before = set(town.received())
    waiting = town.take(platform)
    town.delivered(town.take(PENALTIES[1]))
    assert set(waiting).isdisjoint(town.received()), "whoever has the platform calls it no more"
    assert before <= set(town.received())
    town.admin("POST", f"/v1/platforms/{platform}/resume", other.url, json={"reason": "完成"})
    town.delivered(waiting)

    town.admin("POST", "/v1/adapters/canonical/1.0.0/activate", other.url, json={"reason": "回退"})

    def spoken() -> bool:
        [delivery] = town.take(PENALTIES[2])
        town.delivered([delivery])
        return bool(
            town.rows(f"SELECT adapter FROM deliveries WHERE id = '{delivery}' AND adapter = 'canonical@1.0.0'")
        )

    assert town.until(spoken) < 1 + 2 * BUSY
    assert other.end(signal.SIGINT) == 0
    town.shared(2)


def test_a_clean_stop_hands_over_at_once(town: Town) -> None:
    """Nobody waits for a lease to end."""
    other = town.serve()
    town.shared(3)
    other.process.send_signal(signal.SIGTERM)
    took = town.until(lambda: len(town.processes()) == 2)
    assert other.process.wait(60) == 0
    deliveries = town.take()
    town.delivered(deliveries)
    town.shared(2)
    assert took < 4, "less than a lease"


def test_metrics_are_those_of_all_processes(town: Town) -> None:
    """Whichever is asked: what was counted by process, what the ledger says once."""
    town.take()
    text = town.admin("GET", "/metrics").text
    accepted = [line for line in text.splitlines() if line.startswith("hutong_loop_lag_seconds_count")]
    assert {re.search(r'process="(\d)"', line)[1] for line in accepted} == {"1", "2"}  # type: ignore[index]
    assert not re.search(r'hutong_backlog{[^}]*process="', text)


def test_processes_are_replaced_without_a_failed_request(town: Town) -> None:
    """SIGHUP, while callers keep asking on connections that stay open."""
    before, done, failed, asked = set(town.processes()), Event(), [], Counter[int]()

    def call() -> None:
        with httpx.Client(base_url=town.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as caller:
            while not done.is_set():
                try:
                    asked[caller.get(f"/v1/platforms/{SENDER}").status_code] += 1
                except httpx.HTTPError as error:
                    failed.append(repr(error))
                sleep(0.01)

    deliveries = []
    with ThreadPoolExecutor(4) as callers:
        calling = [callers.submit(call) for _ in range(4)]
        town.many.process.send_signal(signal.SIGHUP)
        try:
            began = monotonic()
            while not (before.isdisjoint(town.processes()) and len(town.processes()) == 2):
                assert monotonic() - began < PATIENCE
                deliveries += town.take()
        finally:
            done.set()
        for each in calling:
            each.result()
    assert (failed, set(asked)) == ([], {200})
    town.delivered(deliveries)
    town.shared(2)
    assert set(town.times().values()) == {1}


def test_all_of_them_end_together(town: Town) -> None:
    """Exit code 0, every claim given back, nobody counted any more, no traceback."""
    assert town.many.end() == 0
    assert (town.owners(), town.processes()) == ({}, [])
    assert "Traceback" not in town.many.log.read_text()
