"""Whoever reads bodies sees no personal values, until they say what for; and then for a time, of one subject."""

from datetime import timedelta
from random import Random

import pytest

from adapters.base import Reply
from gateway.api.rights import Role
from schemas import invented

MOBILE = "mobile-enforcement.330000"
PENALTY = "penalty.330000"
CITIZEN = invented.citizen_id(Random(7))
PHONE = "13800138000"
NUMBER = "AJ-1"
SECRETS = (CITIZEN, PHONE, "云栖路1号")


def case(number=NUMBER):
    """A case about somebody, who is named in free text as well."""
    return {
        "type": "case.transferred",
        "document": {
            "case_number": number,
            "name": "露天焚烧案",
            "party": {"name": "某餐饮店", "citizen_id": CITIZEN, "phone": PHONE, "address": "云栖路1号"},
            "region": "330110",
            "found_at": "2026-08-02T11:00:00+08:00",
            "source": "inspection",
            "facts": f"经营者电话{PHONE}",
            "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
        },
    }


async def join(caller, id, *roles, regions=()):
    """Give somebody a token."""
    order = {"id": id, "name": "王伟", "roles": [str(one) for one in roles], "regions": list(regions)}
    return (await caller.admin("POST", "/v1/people", json=order)).json()["token"]


@pytest.fixture
async def reader(caller):
    """Somebody who reads bodies."""
    return await join(caller, "wang-wei", Role.BODY_READER)


@pytest.fixture
async def message(caller):
    """A case that was delivered, and whose receiver repeated what it got."""
    await caller.register(PENALTY, "canonical", token="t")
    caller.sender.reply = Reply(200, {}, f'{{"message_id": "m-1", "who": "{CITIZEN}/{PHONE}"}}'.encode())
    taken = await caller.platform(MOBILE, "POST", "/v1/messages", json=case())
    assert taken.status_code == 202, taken.text
    await caller.outcome()
    return taken.json()["message_id"]


async def everything(caller, token, message):
    """Read everything there is of a message, as text by what it is."""
    detail = await caller.call(token, "GET", f"/v1/messages/{message}")
    [delivery] = [one["id"] for one in detail.json()["deliveries"] if one["platform"] == PENALTY]
    paths = {part: f"/v1/messages/{message}/{part}" for part in ("native", "canonical", "lineage")}
    paths |= {"sent": f"/v1/deliveries/{delivery}/sent", "delivery": f"/v1/deliveries/{delivery}"}
    paths["case"] = f"/v1/cases/{NUMBER}"
    answers = {"detail": detail} | {part: await caller.call(token, "GET", path) for part, path in paths.items()}
    for part, answer in answers.items():
        assert answer.status_code == 200, (part, answer.text)
    return answers


async def unmask(caller, token, **order):
    """Ask for an unmasking."""
    said = {"subject": NUMBER, "purpose": "核对当事人身份", "minutes": 30, **order}
    return await caller.call(token, "POST", "/v1/unmask", json=said)


async def test_nothing_personal_is_shown_to_whoever_reads_bodies(caller, reader, message):
    """Neither in the bytes nor in the document, what was sent, the replies, the case; the rest is there."""
    answers = await everything(caller, reader, message)
    for part, answer in answers.items():
        for secret in SECRETS:
            assert secret not in answer.text, part
    assert answers["canonical"].json()["party"]["name"] == "某餐饮店"
    assert {answers[part].headers["masked"] for part in ("native", "canonical", "sent")} == {"true"}


async def test_it_is_shown_for_a_time_and_a_purpose(caller, reader, message):
    """To that person, of that subject, until the time is over by the gateway's clock; and that is audited."""
    asked = await unmask(caller, reader)
    assert asked.status_code == 201, asked.text
    answers = await everything(caller, reader, message)
    assert all(secret in answers["canonical"].text for secret in SECRETS)
    assert PHONE in answers["native"].text
    assert "masked" not in answers["canonical"].headers
    [shown] = (await caller.call(reader, "GET", "/v1/me")).json()["unmasked"]
    assert (shown["subject"], shown["purpose"]) == (NUMBER, "核对当事人身份")
    [entry] = [one for one in await caller.hub.ledger.audit(NUMBER) if one.action == "personal.unmasked"]
    assert (entry.actor, entry.reason) == ("wang-wei", "核对当事人身份")
    other = await join(caller, "li-na", Role.BODY_READER)
    assert PHONE not in (await caller.call(other, "GET", f"/v1/messages/{message}/canonical")).text
    clock = caller.hub.clock
    caller.hub.clock = lambda: clock() + timedelta(minutes=31)
    assert PHONE not in (await caller.call(reader, "GET", f"/v1/messages/{message}/canonical")).text
    assert (await caller.call(reader, "GET", "/v1/me")).json()["unmasked"] == []


async def test_another_subject_stays_masked(caller, reader, message):
    """An unmasking of one message or case shows nothing of another."""
    second = (await caller.platform(MOBILE, "POST", "/v1/messages", json=case("AJ-2"))).json()["message_id"]
    await unmask(caller, reader, subject=message)
    assert PHONE in (await caller.call(reader, "GET", f"/v1/messages/{message}/canonical")).text
    assert PHONE not in (await caller.call(reader, "GET", f"/v1/messages/{second}/canonical")).text


async def test_an_unmasking_gives_no_right(caller, message):
    """What is outside of one's regions stays so, and who reads no bodies may not ask."""
    neighbour = await join(caller, "li-na", Role.BODY_READER, regions=["320000"])
    assert (await unmask(caller, neighbour)).status_code == 201
    assert (await caller.call(neighbour, "GET", f"/v1/messages/{message}/canonical")).status_code == 404
    for role in (Role.VIEWER, Role.OPERATOR, Role.AUDITOR, Role.ADMIN):
        token = await join(caller, f"one-{role}", role)
        assert (await unmask(caller, token)).json()["code"] == "right.missing"
    assert (await caller.platform(MOBILE, "POST", "/v1/unmask", json={})).status_code == 403


@pytest.mark.parametrize(
    "wrong", [{"minutes": 0}, {"minutes": 481}, {"minutes": "30"}, {"minutes": True}, {"purpose": " "}, {"subject": ""}]
)
async def test_it_is_bounded_and_says_what_for(caller, reader, wrong):
    """No purpose, no subject, no end: 422."""
    refused = await unmask(caller, reader, **wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")


async def test_under_its_key_it_is_not_prolonged(caller, reader):
    """The same again later gives the first end."""
    order, key = {"subject": NUMBER, "purpose": "核对", "minutes": 30}, {"Idempotency-Key": "k-1"}
    first = await caller.call(reader, "POST", "/v1/unmask", json=order, headers=key)
    clock = caller.hub.clock
    caller.hub.clock = lambda: clock() + timedelta(minutes=20)
    again = await caller.call(reader, "POST", "/v1/unmask", json=order, headers=key)
    assert again.json() == first.json()


async def test_bytes_that_are_no_json_are_shown_whole_or_not_at_all(caller, reader):
    """403 `body.masked` for what was rejected, until its id is unmasked; the platform itself has its bytes."""
    rejected = (await caller.send(PENALTY, "execution", f'{{"DH": "{PHONE}"'.encode())).json()["rejection_id"]
    path = f"/v1/rejections/{rejected}/native"
    refused = await caller.call(reader, "GET", path)
    assert (refused.status_code, refused.json()["code"]) == (403, "body.masked")
    assert PHONE in (await caller.platform(PENALTY, "GET", path)).text
    await unmask(caller, reader, subject=rejected)
    assert PHONE in (await caller.call(reader, "GET", path)).text


async def test_a_platform_does_not_learn_who_read(caller, reader, message):
    """Its timeline has nothing of what people looked at; the administrator's has."""
    await unmask(caller, reader, subject=message)
    told = (await caller.platform(MOBILE, "GET", f"/v1/messages/{message}")).text
    assert "unmasked" not in told
    assert "personal.unmasked" in (await caller.admin("GET", f"/v1/messages/{message}")).text


async def test_every_reading_is_in_the_audit_with_its_purpose(caller, reader, message):
    """Who, which part, and what for where it was unmasked; without the ledger nothing is shown."""
    await caller.call(reader, "GET", f"/v1/messages/{message}/canonical")
    await unmask(caller, reader)
    await caller.call(reader, "GET", f"/v1/messages/{message}/native")
    await caller.admin("GET", f"/v1/messages/{message}/canonical")
    read = [one for one in await caller.hub.ledger.audit(message, reads=True) if one.action == "body.read"]
    told = [(one.actor, one.detail["part"], one.reason) for one in read]
    assert told == [
        ("wang-wei", "canonical", ""),
        ("wang-wei", "native", "核对当事人身份"),
        ("admin", "canonical", ""),
    ]
    for token in (reader, caller.admin_token):
        assert "body.read" not in (await caller.call(token, "GET", f"/v1/messages/{message}")).text
    caller.hub.ledger.fail_before("note")
    refused = await caller.call(reader, "GET", f"/v1/messages/{message}/native")
    assert refused.status_code == 503
    assert PHONE not in refused.text
