"""What was not accepted is kept, so that its sender can correct it."""

import json
from random import Random

import pytest

from gateway.api.rights import Role
from schemas import invented

PENALTY = "penalty.330000"


async def test_rejected_bytes_can_be_looked_up(caller, execution):
    """What was rejected is kept with its bytes, for its sender and for operators."""
    body = json.dumps({**execution, "LX": "77"}, ensure_ascii=False).encode()
    rejection = (await caller.send(PENALTY, "execution", body)).json()["rejection_id"]
    for who in (caller.admin, lambda *a: caller.platform(PENALTY, *a)):
        assert (await who("GET", f"/v1/rejections/{rejection}")).json()["code"] == "native.invalid"
        assert (await who("GET", f"/v1/rejections/{rejection}/native")).content == body
    other = await caller.platform("mobile-enforcement.330000", "GET", f"/v1/rejections/{rejection}")
    assert (other.status_code, other.json()["code"]) == (404, "rejection.unknown")


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("LX", f"张三丰{invented.citizen_id(Random(7))}"),
        ("LX", "张三丰110101199003070000"),
        ("LX", "电话13800138000"),
        ("ZXSJ", "２０２６，110101199003070000"),
    ],
)
async def test_people_see_nothing_personal_in_what_was_refused(caller, execution, field, sent):
    """Neither in the list nor in the rejection, in either language, mistyped or not; its sender sees what it sent."""
    body = json.dumps({**execution, field: sent}, ensure_ascii=False).encode()
    number = "".join(one for one in sent if one.isascii() and one.isdigit())
    answer = await caller.send(PENALTY, "execution", body)
    assert sent in [one["value"] for one in answer.json()["errors"]]
    rejection = answer.json()["rejection_id"]
    paths = ("/v1/rejections", f"/v1/rejections/{rejection}")
    for id, roles in (("wang-wei", [Role.OPERATOR]), ("li-na", [Role.OPERATOR, Role.BODY_READER])):
        order = {"id": id, "name": "王伟", "roles": [str(one) for one in roles], "regions": []}
        token = (await caller.admin("POST", "/v1/people", json=order)).json()["token"]
        for path in paths:
            for language in ("zh-CN", "en"):
                seen = await caller.call(token, "GET", path, headers={"Accept-Language": language})
                assert seen.status_code == 200, seen.text
                assert rejection in seen.text
                assert number not in seen.text
    for path in paths:
        assert sent in (await caller.platform(PENALTY, "GET", path)).text
