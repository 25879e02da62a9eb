"""Batches: an answer for each record, in order, whatever is wrong with others, and wherever the stream ends."""

import asyncio
import gzip
import json
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from gateway.api.app import create_app
from gateway.api.inbound import batch_run
from gateway.api.inbound.spool import AnswerSpool, SpoolRoom
from gateway.intake.admission import CALLS
from gateway.intake.batches import RECORDS
from gateway.ledger.records import DeliveryFilter

PENALTY, MOBILE = "penalty.330000", "mobile-enforcement.330000"
NDJSON = {"Content-Type": "application/x-ndjson"}

PACKAGE = """<?xml version="1.0" encoding="GBK"?>
<Package><Head><LX>AJJD</LX><JLS>{count}</JLS></Head><Data>
{records}
</Data></Package>"""
RECORD = "<Record><AH>{case}</AH><JD>{node}</JD><SJ>20260401083000</SJ><YJ>同意立案</YJ></Record>"


def execution(number, **more):
    """A payment in the penalty system's own words."""
    return {
        "AH": f"浙环案{number}",
        "WSH": "浙环罚[2026]第003号",
        "LX": "1",
        "ZXSJ": "2026-05-06 09:30:00",
        "JE": 20000.5,
        **more,
    }


def lines(*records):
    """Records as NDJSON; bytes stay as they are."""
    return b"\n".join(
        one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode() for one in records
    )


def package(*records, count=None):
    """A package in GBK."""
    inside = "\n".join(records)
    return PACKAGE.format(count=len(records) if count is None else count, records=inside).encode("gbk")


async def send(caller, body, operation="execution", headers=NDJSON, **arguments):
    """Send a batch as the penalty system."""
    return await caller.platform(
        PENALTY, "POST", f"/v1/inbound/{operation}/batch", content=body, headers=headers, **arguments
    )


def told(response):
    """The lines of an answer."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


async def kept(caller):
    """The case numbers of the messages that are kept, in their order."""
    messages = (await caller.admin("GET", "/v1/messages?limit=200")).json()["messages"]
    return [one["ordering_key"].rpartition(":")[2] for one in reversed(messages)]


# ── an answer a line ─────────────────────────────────────────────────────────────────────────────
async def test_each_record_is_answered_in_order(caller):
    """With its message, and warnings only where there are any; what is kept of each is its own line."""
    await caller.register("credit-publicity.330000", "credit-publicity", **_settings(caller, "credit-publicity"))
    answers = told(await send(caller, lines(*(execution(number) for number in range(100)))))
    assert [one["index"] for one in answers] == list(range(100))
    assert all(set(one) == {"index", "message_id", "type", "state", "duplicate"} for one in answers)
    assert {(one["type"], one["duplicate"]) for one in answers} == {("penalty.executed", False)}
    native = await caller.admin("GET", f"/v1/messages/{answers[7]['message_id']}/native")
    assert json.loads(native.content) == execution(7)
    assert (native.headers["content-type"], native.headers["record-index"]) == ("application/json", "0")
    metrics = (await caller.admin("GET", "/metrics")).text
    assert f'hutong_batches_total{{outcome="done",platform="{PENALTY}"}} 1.0' in metrics
    assert f'duplicate="false",platform="{PENALTY}",type="penalty.executed"}} 100.0' in metrics
    assert "hutong_batches_under_way 0.0" in metrics


def _settings(caller, name):
    adapter = caller.hub.adapters.get(name, None)
    return {key: "x" for key, setting in adapter.settings.items() if setting.required and key != "base_url"}


async def test_a_bad_record_stops_no_other(caller):
    """It is told and kept as a single document is; what is too large is told, and not kept."""
    body = lines(
        execution(1), b"{", execution(2, LX="9"), b'{"AH": "\xff"}', b'{"AH": "' + b"x" * 70_000 + b'"}', execution(3)
    )
    answers = told(await send(caller, body, headers={**NDJSON, "Accept-Language": "en"}))
    codes = [one["problem"]["code"] if "problem" in one else None for one in answers]
    assert codes == [None, "json.syntax", "native.invalid", "body.charset", "body.too-large", None]
    assert [one["index"] for one in answers] == list(range(6))
    assert not any("ended" in one for one in answers)
    assert "rejection_id" not in answers[4]["problem"]
    assert answers[2]["problem"]["errors"][0]["path"] == "LX"
    assert answers[1]["problem"]["detail"].isascii()
    for index, content in ((1, b"{"), (3, b'{"AH": "\xff"}')):
        rejection = answers[index]["problem"]["rejection_id"]
        assert (await caller.admin("GET", f"/v1/rejections/{rejection}/native")).content == content
    assert await kept(caller) == ["浙环案1", "浙环案3"]


async def test_a_heavy_record_is_read_beside_the_others(caller):
    """Fifty megabytes in a line are one problem line; deep nesting is another, and neither is waited for long."""
    deep = b"[" * 100_000
    body = lines(execution(1), b"x" * 50_000_000, deep[:60_000], execution(2))
    answers = told(await send(caller, body))
    codes = [one["problem"]["code"] if "problem" in one else None for one in answers]
    assert codes == [None, "body.too-large", "body.depth", None]


async def test_duplicates_are_told(caller):
    """A record that equals the latest of its identity is that; so a file may be sent again."""
    body = lines(execution(1), execution(1), execution(2))
    first, again = told(await send(caller, body)), told(await send(caller, body))
    assert [one["duplicate"] for one in first] == [False, True, False]
    assert [one["duplicate"] for one in again] == [True, True, True]
    assert [one["message_id"] for one in again] == [one["message_id"] for one in first]


async def test_under_a_key_a_record_is_taken_once(caller):
    """Also one that is not the latest of its identity any more; other bytes at its place are told."""
    body = lines(execution(1, JE=1), execution(1, JE=2), execution(2))
    headers = {**NDJSON, "Idempotency-Key": "k"}
    first, again = told(await send(caller, body, headers=headers)), told(await send(caller, body, headers=headers))
    assert [one["message_id"] for one in again] == [one["message_id"] for one in first]
    assert [one["duplicate"] for one in again] == [True, True, True]
    later = told(await send(caller, body, headers=headers, params={"offset": 1}))
    assert [(one["index"], one["message_id"]) for one in later] == [(at, first[at]["message_id"]) for at in (1, 2)]
    other = told(await send(caller, lines(execution(9), execution(3)), headers=headers))
    assert [one["problem"]["code"] for one in other] == ["idempotency.key-reused"] * 2
    assert len(await kept(caller)) == 3


async def test_records_are_passed_over(caller):
    """Their indexes stay counted from the start; at the end of the file there is nothing left to answer."""
    body = lines(*(execution(number) for number in range(5)))
    answers = told(await send(caller, body, params={"offset": 3}))
    assert [one["index"] for one in answers] == [3, 4]
    assert await kept(caller) == ["浙环案3", "浙环案4"]
    assert told(await send(caller, body, params={"offset": 5})) == []


async def test_a_dry_run_keeps_nothing(caller):
    """Each record's document and routes, or what is wrong with it."""
    answers = told(await send(caller, lines(execution(1), execution(2, LX="9")), params={"dry_run": "true"}))
    assert answers[0]["document"]["case_number"] == "浙环案1"
    assert [one["kind"] for one in answers[0]["routes"]] == ["mobile-enforcement", "credit-publicity"]
    assert "rejection_id" not in answers[1]["problem"]
    assert await kept(caller) == []


# ── formats ──────────────────────────────────────────────────────────────────────────────────────
async def test_a_package_in_gbk_is_cut_into_its_records(caller):
    """Each is kept as a package of its own, which could be sent again as it is."""
    records = [RECORD.format(case="浙环案1", node="01"), RECORD.format(case="浙环案2", node="99")]
    answers = told(await send(caller, package(*records), "progress", {"Content-Type": "application/xml; charset=gbk"}))
    assert answers[0]["type"] == "case.progressed"
    rejection = answers[1]["problem"]["rejection_id"]
    native = await caller.admin("GET", f"/v1/rejections/{rejection}/native")
    mended = native.content.replace(b"<JD>99<", b"<JD>01<")
    sent = await caller.send(PENALTY, "progress", mended, headers={"Content-Type": native.headers["content-type"]})
    assert sent.headers["intake-decision"] == "accepted"
    assert await kept(caller) == ["浙环案1", "浙环案2"]


async def test_a_package_that_was_cut_off_keeps_what_is_whole(caller):
    """The fault comes last, at the index from which to go on."""
    records = [RECORD.format(case=f"浙环案{number}", node="01") for number in range(3)]
    body = package(*records)
    answers = told(await send(caller, body[: body.rindex(b"<YJ>")], "progress", {"Content-Type": "text/xml"}))
    assert [("problem" in one, one.get("ended")) for one in answers] == [(False, None), (False, None), (True, True)]
    assert (answers[2]["index"], answers[2]["problem"]["code"]) == (2, "xml.cut")
    assert await kept(caller) == ["浙环案0", "浙环案1"]
    rest = told(await send(caller, body, "progress", {"Content-Type": "text/xml"}, params={"offset": 2}))
    assert [one["index"] for one in rest] == [2]


async def test_a_wrong_number_of_records_is_told_last(caller):
    """The records are in by then."""
    body = package(RECORD.format(case="浙环案1", node="01"), count=7)
    answers = told(await send(caller, body, "progress", {"Content-Type": "text/xml"}))
    assert answers[0]["duplicate"] is False
    assert (answers[1]["index"], answers[1]["problem"]["code"], answers[1]["ended"]) == (1, "envelope.count", True)


async def test_a_table_is_cut_into_its_rows(caller):
    """Each is kept under its header, in the charset that it came in."""
    await caller.register("penalty.330100", "rolls")
    table = "AH,WSH,LX,ZXSJ,JE\n浙环案1,浙环罚〔2026〕3号,1,2026-05-06 09:30:00,1.5\n浙环案2,,,,\n".encode("gbk")
    answer = await caller.platform(
        "penalty.330100", "POST", "/v1/inbound/table/batch", content=table, headers={"Content-Type": "text/csv"}
    )
    good, bad = told(answer)
    native = await caller.admin("GET", f"/v1/messages/{good['message_id']}/native")
    assert native.content == table.rpartition("浙环案2".encode("gbk"))[0]
    assert bad["problem"]["code"] == "mapping.incomplete"


async def test_a_line_may_be_a_package_of_several_records(caller):
    """It has one answer, which tells of each."""
    await caller.register("penalty.330100", "rolls")
    rows = [{**execution(number), "WSH": "浙环罚〔2026〕3号"} for number in range(20)]
    whole = {"head": {"kind": "ZX", "count": 20}, "body": {"rows": rows}}
    body = lines(whole, rows[0], execution(99, WSH="浙环罚〔2026〕3号"))
    answer = await caller.platform("penalty.330100", "POST", "/v1/inbound/parcel/batch", content=body, headers=NDJSON)
    several, one, other = told(answer)
    assert [each["index"] for each in several["messages"]] == list(range(20))
    assert one["message_id"] == several["messages"][0]["message_id"]
    assert (one["duplicate"], other["duplicate"]) == (True, False)


async def test_a_compressed_stream_is_taken(caller):
    """As it comes; one that breaks off keeps what is whole, and says where."""
    body = lines(*(execution(number) for number in range(500)))
    headers = {**NDJSON, "Content-Encoding": "gzip"}
    packed = gzip.compress(body)
    cut = told(await send(caller, packed[: len(packed) // 2], headers=headers))
    assert (cut[-1]["problem"]["code"], cut[-1]["ended"]) == ("encoding.broken", True)
    assert 0 < cut[-1]["index"] == len(cut) - 1 < 500
    assert len(told(await send(caller, packed, headers=headers))) == 500


async def test_a_bomb_is_stopped(caller):
    """However small: no stream becomes a hundred times itself."""
    bomb = gzip.compress(b"\n" * 100_000_000)
    answer = await send(caller, bomb, headers={**NDJSON, "Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "encoding.expands")


# ── what is wrong with the whole ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("operation", "kind", "more", "status", "code"),
    [
        ("nothing", "application/x-ndjson", {}, 404, "operation.unknown"),
        ("execution", None, {}, 415, "batch.format"),
        ("execution", "application/json", {}, 415, "batch.format"),
        ("progress", "application/x-ndjson", {}, 415, "batch.format"),
        ("notice", "application/x-www-form-urlencoded", {}, 415, "batch.format"),
        ("progress", "application/xml; charset=utf-16", {}, 415, "body.charset"),
        ("execution", "application/x-ndjson", {"params": {"offset": "-1"}}, 422, "request.invalid"),
        ("execution", "application/x-ndjson", {"params": {"offset": "1" * 30}}, 422, "request.invalid"),
        ("execution", "application/x-ndjson", {"params": {"dry_run": "maybe"}}, 422, "request.invalid"),
        ("execution", "application/x-ndjson", {"headers": {"Content-Encoding": "br"}}, 415, "encoding.unsupported"),
        ("execution", "application/x-ndjson", {"headers": {"Idempotency-Key": "a b"}}, 400, "idempotency.key-invalid"),
    ],
)
async def test_it_is_one_problem_document(caller, operation, kind, more, status, code):
    """Before any line."""
    headers = {**({"Content-Type": kind} if kind else {}), **more.get("headers", {})}
    answer = await send(caller, b"<a/>", operation, headers, params=more.get("params"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"", b"\n \n"])
async def test_a_file_without_records_is_told(caller, body):
    """400, as nothing was meant by it."""
    answer = await send(caller, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "batch.empty")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_a_batch_is_posted(caller, method):
    """405 otherwise."""
    answer = await caller.platform(PENALTY, method, "/v1/inbound/execution/batch")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_more_than_can_be_taken_in_is_told_to_come_again(caller):
    """429 where there are too many calls, and too many batches; counted."""
    with ExitStack() as taken:
        for _ in range(CALLS):
            taken.enter_context(caller.hub.admission.enter())
        answer = await send(caller, lines(execution(1)))
        assert (answer.status_code, answer.json()["code"]) == (429, "intake.busy")
    with ExitStack() as taken:
        for number in range(8):
            taken.enter_context(caller.hub.batches.enter(lambda number=number: None))
        answer = await send(caller, lines(execution(1)))
        assert (answer.status_code, answer.json()["code"]) == (429, "batch.busy")
        assert answer.headers["Retry-After"] == "1"
    metrics = (await caller.admin("GET", "/metrics")).text
    assert f'hutong_intake_busy_total{{platform="{PENALTY}"}} 2.0' in metrics


# ── streams, event by event ──────────────────────────────────────────────────────────────────────
@dataclass
class Stream:
    """One request whose body comes as the test gives it, and whose answer is seen as it leaves."""

    caller: object
    query: bytes = b""
    operation: str = "execution"
    kind: bytes = b"application/x-ndjson"
    events: asyncio.Queue = field(default_factory=asyncio.Queue)
    status: int = 0
    answered: bytes = b""
    more: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    asked: int = 0

    def start(self):
        """Begin the request."""
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/v1/inbound/{self.operation}/batch",
            "query_string": self.query,
            "headers": [
                (b"authorization", f"Bearer {self.caller.credentials[PENALTY]}".encode()),
                (b"content-type", self.kind),
            ],
            "client": ("192.0.2.7", 1),
        }
        self.task = asyncio.create_task(create_app(self.caller.hub)(scope, self._receive, self._send))
        return self

    async def _receive(self):
        self.asked += 1
        return await self.events.get()

    async def _send(self, event):
        if event["type"] == "http.response.start":
            self.status = event["status"]
        else:
            self.answered += event["body"]
            self.over = not event.get("more_body", False)
        self.more.set()

    def give(self, body=b"", *, last=False):
        """Let a piece of the body arrive."""
        self.events.put_nowait({"type": "http.request", "body": body, "more_body": not last})

    def leave(self):
        """Let the sender go away."""
        self.events.put_nowait({"type": "http.disconnect"})

    @property
    def lines(self):
        """The lines so far."""
        return [json.loads(line) for line in self.answered.splitlines()]

    async def until(self, count):
        """Wait until so many lines came."""
        async with asyncio.timeout(20):
            while len(self.lines) < count:
                self.more.clear()
                await self.more.wait()
        return self.lines

    async def end(self):
        """Wait until the request is over."""
        await asyncio.wait_for(self.task, 20)
        return self.lines


async def test_answers_come_while_the_file_is_sent(caller):
    """What is whole is taken and answered at once: its sender may wait for that before it goes on."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1), execution(2))[:-5])
    assert len(await stream.until(1)) == 1
    stream.give(lines(execution(2))[-5:] + b"\n")
    assert [one["index"] for one in await stream.until(2)] == [0, 1]
    stream.give(lines(execution(3)), last=True)
    assert len(await stream.end()) == 3
    assert (stream.status, stream.over) == (200, True)


async def test_a_connection_that_is_cut_keeps_what_was_whole(caller):
    """And nothing of the line that it was cut in, though that might be read."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1), execution(2)))
    await stream.until(1)
    stream.leave()
    await stream.end()
    assert await kept(caller) == ["浙环案1"]
    metrics = (await caller.admin("GET", "/metrics")).text
    assert f'hutong_batches_total{{outcome="cut",platform="{PENALTY}"}} 1.0' in metrics
    assert "hutong_batches_under_way 0.0" in metrics
    assert caller.hub.admission.under_way() == 0


async def test_a_ledger_that_fails_ends_the_batch_where_it_stands(caller):
    """The last line says from where to go on; after that each record is there once, in order."""
    body = lines(*(execution(number) for number in range(3 * RECORDS)))
    caller.hub.ledger.fail_after("accept_all", meant=lambda intakes: "浙环案40".encode() in intakes[8].body)
    headers = {**NDJSON, "Idempotency-Key": "k"}
    answers = told(await send(caller, body, headers=headers))
    assert (answers[-1]["ended"], answers[-1]["problem"]["code"]) == (True, "ledger.disk-full")
    index = answers[-1]["index"]
    assert index == RECORDS == len(answers) - 1
    rest = told(await send(caller, body, headers=headers, params={"offset": index}))
    assert [one["index"] for one in rest] == list(range(RECORDS, 3 * RECORDS))
    assert await kept(caller) == [f"浙环案{number}" for number in range(3 * RECORDS)]


async def test_a_ledger_that_fails_at_once_is_a_problem_document(caller):
    """503, as nothing was answered yet; nothing of it is lost or doubled when it is sent again."""
    caller.hub.ledger.fail_before("accept_all")
    answer = await send(caller, lines(execution(1)))
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger.disk-full")
    assert len(told(await send(caller, lines(execution(1))))) == 1


async def test_nothing_overtakes_in_a_lane_whatever_moves(caller):
    """A platform is registered while a group is being kept: all is decided anew, in the order of the file."""
    one = RECORD.format(case="浙环案1", node="01")
    records = [one.replace("同意", f"{number}同意") for number in range(70)]
    gate = caller.hub.ledger.hold_before("accept_all")
    sending = asyncio.create_task(send(caller, package(*records), "progress", {"Content-Type": "text/xml"}))
    await gate.reached()
    await caller.register("mobile-enforcement.330100", "canonical", token="t")
    gate.open()
    answers = told(await sending)
    deliveries = await caller.hub.ledger.find_deliveries(DeliveryFilter(), None, 500)
    position = {one.message_id: one.position for one in deliveries.items}
    found = [position[one["message_id"]] for one in answers]
    assert len(found) == len(set(found)) == 70
    assert found == sorted(found)
    assert {one.platform for one in deliveries.items} == {"mobile-enforcement.330000"}


async def test_a_sender_that_reads_nothing_is_not_waited_for(caller, monkeypatch):
    """All of it is taken in before a line leaves."""
    stream, gate = Stream(caller), asyncio.Event()
    held = stream._send

    async def unread(event):
        await gate.wait()
        await held(event)

    monkeypatch.setattr(stream, "_send", unread)
    stream.start()
    for number in range(20):
        stream.give(lines(*(execution(f"{number}-{at}") for at in range(20))) + b"\n")
    stream.give(last=True)
    async with asyncio.timeout(30):
        while len(await kept(caller)) < 200:
            await asyncio.sleep(0.01)
    assert stream.answered == b""
    gate.set()
    assert [one["index"] for one in await stream.end()] == list(range(400))


async def test_answers_that_nobody_reads_have_a_bound(caller, monkeypatch):
    """Beyond it the batch ends with the index to go on from, and what still comes is read and forgotten."""
    monkeypatch.setattr("gateway.api.inbound.batch.SpoolRoom", lambda most: SpoolRoom(20_000))
    monkeypatch.setattr("gateway.api.inbound.batch.AnswerSpool", lambda room: _small(room))
    stream, gate = Stream(caller), asyncio.Event()
    held = stream._send

    async def unread(event):
        await gate.wait()
        await held(event)

    monkeypatch.setattr(stream, "_send", unread)
    stream.start()
    for number in range(40):
        stream.give(lines(*(execution(f"{number}-{at}") for at in range(RECORDS))) + b"\n")
    stream.give(last=True)
    async with asyncio.timeout(30):
        while not stream.events.empty():
            await asyncio.sleep(0.01)
    gate.set()
    answers = await stream.end()
    assert (answers[-1]["problem"]["code"], answers[-1]["ended"]) == ("batch.answers-unread", True)
    assert [one["index"] for one in answers] == list(range(len(answers)))
    assert len(answers) < 1000


def _small(room):
    return AnswerSpool(room, memory=1000)


async def test_a_batch_ends_with_the_gateway(caller):
    """It says from where to go on, also while it waits for its sender; and no other begins."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1)) + b"\n")
    await stream.until(1)
    caller.hub.batches.end()
    answers = await stream.end()
    assert (answers[1]["index"], answers[1]["problem"]["code"], answers[1]["ended"]) == (1, "gateway.stopping", True)
    assert (await send(caller, lines(execution(2)))).status_code == 503


async def test_a_credential_that_is_revoked_ends_the_batch(caller):
    """At its next group: nobody goes on sending for hours with what is not valid any more."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1)) + b"\n")
    await stream.until(1)
    await caller.admin("POST", f"/v1/platforms/{PENALTY}/credentials")
    await caller.admin("DELETE", f"/v1/platforms/{PENALTY}?discard=true")
    stream.give(lines(execution(2)) + b"\n")
    answers = await stream.end()
    assert (answers[-1]["problem"]["status"], answers[-1]["ended"], answers[-1]["index"]) == (401, True, 1)


async def test_a_single_credential_that_is_revoked_ends_the_batch(caller):
    """The platform stays, and its other credentials; the stream under this one ends with the code that says why."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1)) + b"\n")
    await stream.until(1)
    at = f"/v1/platforms/{PENALTY}/credentials"
    [used] = (await caller.admin("GET", at)).json()["credentials"]
    await caller.admin("DELETE", f"{at}/{used['id']}")
    stream.give(lines(execution(2)) + b"\n")
    answers = await stream.end()
    assert (answers[-1]["problem"]["code"], answers[-1]["ended"]) == ("credential.revoked", True)


async def test_what_fails_in_the_gateway_is_told_and_logged(caller, monkeypatch):
    """A 500 as one problem document, or as the last line."""
    stream = Stream(caller).start()
    stream.give(lines(execution(1)) + b"\n")
    await stream.until(1)
    monkeypatch.setattr(batch_run.BatchRun, "_answers", lambda *_: 1 / 0)
    stream.give(lines(execution(2)) + b"\n")
    answers = await stream.end()
    assert (answers[-1]["problem"]["code"], answers[-1]["ended"]) == ("internal", True)
    answer = await send(caller, lines(execution(2)))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_a_group_waits_for_room_and_is_not_refused(caller, monkeypatch):
    """While others take all there is, a batch that is in already waits, and its sender with it."""
    monkeypatch.setattr(batch_run, "_AGAIN", 0.01)
    stream = Stream(caller).start()
    stream.give(lines(execution(1)) + b"\n")
    await stream.until(1)
    with caller.hub.admission.enter(256 * 1024 * 1024):
        stream.give(lines(execution(2)) + b"\n")
        await asyncio.sleep(0.05)
        assert len(stream.lines) == 1
    assert len(await stream.until(2)) == 2
    stream.give(last=True)
    await stream.end()
