"""What was not accepted is kept, so that its sender can correct it."""

import json

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
