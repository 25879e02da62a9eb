"""Reconciliation: the day's counts and digests, a platform's own list beside them, and exactly what it lacks again."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import Reply
from gateway.api.rights import Role
from schemas.scalars import CHINA_TIME

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
PATH = "/v1/reconciliation"
YES = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')


@pytest.fixture
async def delivered(caller, execution):
    """Three payments that the enforcement system took, each in a lane of its own; gives the ids of the deliveries."""
    await caller.register(MOBILE, "mobile-enforcement", token="t")
    caller.sender.reply = YES
    found = []
    for number in range(3):
        answer = await caller.send(PENALTY, "execution", {**execution, "AH": f"浙环案202600{number}"})
        found += [one["id"] for one in answer.json()["deliveries"] if one["platform"] == MOBILE]
        assert (await caller.outcome()).state == "delivered"
    return found


def today():
    """The day in the gateway's zone, and the moment until which a list is complete."""
    now = datetime.now(UTC)
    return {"day": now.astimezone(CHINA_TIME).date().isoformat(), "as_of": (now + timedelta(minutes=1)).isoformat()}


async def compare(caller, listed, who=MOBILE, **asked):
    """Hand in a list of ids."""
    body = listed if isinstance(listed, bytes) else "".join(f'{{"id": "{id}"}}\n' for id in listed).encode()
    answer = await caller.platform(who, "POST", PATH, params={**today(), **asked}, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def resend(caller, id, **order):
    """Ask for what was missing."""
    body = {"reconciliation_id": id, "reason": "平台称未收到", **order}
    return await caller.admin("POST", f"{PATH}/resend", json=body)


async def ended(caller, replay_id):
    """Wait until a replay has ended."""
    while not (now := (await caller.admin("GET", f"/v1/replays/{replay_id}")).json())["finished_at"]:
        await asyncio.sleep(0)
    return now


async def test_a_day_is_counted_with_digests_that_anybody_can_compute(caller, delivered):
    """Sorted lines of id and digest of the body sent; the sender's side counts what was accepted from it."""
    bodies = [hashlib.sha256(one.body).hexdigest() for one in caller.sender.sent]
    lines = "".join(sorted(f"{id} {digest}\n" for id, digest in zip(delivered, bodies, strict=True)))
    day = today()["day"]
    said = (await caller.platform(MOBILE, "GET", PATH, params={"day": day})).json()
    assert (said["platform"], said["delivered"]["count"], said["accepted"]["count"]) == (MOBILE, 3, 0)
    assert said["delivered"]["digest"] == hashlib.sha256(lines.encode()).hexdigest()
    [counted] = said["delivered"]["types"]
    assert (counted["type"], counted["count"], counted["digest"]) == (
        "penalty.executed",
        3,
        said["delivered"]["digest"],
    )
    sent = (await caller.admin("GET", PATH, params={"day": day, "platform": PENALTY})).json()
    assert (sent["delivered"]["count"], sent["accepted"]["count"]) == (0, 3)
    other = (await caller.admin("GET", PATH, params={"day": "2026-01-01", "platform": MOBILE})).json()
    assert other["delivered"] == {"count": 0, "digest": hashlib.sha256().hexdigest(), "types": []}


async def test_a_day_is_exported(caller, delivered):
    """The counts as CSV, and every line as CSV or NDJSON, which is a list that agrees."""
    asked = {"platform": MOBILE, "day": today()["day"]}
    csv = {"Accept": "text/csv"}
    counts = (await caller.admin("GET", PATH, params=asked, headers=csv)).text.splitlines()
    assert counts[0] == "direction,type,count,digest"
    assert [line.split(",")[:3] for line in counts[1:]] == [
        ["delivered", "", "3"],
        ["delivered", "penalty.executed", "3"],
        ["accepted", "", "0"],
    ]
    lines = await caller.admin("GET", f"{PATH}/lines", params=asked)
    assert [line.split('"')[3] for line in lines.text.splitlines()] == delivered
    as_csv = await caller.admin("GET", f"{PATH}/lines", params=asked, headers=csv)
    statement = (await caller.admin("GET", PATH, params=asked)).json()
    for body, kind in ((lines.content, "application/x-ndjson"), (as_csv.content, "text/csv; charset=utf-8")):
        answer = await caller.platform(
            MOBILE, "POST", PATH, params=today(), content=body, headers={"Content-Type": kind}
        )
        said = answer.json()
        assert (said["counts"]["equal"], said["counts"]["missing"], said["listed"]) == (3, 0, 3)
        assert said["digest"] == statement["delivered"]["digest"]


async def test_what_either_side_lacks_differs_or_is_twice(caller, delivered):
    """All counted, and named with what each side says."""
    body = "".join(
        [
            f'{{"id": "{delivered[0]}", "digest": "{"00" * 32}"}}\n',
            f'{{"id": "{delivered[1].upper()}"}}\n' * 2,
            '{"id": "nothing-of-ours"}\n',
        ]
    ).encode()
    said = await compare(caller, body)
    counts = {name: count for name, count in said["counts"].items() if count}
    assert counts == {"equal": 1, "different": 1, "twice": 1, "unknown": 1, "missing": 1}
    assert [one["id"] for one in said["missing"]] == [delivered[2]]
    assert said["different"][0]["listed"] == "00" * 32 != said["different"][0]["digest"]
    assert [one["id"] for one in said["twice"]] == [delivered[1]]
    assert [one["id"] for one in said["unknown"]] == ["nothing-of-ours"]
    entries = (await caller.admin("GET", "/v1/audit", params={"subject": MOBILE})).json()["entries"]
    [entry] = [one for one in entries if one["action"] == "platform.reconciled"]
    assert (entry["actor"], entry["detail"]["missing"]) == (MOBILE, "1")


async def test_exactly_the_missing_ones_are_sent_again_and_once(caller, delivered):
    """By two at once and however often it is asked; also when the old list is handed in again."""
    said = await compare(caller, [delivered[0]])
    before = len(caller.sender.sent)
    answers = await asyncio.gather(resend(caller, said["id"]), resend(caller, said["id"]))
    assert {(one.status_code, one.json()["id"]) for one in answers} == {(202, said["id"])}
    states = [await caller.outcome() for _ in range(2)]
    assert {one.state for one in states} == {"delivered"}
    progress = await ended(caller, said["id"])
    assert (progress["total"], progress["replayed"], progress["reconciliation_id"]) == (2, 2, said["id"])
    assert [one.body for one in caller.sender.sent[before:]] == [one.body for one in caller.sender.sent[1:3]]
    assert (await resend(caller, said["id"])).json()["replayed"] == 2
    again = await compare(caller, [delivered[0]])
    assert (again["counts"]["resent"], again["counts"]["missing"]) == (2, 2)  # the new ones are not listed, either
    assert not {one["id"] for one in again["missing"]} & set(delivered)
    assert len(caller.sender.sent) == before + 2


async def test_a_resend_that_fails_half_way_goes_on(caller, delivered):
    """A step whose commit nobody knows of is made again, and sends nothing twice."""
    said = await compare(caller, ["another"])
    caller.hub.ledger.fail_after("step_replay")
    assert (await resend(caller, said["id"])).status_code == 202
    for _ in range(3):
        assert (await caller.outcome()).state == "delivered"
    assert (await ended(caller, said["id"]))["replayed"] == 3
    assert len(caller.sender.sent) == 6


async def test_a_list_of_another_day_resends_nothing(caller, delivered):
    """Nor an empty one: everything would be missing."""
    yesterday = (datetime.now(UTC).astimezone(CHINA_TIME) - timedelta(days=1)).date().isoformat()
    said = await compare(caller, delivered, day=yesterday)
    assert (said["sound"], said["counts"]["other_day"], said["counts"]["missing"]) == (False, 3, 0)
    empty = await compare(caller, [])
    assert (empty["sound"], empty["counts"]["missing"]) == (False, 3)
    for one in (said, empty):
        answer = await resend(caller, one["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "reconciliation.unsound")


async def test_what_was_exchanged_after_the_list_was_made_is_not_missed(caller, delivered):
    """By its moment, or for a list of today that tells none, by five minutes."""
    early = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert (await compare(caller, ["another"], as_of=early))["counts"]["missing"] == 0
    body = b'{"id": "another"}\n'
    untold = await caller.platform(MOBILE, "POST", PATH, params={"day": today()["day"]}, content=body)
    assert untold.json()["counts"]["missing"] == 0


async def test_what_is_acknowledged_while_it_is_compared_is_not_missed(caller, delivered, execution):
    """It is listed, and no answer was recorded when it was looked for: so it is not called missing afterwards."""
    caller.sender.silent = True
    answer = await caller.send(PENALTY, "execution", {**execution, "AH": "浙环案2026099"})
    [late] = [one["id"] for one in answer.json()["deliveries"] if one["platform"] == MOBILE]
    look = caller.hub.ledger.exchanged_as

    async def then_acknowledged(*asked):
        found = await look(*asked)
        caller.sender.silent = False
        while (await caller.hub.ledger.delivery(late)).state != "delivered":
            await asyncio.sleep(0.01)
        return found

    caller.hub.reconciliation._ledger.exchanged_as = then_acknowledged
    said = await compare(caller, [*delivered, late])
    assert (said["counts"]["missing"], said["counts"]["undelivered"]) == (0, 1)
    assert [one["id"] for one in said["undelivered"]] == [late]


async def test_what_was_sent_to_us_is_compared_by_message_or_key(caller, delivered, execution):
    """What we lack they must send again: nothing is resent by it."""
    sent = await caller.send(
        PENALTY, "execution", {**execution, "AH": "浙环案2026050"}, headers={"Idempotency-Key": "own-key-50"}
    )
    await caller.outcome()
    said = await compare(caller, ["own-key-50", "never-arrived"], PENALTY, direction="accepted")
    counts = {name: count for name, count in said["counts"].items() if count}
    assert counts == {"equal": 1, "unknown": 1, "missing": 3}
    by_id = await compare(caller, [sent.json()["message_id"]], PENALTY, direction="accepted")
    assert by_id["counts"]["equal"] == 1
    answer = await resend(caller, said["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "reconciliation.theirs")


@pytest.mark.parametrize("body", [b'{"id": "a-1"}\n{"id": "a', "清单\n".encode("gbk"), b"[]\n"])
async def test_a_bad_list_is_refused_as_a_whole(caller, delivered, body):
    """With the line; nothing is kept of it."""
    answer = await caller.platform(MOBILE, "POST", PATH, params=today(), content=body)
    assert answer.status_code == 422
    assert answer.json()["code"].startswith("list.")
    assert "1" in answer.json()["detail"] or "2" in answer.json()["detail"]
    assert not [
        one
        for one in (await caller.admin("GET", "/v1/audit", params={"subject": MOBILE})).json()["entries"]
        if one["action"] == "platform.reconciled"
    ]


async def test_a_platform_reconciles_only_itself(caller, delivered):
    """Neither reads another's day nor compares it; and it sends nothing again."""
    asked = {**today(), "platform": MOBILE}
    for method, path in (("GET", PATH), ("GET", f"{PATH}/lines"), ("POST", PATH)):
        assert (await caller.platform(PENALTY, method, path, params=asked)).status_code == 403
    body = {"reconciliation_id": "x", "reason": "x"}
    assert (await caller.platform(PENALTY, "POST", f"{PATH}/resend", json=body)).status_code == 403
    # Its own list has another's delivery: unknown, as what there is not.
    said = await compare(caller, [delivered[0]], PENALTY)
    assert (said["counts"]["unknown"], said["unknown"][0]["type"]) == (1, None)


async def test_people_need_the_role_and_the_region(caller, delivered):
    """An auditor reads and compares, an operator sends again; what is of other regions is not there."""
    tokens = {}
    for id, role, regions in (("an", Role.AUDITOR, []), ("ou", Role.OPERATOR, []), ("fa", Role.OPERATOR, ["440000"])):
        order = {"id": id, "name": "王伟", "roles": [str(role)], "regions": regions}
        tokens[id] = (await caller.admin("POST", "/v1/people", json=order)).json()["token"]
    asked = {**today(), "platform": MOBILE}
    made = await caller.call(tokens["an"], "POST", PATH, params=asked, content=b'{"id": "another"}\n')
    assert made.status_code == 200, made.text
    assert (await caller.call(tokens["ou"], "GET", PATH, params=asked)).status_code == 403
    order = {"reconciliation_id": made.json()["id"], "reason": "平台称未收到"}
    assert (await caller.call(tokens["an"], "POST", f"{PATH}/resend", json=order)).status_code == 403
    out = await caller.call(tokens["fa"], "POST", f"{PATH}/resend", json=order)
    assert (out.status_code, out.json()["code"]) == (404, "reconciliation.unknown")
    assert (await caller.call(tokens["ou"], "POST", f"{PATH}/resend", json=order)).status_code == 202
    for asked_wrongly, code in (({}, "platform.unnamed"), ({"platform": "penalty.999999"}, "platform.unknown")):
        answer = await caller.admin("GET", PATH, params={"day": today()["day"], **asked_wrongly})
        assert answer.json()["code"] == code


class TestWithFourEyes:
    """Where bulk replays wait for a second person, so does a resend."""

    @pytest.fixture
    def four_eyes(self):
        """Bulk replays need a second person."""
        return "bulk-replay"

    async def test_a_resend_waits_for_a_second_person(self, caller, delivered):
        """Then it happens once, also when it was asked for twice."""
        order = {"id": "li-na", "name": "李娜", "roles": [str(Role.APPROVER)]}
        token = (await caller.admin("POST", "/v1/people", json=order)).json()["token"]
        said = await compare(caller, ["another"])
        waits = [(await resend(caller, said["id"])).json()["approval_id"] for _ in range(2)]
        assert len(caller.sender.sent) == 3
        for one in waits:
            approved = await caller.call(token, "POST", f"/v1/approvals/{one}/approve")
            assert approved.json()["state"] == "done"
        for _ in range(3):
            assert (await caller.outcome()).state == "delivered"
        assert (await ended(caller, said["id"]))["replayed"] == 3
        assert len(caller.sender.sent) == 6


async def test_what_was_pruned_meanwhile_is_passed_over(caller, delivered):
    """What a comparison missed and is not there any more is no part of the resend."""
    said = await compare(caller, ["another"])
    await caller.hub.ledger.keep_missing(said["id"], datetime.now(UTC), [987654321])
    assert (await resend(caller, said["id"])).json()["total"] == 3


async def test_too_many_days_at_once(caller, delivered):
    """429, and as many as before when the others are done."""
    hub = caller.hub.reconciliation
    with hub._one_more(), hub._one_more(), hub._one_more(), hub._one_more():
        answer = await caller.platform(MOBILE, "GET", PATH, params={"day": today()["day"]})
        assert (answer.status_code, answer.json()["code"]) == (429, "reconciliation.busy")
    assert (await caller.platform(MOBILE, "GET", PATH, params={"day": today()["day"]})).status_code == 200


async def test_levels_are_shown_with_their_proof(caller, delivered):
    """A yes in the body: all three, with when it came and the digest of the answer."""
    shown = (await caller.admin("GET", f"/v1/deliveries/{delivered[0]}")).json()
    digest = hashlib.sha256(YES.body).hexdigest()
    assert [(one["level"], one["digest"], one["attempt"]) for one in shown["levels"]] == [
        ("transport", digest, 1),
        ("schema", digest, 1),
        ("business", digest, 1),
    ]
    assert {one["at"] for one in shown["levels"]} == {shown["tries"][0]["ended_at"]}
    assert shown["tries"][0]["level"] == "business"
    message = (await caller.admin("GET", f"/v1/messages/{shown['message_id']}")).json()
    [told] = [one for one in message["deliveries"] if one["id"] == delivered[0]]
    assert told["levels"] == shown["levels"]


async def test_no_level_is_guessed(caller, dead):
    """An answer that no rule knows arrived, and no more is said; of silence nothing is."""
    shown = (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()
    assert [one["level"] for one in shown["levels"]] == ["transport"]
