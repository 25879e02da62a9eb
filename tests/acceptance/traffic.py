"""Clients that tell the story of one case after another, and write down every 202 they were given."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
import oracle
from town import Town

PENALTY = "penalty.330000"
PERMIT_NUMBER = "91330110MA2CXY1R13001P"


def documents(case: str) -> list[tuple[str, dict[str, Any]]]:
    """Give the documents of one invented case in the order in which a penalty platform writes them."""
    nodes = [("filed", 1), ("evidence", 2), ("notice", 3)]
    decision_number = f"杭环罚〔2026〕{int(case.rsplit('-', 1)[1]) + 1}号"
    progress = [
        ("case.progressed", {"case_number": case, "node": node, "at": f"2026-09-0{day}T09:00:00+08:00"})
        for node, day in nodes
    ]
    decision = {
        "case_number": case,
        "decision_number": decision_number,
        "party": {"name": "杭州示例化工有限公司", "credit_code": PERMIT_NUMBER[:18]},
        "region": "330110",
        "decided_on": "2026-09-20",
        "kinds": ["fine"],
        "facts": "未按排污许可证规定排放水污染物",
        "legal_basis": ["排污许可管理条例 第三十四条"],
        "authority": {"name": "杭州市生态环境局", "credit_code": "1133010000249020X3"},
        "status": "in-force",
        "fine": "200000",
        "publish": {"allowed": True, "level": "general"},
        "valid_until": "2027-09-20",
        "permit_number": PERMIT_NUMBER,
    }
    execution = {
        "case_number": case,
        "decision_number": decision_number,
        "kind": "paid",
        "at": "2026-09-28T10:00:00+08:00",
        "amount": "200000",
    }
    return [*progress, ("penalty.decided", decision), ("penalty.executed", execution)]


@dataclass
class Client:
    """One penalty platform's worker: case after case, document after document, until told to stop.

    A document is sent again, under its own key, until the gateway says 202: that is all a client
    can do when the gateway dies under it.
    """

    name: str
    place: Town
    pause: float = 0.01
    told: list[oracle.Told] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send, in a thread of its own."""
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def finish(self, seconds: float = 60) -> None:
        """Finish the case in hand, and return."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{self.name} could not finish its case"

    def _work(self) -> None:
        headers = {"Authorization": f"Bearer {self.place.credentials[PENALTY]}"}
        with httpx.Client(base_url=self.place.gateway.url, headers=headers, timeout=10) as http:
            number = 0
            while not self._stop.is_set():
                self._tell_case(http, f"CF-{self.name}-{number}")
                number += 1

    def _tell_case(self, http: httpx.Client, case: str) -> None:
        for place, (kind, document) in enumerate(documents(case)):
            message_id = self._send(http, f"{case}-{place}", {"type": kind, "document": document})
            self.told.append(oracle.Told(self.name, case, place, message_id))
            self._stop.wait(self.pause)

    def _send(self, http: httpx.Client, key: str, body: dict[str, Any]) -> str:
        while True:
            try:
                response = http.post("/v1/messages", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                self._stop.wait(0.02)
                continue
            if response.status_code == httpx.codes.ACCEPTED:
                message_id: str = response.json()["message_id"]
                return message_id
            if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                self.refused.append(response.text)
                raise AssertionError(response.text)
            self._stop.wait(0.02)
