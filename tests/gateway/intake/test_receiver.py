"""The same document twice, the same key twice, packages, and what is rejected."""

from __future__ import annotations

import pytest

from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Accepted, Rejection
from schemas.findings import Rejected

MOBILE, PERMITS = "mobile-enforcement.330000", "pollutant-permit.330000"


async def house(desk) -> None:
    """Register who sends and who listens."""
    await desk.at(MOBILE, PERMITS, "penalty.330000")


async def test_the_same_document_twice_is_a_duplicate(desk, write):
    """The earlier message is the answer, and nothing new is delivered."""
    await house(desk)
    first = await desk.send(MOBILE, "case.transferred", write.case())
    again = await desk.send(MOBILE, "case.transferred", dict(reversed(write.case().items())))
    assert again.duplicate
    assert again.message.id == first.message.id
    assert [one.duplicate for one in desk.told if hasattr(one, "duplicate")] == [False, True]


async def test_another_version_of_the_same_document_is_a_new_message(desk, write):
    """A permit does change, and may change back."""
    await house(desk)
    sent = [
        await desk.send(PERMITS, "permit.changed", write.permit(status=status)) for status in ("new", "changed", "new")
    ]
    assert [one.duplicate for one in sent] == [False, False, False]
    assert len({one.message.id for one in sent}) == 3


async def test_an_operation_may_say_what_makes_a_record_itself(desk, write):
    """The adapter's identity goes before the catalogue's: two issues of a permit are two things."""
    await house(desk)
    old = await desk.send(PERMITS, "dated-permit", write.permit())
    new = await desk.send(PERMITS, "dated-permit", write.permit(issued_on="2026-01-01"))
    again = await desk.send(PERMITS, "dated-permit", write.permit())
    assert old.message.identity != new.message.identity
    assert again.duplicate


async def test_the_same_key_with_the_same_bytes_gives_the_first_answer(desk, write):
    """Replayed: the receipt is the first one."""
    await house(desk)
    first = await desk.receive(MOBILE, "case.transferred", write.case(), key="k-1")
    again = await desk.receive(MOBILE, "case.transferred", write.case(), key="k-1")
    assert again.receipt.repeated
    assert again.receipt.entries[0].message.id == first.receipt.entries[0].message.id


async def test_the_same_key_with_other_bytes_is_a_conflict(desk, write):
    """Even when what it says is the same."""
    await house(desk)
    await desk.receive(MOBILE, "case.transferred", write.case(), key="k-1")
    with pytest.raises(Conflict) as caught:
        await desk.receive(MOBILE, "case.transferred", write.case(facts="别的"), key="k-1")
    assert caught.value.code == "idempotency.key-reused"


async def test_a_key_belongs_to_its_platform_and_operation(desk, write):
    """Two platforms, or two operations, may use one key."""
    await house(desk)
    await desk.receive(MOBILE, "case.transferred", write.case(), key="k-1")
    other = await desk.receive(MOBILE, "inspection.recorded", write.inspection(), key="k-1")
    third = await desk.receive(PERMITS, "permit.changed", write.permit(), key="k-1")
    assert not other.receipt.repeated
    assert not third.receipt.repeated


@pytest.mark.parametrize("key", ["", "k" * 256, "两", "a b", "a\nb"])
async def test_a_key_that_cannot_be_kept_is_refused(desk, write, key):
    """Bounded, visible ASCII: 400."""
    await house(desk)
    with pytest.raises(Rejected) as caught:
        await desk.receive(MOBILE, "case.transferred", write.case(), key=key)
    assert (caught.value.status, caught.value.code) == (400, "idempotency.key-invalid")


async def test_a_package_is_taken_record_by_record(desk, write):
    """A bad record is told with its index; the others are messages."""
    await house(desk)
    records = [write.permit(), write.permit(permit_number="无"), write.permit(region="371002")]
    outcome = await desk.receive(PERMITS, "permits", {"count": 3, "records": records})
    assert outcome.split
    good, bad, outside = outcome.receipt.entries
    assert isinstance(good, Accepted)
    assert (bad.index, bad.code) == (1, "document.invalid")
    assert (outside.index, outside.status) == (2, 403)
    native = await desk.ledger.rejection_native(bad.id)
    assert native.index == 1


async def test_the_same_record_twice_in_a_package_is_a_duplicate(desk, write):
    """Within one call as between two."""
    await house(desk)
    outcome = await desk.receive(PERMITS, "permits", {"count": 2, "records": [write.permit(), write.permit()]})
    assert [one.duplicate for one in outcome.receipt.entries] == [False, True]


async def test_a_broken_envelope_refuses_the_whole(desk, write):
    """A wrong count: one rejection, told as itself and not as a package."""
    await house(desk)
    outcome = await desk.receive(PERMITS, "permits", {"count": 2, "records": [write.permit()]})
    (rejection,) = outcome.receipt.entries
    assert not outcome.split
    assert isinstance(rejection, Rejection)
    assert rejection.code == "package.count"


async def test_an_empty_package_is_refused(desk):
    """Nothing sent is nothing accepted."""
    await house(desk)
    outcome = await desk.receive(PERMITS, "permits", {"count": 0, "records": []})
    assert outcome.receipt.entries[0].code == "package.empty"


async def test_a_large_package_is_translated_beside_the_loop_with_the_same_result(desk, write):
    """More than 256 KB: another thread, the same entries in the same order."""
    await house(desk)
    records = [write.permit(permit_number=f"{write.permit()['permit_number'][:18]}{n:03}P") for n in range(1, 901)]
    outcome = await desk.receive(PERMITS, "permits", {"count": 900, "records": records})
    numbers = [one.message.document["permit_number"][18:21] for one in outcome.receipt.entries]
    assert numbers == [f"{n:03}" for n in range(1, 901)]


async def test_a_rejection_keeps_the_bytes_and_the_problem_in_both_languages(desk):
    """Found under the id that its sender was told."""
    await house(desk)
    body = b'{"case_number": "AJ-1", "case_number": "AJ-2"}'
    rejection = await desk.fail(MOBILE, "case.transferred", body)
    assert (rejection.status, rejection.code) == (400, "json.duplicate-key")
    assert rejection.problem["rejection_id"] == rejection.id
    assert rejection.problem["trace_id"] == "trace-1"
    assert rejection.problem["en"]["detail"] != rejection.problem["detail"]
    assert (await desk.ledger.rejection_native(rejection.id)).body == body
    assert [type(one).__name__ for one in desk.told] == ["DocumentRejected"]


async def test_an_operation_nobody_receives_is_not_found(desk, write):
    """404 with the operations there are."""
    await house(desk)
    with pytest.raises(NotFound) as caught:
        await desk.receive(MOBILE, "nonsense", write.case())
    assert caught.value.code == "operation.unknown"
    assert "case.transferred" in caught.value.detail.en


async def test_oddities_are_warnings_on_the_message(desk, write):
    """A failed check digit, one officer, a field nobody mapped: accepted, and said."""
    await house(desk)
    odd = write.case(party={"name": "杭州示例化工有限公司", "credit_code": "91330110MA2CXY1R6A"}, EXTRA="x")
    odd["officers"] = odd["officers"][:1]
    sent = await desk.send(MOBILE, "case.transferred", odd)
    codes = {one["code"] for one in sent.message.warnings}
    assert "credit-code.check-digit" in codes
    assert "native.unknown" in codes
    assert any("officer" in code for code in codes)


async def test_a_preview_says_what_would_happen_and_keeps_nothing(desk, write):
    """The document as it would be sent on, where to, and problems without an id."""
    await house(desk)
    preview = await desk.reception.preview(desk.call(MOBILE, "case.transferred", write.case()))
    (entry,) = preview.entries
    assert (entry.type, [one.platform for one in entry.routes]) == ("case.transferred", ["penalty.330000"])
    bad = await desk.reception.preview(desk.call(MOBILE, "case.transferred", {}))
    assert "rejection_id" not in bad.entries[0].problem
    assert desk.told == []
    assert (await desk.ledger.find_rejections()).items == ()
    assert not (await desk.send(MOBILE, "case.transferred", write.case())).duplicate
