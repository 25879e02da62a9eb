"""Clients that speak the platforms' own formats: case after case, each document until the gateway says 202."""

from __future__ import annotations

import itertools
import random
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import httpx
import oracle
import orjson
from stage import MOBILE, PENALTY, PERMIT, Stage

_STORY = files("gateway.demo").joinpath("story")
_NODES = ("NODE_CASE", "NODE_PUNISHIMPART", "NODE_HEARINGNOTES", "NODE_YSCASE")
_BUSY = frozenset({408, 429})


@dataclass(frozen=True)
class Document:
    """One native document: whose, to which operation, which bytes, and the case each of its records belongs to."""

    sender: str
    operation: str
    body: bytes
    cases: tuple[str, ...]
    content_type: str = "application/json"


def _story(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(_STORY.joinpath(name).read_bytes())
    return found


def penalty_case(case: str) -> Iterator[Document]:
    """Give a penalty's documents in their order: four nodes, the decision, the payment. JSON."""
    for day, node in enumerate(_NODES):
        progress = {
            "CASEID": case,
            "AREACODE": "330110",
            "NODECODE": node,
            "TIME": f"2026-07-2{day} 09:00:00",
            "HANDLEOPINION": "同意。",
        }
        yield Document(PENALTY, "progress", orjson.dumps(progress), (case,))
    number = f"杭环罚〔2026〕{sum(map(ord, case)) * 1000 + int(case.rsplit('-', 1)[1])}号"
    for operation, name in (("decision", "12-decision.json"), ("execution", "14-payment.json")):
        body = _story(name) | {"CASEID": case, "WRITNUMBER": number}
        yield Document(PENALTY, operation, orjson.dumps(body), (case,))


def enforcement_case(case: str) -> Iterator[Document]:
    """Give an inspection, as it is corrected twice, and a case that is transferred. JSON.

    Without the story's attachment: its content would have to be uploaded first, to the same gateway.
    """
    story = _story("06-inspection.json") | {"FJ": []}
    for turn in range(3):
        body = story | {"XCZFBH": case, "RWBH": "/", "CZWT": f"第{turn + 1}次记录的问题"}
        yield Document(MOBILE, "inspection", orjson.dumps(body), (case,))
    body = _story("07-case.json") | {"AJBH": f"AJ-{case}", "XCZFBH": case, "RWBH": "/"}
    yield Document(MOBILE, "case", orjson.dumps(body), (f"AJ-{case}",))


def permit_case(case: str) -> Iterator[Document]:
    """Give three packages of two permits each, each time changed. GBK XML."""
    text = _STORY.joinpath("01-permit.xml").read_bytes().decode("gbk")
    number = int(case.rsplit("-", 1)[1]) % 1000
    letters = f"{sum(map(ord, case)) % 1000:03d}"
    first, second = f"91330110MA2CXY1R13{number:03d}P", f"91330110MA2H8K3T07{number:03d}X"
    for turn in range(3):
        changed = (
            text.replace("91330110MA2CXY1R13001P", first)
            .replace("91330110MA2H8K3T07001X", second)
            .replace("PWXKZB20260902000001", f"PWXKZB20260902{letters}{number:03d}{turn}")
            .replace("20260902010203", f"202609020102{turn + 10}")
        )
        yield Document(PERMIT, "permit", changed.encode("gbk"), (first, second), "application/xml")


CASES = (penalty_case, enforcement_case, permit_case)


@dataclass
class Client:
    """Tells one case after the other to whichever gateway answers, and writes down every 202 it was given.

    A document is sent again, under its own key, until it was told 202: that is all that a client can do.
    """

    name: str
    stage: Stage
    number: int
    chance: random.Random
    pause: float
    told: list[oracle.Told] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._tell = CASES[self.number % len(CASES)]
        self._at = self.number
        self.places: dict[str, Iterator[int]] = {}
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Finish the document in hand."""
        self.stop.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.refused.append(f"{self.name} got no answer for a document in {seconds:.0f} s")

    def _work(self) -> None:
        # A failure here is no fault of the gateway's, and must not look like a quiet round.
        try:
            with httpx.Client(timeout=4) as http:
                for number in itertools.count():
                    for place, document in enumerate(self._tell(f"CF-{self.name}-{number}")):
                        if self.stop.is_set():
                            return
                        self._send(http, f"{self.name}-{number}-{place}", document)
                        self.stop.wait(self.pause * self.chance.uniform(0.5, 1.5))
        except Exception as error:
            self.refused.append(f"{self.name} ended: {error!r}")

    def _send(self, http: httpx.Client, key: str, document: Document) -> None:
        headers = {
            "Authorization": f"Bearer {self.stage.credentials[document.sender]}",
            "Content-Type": document.content_type,
            "Idempotency-Key": key,
        }
        while not self.stage.stopping.is_set():
            url = self.stage.gateways[self._at % len(self.stage.gateways)].url
            try:
                answer = http.post(f"{url}/v1/inbound/{document.operation}", content=document.body, headers=headers)
            except httpx.TransportError:
                self._at += 1
            else:
                if answer.status_code == httpx.codes.ACCEPTED:
                    self.note(document, answer.json())
                    return
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR and answer.status_code not in _BUSY:
                    self.refused.append(f"{self.name} {document.operation}: {answer.status_code} {answer.text[:500]}")
                    return
                self._at += 1
            self.stage.stopping.wait(0.05)

    def note(self, document: Document, answer: dict[str, Any]) -> None:
        """Write down a 202."""
        entries: Sequence[dict[str, Any]] = answer.get("messages", [answer])
        for case, entry in zip(document.cases, entries, strict=True):
            if "problem" in entry:
                self.refused.append(f"{self.name} {document.operation}: {entry['problem']}")
                continue
            named = tuple((one["platform"], one["id"]) for one in entry["deliveries"] if one["platform"])
            place = next(self.places.setdefault(case, itertools.count()))
            self.told.append(oracle.Told(self.name, case, place, entry["message_id"], named))


def half_close(stage: Stage, client: Client, at: int, *, whole: bool, slowly: float = 0.0) -> None:
    """Call a gateway and close the sending side of the connection: after the whole document, or in its middle.

    What is told 202 all the same is written down. `slowly`: seconds that the body takes.
    """
    case = f"HC-{client.name}-{len(client.places)}"
    document = next(penalty_case(case))
    url = urlsplit(stage.gateways[at % len(stage.gateways)].url)
    head = (
        f"POST /v1/inbound/{document.operation} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {stage.credentials[document.sender]}\r\nContent-Type: {document.content_type}\r\n"
        f"Idempotency-Key: {case}\r\nContent-Length: {len(document.body)}\r\nConnection: close\r\n\r\n"
    )
    half = len(document.body) // 2
    with socket.create_connection((url.hostname or "127.0.0.1", url.port or 80), timeout=4) as line:
        line.sendall(head.encode() + document.body[:half])
        stage.stopping.wait(slowly)
        if whole:
            line.sendall(document.body[half:])
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while received := line.recv(1 << 16):
            answer += received
    start, _, body = answer.partition(b"\r\n\r\n")
    if start.startswith(b"HTTP/1.1 202") and b"chunked" not in start.lower():
        client.note(document, orjson.loads(body))
