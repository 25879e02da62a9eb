"""Sending a batch: answers as they come, and on from where they ended."""

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest

PENALTY = "penalty.330000"
GOOD = {"AH": "浙环案1", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00"}


def written(path, *records):
    """Write records as NDJSON."""
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path


def answer(*lines, whole=True):
    """A chunked answer of these lines; not whole: it breaks off behind them."""
    body = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n" % (len(body), body) + (b"0\r\n\r\n" if whole else b"")


def refusal(status, code, *headers):
    """A problem document."""
    body = json.dumps({"status": status, "code": code, "title": "t", "detail": "d"}).encode()
    head = [f"HTTP/1.1 {status} X", "Content-Type: application/problem+json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def taken(index, **more):
    """The line about a record that was accepted."""
    return {"index": index, "message_id": f"m-{index}", "type": "t", "state": "ready", "duplicate": False, **more}


def ended(index, status, code):
    """The line that says why the batch ended."""
    return {"index": index, "problem": {"status": status, "code": code, "title": "t", "detail": "d"}, "ended": True}


@dataclass
class Door:
    """Answers one connection after the other with what is written, and closes it; `asked` are the requests' heads."""

    answers: list[bytes]
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hold: Event = field(default_factory=Event)
    port: int = 0
    thread: Thread | None = None

    @property
    def url(self):
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def received(self):
        """Give the requests' bodies, once all that is written was said."""
        self.thread.join(30)
        return self.bodies

    def serve(self, listener):
        """Answer until all that is written was said."""
        for each in self.answers:
            line, _ = listener.accept()
            with line:
                self._one(line, each)

    def _one(self, line, said):
        data = b""
        while b"\r\n\r\n" not in data:
            data += line.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        self.asked.append(head.decode())
        line.sendall(said)
        with contextlib.suppress(OSError):
            line.settimeout(0.2)
            while part := line.recv(65536):
                body += part
        self.bodies.append(body)
        if said.startswith(b"HTTP/1.1 200") and not said.endswith(b"0\r\n\r\n"):
            self.hold.wait(5)


@pytest.fixture
def door():
    """Open a door that says what is written."""
    with contextlib.ExitStack() as open_doors:

        def opened(*answers):
            listener = open_doors.enter_context(socket.create_server(("127.0.0.1", 0)))
            made = Door(list(answers), port=listener.getsockname()[1])
            made.hold.set()
            made.thread = Thread(target=made.serve, args=(listener,), daemon=True)
            made.thread.start()
            return made

        yield opened


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Go on at once."""
    monkeypatch.setattr("gateway.cli.batch._LONGEST_WAIT", 0.0)


def sent(hutong, door, file, *more):
    """Run the command."""
    return hutong(
        "message", "send", "--batch", file, "--operation", "execution", "--url", door.url, "--token", "t", *more
    )


def test_records_are_counted(hutong, door, tmp_path):
    """Accepted, duplicate and refused; code 1 when any was refused, and which ones."""
    refused = {"index": 2, "problem": {"status": 422, "code": "native.invalid", "title": "t", "detail": "缺少 AH"}}
    place = door(answer(taken(0), taken(1, duplicate=True), refused))
    said = sent(hutong, place, written(tmp_path / "f.ndjson", GOOD, GOOD, {}))
    assert said.code == 1
    assert "accepted 1 · duplicate 1 · refused 1" in said.out
    assert "#2 native.invalid: 缺少 AH" in said.out
    head = place.asked[0]
    assert head.startswith("POST /v1/inbound/execution/batch?offset=0 HTTP/1.1")
    assert "Content-Type: application/x-ndjson" in head
    assert "Idempotency-Key: batch-" in head
    assert place.received()[0] == (tmp_path / "f.ndjson").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "coding"),
    [
        ("a.csv", "text/csv", ""),
        ("a.XML", "application/xml", ""),
        ("a.jsonl.gz", "application/x-ndjson", "gzip"),
        ("a.xml.gz", "application/xml", "gzip"),
        ("a", "application/x-ndjson", ""),
    ],
)
def test_a_files_name_says_how_it_is_written(hutong, door, tmp_path, name, kind, coding):
    """Also whether it is compressed: it is sent as it is."""
    file = tmp_path / name
    file.write_bytes(gzip.compress(b"x") if coding else b"x")
    place = door(answer())
    assert sent(hutong, place, file).code == 0
    assert f"Content-Type: {kind}\r\n" in place.asked[0]
    assert ("Content-Encoding: gzip" in place.asked[0]) == bool(coding)


def test_it_goes_on_where_the_answers_ended(hutong, door, tmp_path):
    """After a cut, a gateway that stopped, and one that was busy: under one key, and no answer is written twice."""
    half = json.dumps(taken(3)).encode()[:20]
    place = door(
        answer(taken(0), taken(1), taken(2), half, whole=False),
        answer(taken(3), ended(4, 503, "gateway.stopping")),
        refusal(429, "batch.busy", "Retry-After: 1"),
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\nx",
        answer(taken(4)),
    )
    out = tmp_path / "answers"
    said = sent(hutong, place, written(tmp_path / "f.ndjson", *[GOOD] * 5), "--answers", out)
    assert said.code == 0, said.err
    assert [json.loads(line)["index"] for line in out.read_text().splitlines()] == [0, 1, 2, 3, 4]
    assert [head.split("offset=")[1].split()[0] for head in place.asked] == ["0", "3", "4", "4", "4"]
    keys = {line for head in place.asked for line in head.splitlines() if line.startswith("Idempotency-Key")}
    assert len(keys) == 1
    assert "accepted 5" in said.out
    assert "going on from record 3" in said.err


def test_it_gives_up_when_nothing_moves(hutong, door, tmp_path):
    """After so many times, and says how to go on."""
    place = door(answer(taken(0), whole=False), *[refusal(503, "unavailable")] * 3)
    file = written(tmp_path / "f.ndjson", GOOD, GOOD)
    said = sent(hutong, place, file, "--retries", 2, "--key", "k")
    assert said.code == 1
    words = " ".join(said.err.split())
    assert "stopped before record 1" in words
    assert f"hutong message send --batch {file} --operation execution --key k --offset 1" in words


def test_going_on_adds_to_the_answers(hutong, door, tmp_path):
    """`--offset` is where the gateway begins, and what was answered before stays."""
    out = tmp_path / "answers"
    out.write_text('{"index": 0}\n')
    place = door(answer(taken(1)))
    assert sent(hutong, place, written(tmp_path / "f.ndjson", GOOD), "--offset", 1, "--answers", out).code == 0
    assert [json.loads(line)["index"] for line in out.read_text().splitlines()] == [0, 1]


def test_programs_get_the_lines(hutong, door, tmp_path):
    """On standard output, and nothing else there."""
    place = door(answer(taken(0), taken(1)))
    said = sent(hutong, place, written(tmp_path / "f.ndjson", GOOD, GOOD), "--json")
    assert [json.loads(line)["index"] for line in said.out.splitlines()] == [0, 1]
    assert "accepted 2" in said.err


def test_a_file_that_is_wrong_stops_it(hutong, door, tmp_path):
    """What the gateway refuses as a whole, and what ended in a fault of the file: neither is sent again."""
    file = written(tmp_path / "f.ndjson", GOOD)
    said = sent(hutong, door(refusal(415, "batch.format")), file)
    assert (said.code, "[batch.format]" in said.err) == (1, True)
    said = sent(hutong, door(answer(taken(0), ended(1, 400, "xml.cut"))), file)
    assert (said.code, "xml.cut" in said.err, "--offset 1" in said.err) == (1, True, True)


def test_an_answer_before_all_is_sent_is_heard(hutong, door, tmp_path):
    """Though the rest cannot be sent any more."""
    file = tmp_path / "large.ndjson"
    file.write_bytes(b"x" * 30_000_000)
    said = sent(hutong, door(refusal(401, "credential.unknown")), file)
    assert (said.code, "[credential.unknown]" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--batch", "f", "--operation", "x", "--token", "t"], 1, "cannot be read"),
        (["--batch", "f", "--token", "t"], 2, "--operation"),
        (["--batch", "f", "--operation", "x"], 2, "credential"),
        (["f", "--operation", "x", "--token", "t", "--offset", "1"], 2, "--batch"),
    ],
)
def test_misuse_is_told(hutong, arguments, code, words):
    """With what to do."""
    said = hutong("message", "send", *arguments, "--url", "http://127.0.0.1:9")
    assert (said.code, words in said.err) == (code, True)


def test_no_gateway_is_told_at_once(hutong, tmp_path):
    """Nothing was reached: it is not tried again."""
    file = written(tmp_path / "f.ndjson", GOOD)
    said = hutong("message", "send", "--batch", file, "--operation", "x", "--token", "t", "--url", "http://127.0.0.1:9")
    assert (said.code, "no gateway answers" in said.err) == (1, True)


def test_ctrl_c_says_how_to_go_on(door, tmp_path):
    """The process ends with 130 after what was answered."""
    place = door(answer(taken(0), taken(1), whole=False))
    place.hold.clear()
    file = written(tmp_path / "f.ndjson", GOOD, GOOD, GOOD)
    command = [sys.executable, "-m", "gateway.cli.main", "message", "send", "--batch", str(file)]
    process = subprocess.Popen(
        [*command, "--operation", "execution", "--key", "k", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HUTONG_URL": place.url, "HUTONG_TOKEN": "t"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what runs in the background ignores it
    )
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    place.hold.set()
    assert process.returncode == 130
    assert f"hutong message send --batch {file} --operation execution --key k --offset 2" in " ".join(err.split())


def test_a_real_gateway_takes_a_file(remote, tmp_path):
    """From registering to the messages that it made."""
    remote("platform", "add", PENALTY, "--adapter", "town", "--set", "base_url=http://127.0.0.1:9", "--set", "key=k")
    token = remote("platform", "credentials", PENALTY, "--json").json["credential"]
    file = written(tmp_path / "f.ndjson", *({**GOOD, "AH": f"浙环案{number}"} for number in range(40)), {})
    said = remote("message", "send", "--batch", file, "--operation", "execution", "--token", token, "--json")
    assert said.code == 1
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [one["index"] for one in lines] == list(range(41))
    shown = remote("message", "show", lines[3]["message_id"], "--json").json
    assert shown["keys"]["case_number"] == "浙环案3"
