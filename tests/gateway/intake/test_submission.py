"""Platforms that speak canonical: the envelope, and what may be said beside a document."""

from __future__ import annotations

import pytest

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"


@pytest.fixture
async def town(desk):
    """Two platforms that know each other's cases."""
    await desk.at(MOBILE, PENALTY, "penalty.000000", "credit-publicity.330000")
    return desk


async def test_a_canonical_document_is_taken_as_any_other(town, write):
    """Same roads, same result."""
    sent = await town.submit(MOBILE, {"type": "case.transferred", "document": write.case()})
    assert sent.message.type == "case.transferred"
    assert sent.message.operation == "messages"
    assert [one.platform for one in sent.deliveries] == [PENALTY]


async def test_documents_of_two_types_with_one_number_are_two_things(town, write):
    """All types share the operation, so the type is part of the identity."""
    one = await town.submit(PENALTY, {"type": "case.progressed", "document": write.progress()})
    two = await town.submit(PENALTY, {"type": "penalty.decided", "document": write.decision()})
    assert one.message.identity != two.message.identity


async def test_the_region_beside_a_document_counts_where_it_names_none(town, write):
    """The sender's word, within its own region."""
    sent = await town.submit(PENALTY, {"type": "case.progressed", "document": write.progress(), "region": "330100"})
    assert sent.message.region == "330100"
    outside = await town.submit(PENALTY, {"type": "case.progressed", "document": write.progress(), "region": "371000"})
    assert (outside.status, outside.code) == (403, "region.outside")


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"type": "case.opened", "document": {}}, "type", "type.unknown"),
        ({"type": ["case.transferred"], "document": {}}, "type", "type.unknown"),
        ({"type": "case.transferred"}, "document", "type.object"),
        ({"type": "case.transferred", "document": [], "region": "33"}, "region", "region.shape"),
        ({"type": "case.transferred", "document": {}, "region": 330000}, "region", "type.text"),
        ({"type": "case.transferred", "document": {}, "correlation_id": "a b"}, "correlation_id", "id.shape"),
        ({"type": "case.transferred", "document": {}, "extra": 1}, "extra", "field.unknown"),
        ({"type": "case.transferred", "document": {}}, "document.case_number", "field.missing"),
        ([], "", "type.object"),
    ],
)
async def test_a_faulty_submission_names_each_fault(town, body, path, code):
    """422 with the place and the word for it."""
    rejection = await town.submit(MOBILE, body)
    assert rejection.status == 422
    assert (path, code) in {(one.get("path", ""), one["code"]) for one in rejection.problem["errors"]}


@pytest.mark.parametrize("body", [b"", b"{", b'{"type": NaN}', b'"text"', b"[" * 200, b"\xff\xfe"])
async def test_bytes_that_are_no_submission_are_rejected_not_failed(town, body):
    """A 4xx problem that is kept."""
    rejection = await town.submit(MOBILE, body)
    assert 400 <= rejection.status < 500
    assert await town.ledger.rejection(rejection.id) is not None


async def test_a_correlation_of_ones_own_ties_documents_together(town, write):
    """New to everybody, so it is the sender's; the second document is enriched from the first."""
    permit = write.permit()["permit_number"]
    first = {"type": "inspection.recorded", "document": write.inspection(permit_number=permit), "correlation_id": "c-1"}
    second = {"type": "case.transferred", "document": write.case(), "correlation_id": "c-1"}
    assert (await town.submit(MOBILE, first)).message.correlation_id == "c-1"
    assert (await town.submit(MOBILE, second)).message.enriched["permit_number"].value == permit


async def test_a_platform_cannot_join_a_case_it_has_no_part_in(town, write):
    """Another's correlation is 403; a platform that was sent part of it may use it."""
    case = await town.submit(MOBILE, {"type": "case.transferred", "document": write.case(), "correlation_id": "c-1"})
    assert case.message.correlation_id == "c-1"
    stranger = {"type": "penalty.decided", "document": write.decision(case_number="CF-5"), "correlation_id": "c-1"}
    assert (await town.submit("penalty.000000", stranger)).code == "correlation.foreign"
    assert (await town.submit(PENALTY, stranger)).message.correlation_id == "c-1"


async def test_a_corrected_document_is_a_new_message_that_says_so(town, write):
    """It stays in the case of what it corrects; only one's own messages can be corrected."""
    first = (await town.submit(PENALTY, {"type": "penalty.decided", "document": write.decision()})).message
    body = {"type": "penalty.decided", "document": write.decision(fine="100000"), "corrects": first.id}
    corrected = (await town.submit(PENALTY, body)).message
    assert (corrected.corrects, corrected.correlation_id) == (first.id, first.correlation_id)
    assert (await town.submit("penalty.000000", body)).code == "message.unknown"
    body["corrects"] = "nothing"
    assert (await town.submit(PENALTY, body)).code == "message.unknown"
