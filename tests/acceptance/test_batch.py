"""Files of many records against a real gateway process: bounded memory, senders of every kind, and cuts anywhere."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from town import Town, town

PENALTY = "penalty.330000"
NOWHERE = "http://127.0.0.1:9"
SAMPLE = Path(__file__).parents[2] / "adapters" / "penalty" / "samples" / "execution" / "1.native.json"

MEGABYTE = 1024 * 1024


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    """A gateway with one penalty platform."""
    with town(tmp_path) as made:
        made.register(PENALTY, "fast-penalty", NOWHERE)
        yield made


def line(number: int, **more: Any) -> bytes:
    """A payment in the penalty platform's own words."""
    record = {**json.loads(SAMPLE.read_text(encoding="utf-8")), "CASEID": f"AJ-{number}", **more}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def head(place: Town, *more: str, query: str = "") -> bytes:
    """The head of a batch."""
    lines = [
        f"POST /v1/inbound/execution/batch{query} HTTP/1.1",
        f"Host: 127.0.0.1:{place.gateway.port}",
        f"Authorization: Bearer {place.credentials[PENALTY]}",
        "Content-Type: application/x-ndjson",
        "Connection: close",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def answers(raw: bytes) -> list[Any]:
    """The lines of a raw chunked answer."""
    top, _, body = raw.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 200"), raw[:1000]
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        found, body = found + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return [json.loads(one) for one in found.splitlines()]


def everything(line: socket.socket) -> bytes:
    """What comes until the gateway closes."""
    found = b""
    while part := line.recv(65536):
        found += part
    return found


def resident(place: Town) -> int:
    """The most bytes of memory that the gateway has had."""
    assert place.gateway.process is not None
    status = Path(f"/proc/{place.gateway.process.pid}/status").read_text()
    return next(int(one.split()[1]) * 1024 for one in status.splitlines() if one.startswith("VmHWM"))


def kept(place: Town) -> list[str]:
    """The case numbers of all messages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        after = f"&cursor={cursor}" if cursor else ""
        page = place.operator("GET", f"/v1/messages?limit=200{after}")
        found += [one["ordering_key"].rpartition(":")[2] for one in page["messages"]]
        cursor = page["cursor"]
        if cursor is None:
            return found


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stream_of_any_length_takes_little_memory(place: Town) -> None:
    """Three hundred megabytes, among them lines of fifty, and a compressed stream: each record is answered.

    What the gateway takes more is less than two of its ordinary bodies and what it always takes for work.
    """

    def stream() -> Iterator[bytes]:
        for number in range(6):
            for other in range(40):
                yield line(number * 40 + other)
            for _ in range(50):
                yield b"x" * MEGABYTE
            yield b"\n"

    first = httpx.post(
        f"{place.gateway.url}/v1/inbound/execution/batch",
        headers={"Authorization": f"Bearer {place.credentials[PENALTY]}", "Content-Type": "application/x-ndjson"},
        content=b"".join(line(number) for number in range(200)),
        timeout=60,
    )
    assert len(first.text.splitlines()) == 200
    before = resident(place)
    headers = {"Authorization": f"Bearer {place.credentials[PENALTY]}", "Content-Type": "application/x-ndjson"}
    url = f"{place.gateway.url}/v1/inbound/execution/batch"
    found = httpx.post(url, headers=headers, content=stream(), timeout=300).text.splitlines()
    assert [json.loads(one)["index"] for one in found] == list(range(246))
    codes = [json.loads(one)["problem"]["code"] for one in found if "problem" in json.loads(one)]
    assert codes == ["body.too-large"] * 6
    packed = gzip.compress(b"".join(stream()))
    assert len(packed) < MEGABYTE
    answer = httpx.post(url, headers={**headers, "Content-Encoding": "gzip"}, content=packed, timeout=300)
    assert json.loads(answer.text.splitlines()[-1])["problem"]["code"] == "encoding.expands"
    grown = resident(place) - before
    print(f"  grown by {grown / MEGABYTE:.1f} MB")
    assert grown < 24 * MEGABYTE


def test_who_reads_nothing_before_all_is_sent_gets_every_answer(place: Town) -> None:
    """Neither side waits for the other, however small the buffers between them are."""
    count = 4_000
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.settimeout(120)
        caller.connect(("127.0.0.1", place.gateway.port))
        caller.sendall(head(place, "Transfer-Encoding: chunked"))
        for start in range(0, count, 50):
            caller.sendall(chunk(b"".join(line(number) for number in range(start, start + 50))))
        caller.sendall(chunk(b""))
        found = answers(everything(caller))
    assert [one["index"] for one in found] == list(range(count))
    assert not any("problem" in one for one in found)


def test_who_never_reads_is_taken_in_and_cut(place: Town) -> None:
    """All that it sent is there; others are served meanwhile and after it."""
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.settimeout(120)
        caller.connect(("127.0.0.1", place.gateway.port))
        body = b"".join(line(number) for number in range(1_000))
        caller.sendall(head(place, f"Content-Length: {len(body)}") + body)
        until(lambda: len(kept(place)) == 1_000, 120)
    assert place.post(PENALTY, "/v1/inbound/execution", content=line(5_000)).status_code == 202


def send(place: Town, file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Start `hutong message send --batch`."""
    command = [sys.executable, "-m", "gateway.cli.main", "message", "send", "--batch", str(file)]
    environment = {"HUTONG_URL": place.gateway.url, "HUTONG_TOKEN": place.credentials[PENALTY]}
    return subprocess.Popen(
        [*command, "--operation", "execution", "--answers", str(out), *more],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answered(out: Path) -> int:
    """How many answers were written."""
    return out.read_bytes().count(b"\n") if out.exists() else 0


def test_every_record_is_there_once_though_the_gateway_is_killed(place: Town, tmp_path: Path) -> None:
    """SIGKILL in the middle, twice: the command goes on by itself, and two versions of one thing stay two."""
    count = 1_500
    file, out = tmp_path / "file.ndjson", tmp_path / "answers"
    file.write_bytes(b"".join(line(number // 2, EXECMONEY=1 + number % 2) for number in range(count)))
    command = send(place, file, out)
    for kill in (1, 2):
        until(lambda kill=kill: answered(out) >= kill * 300)
        place.gateway.kill()
        place.gateway.start()
        place.gateway.wait_until_serving()
    said, _ = command.communicate(timeout=200)
    assert command.returncode == 0, said
    found = [json.loads(one) for one in out.read_text(encoding="utf-8").splitlines()]
    assert [one["index"] for one in found] == list(range(count))
    assert len({one["message_id"] for one in found}) == count
    assert sorted(kept(place)) == sorted(f"AJ-{number // 2}" for number in range(count))


def test_a_gateway_that_ends_says_from_where_to_go_on(place: Town, tmp_path: Path) -> None:
    """SIGTERM ends it in time, the last answer tells the place, and the command goes on from there."""
    count = 2_000
    file, out = tmp_path / "file.ndjson", tmp_path / "answers"
    file.write_bytes(b"".join(line(number) for number in range(count)))
    command = send(place, file, out)
    until(lambda: answered(out) >= 200)
    began = time.monotonic()
    place.gateway.stop()
    assert time.monotonic() - began < 10
    place.gateway.start()
    place.gateway.wait_until_serving()
    said, _ = command.communicate(timeout=200)
    assert command.returncode == 0, said
    assert "going on from record" in said
    assert len(kept(place)) == count
