"""The message types: keys, identity, ordering."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.catalog import TYPES, project_key
from schemas.documents import NAMES, current, fields
from schemas.samples import sample


def test_each_document_has_its_message_type() -> None:
    """The newest version of each, with titles."""
    assert [kind.document for kind in TYPES.values()] == list(dict.fromkeys(map(current, NAMES)))
    assert all(kind.title for kind in TYPES.values())


@pytest.mark.parametrize("name", list(TYPES))
def test_every_valid_document_has_a_key_and_an_identity(name: str) -> None:
    """Never empty, whatever optional fields are missing."""
    kind = TYPES[name]
    for seed in range(40):
        document = sample(kind.document, Random(seed))
        assert all(kind.ordering_of(document))
        assert kind.identity(document).strip("|")
        assert kind.region(document) == document.get("region")
        assert all(kind.keys(document).values())


def test_a_project_is_named_by_code_then_approval_then_builder() -> None:
    """The fallbacks, in order."""
    document: dict[str, Any] = {
        "project": {"name": "肥料项目", "code": "2509-320193-89-01-544060"},
        "builder": {"name": "甲公司", "credit_code": "91110000600037341L"},
        "approval_number": "鲁环审〔2025〕1号",
    }
    assert project_key(document) == "2509-320193-89-01-544060"
    del document["project"]["code"]
    assert project_key(document) == "鲁环审〔2025〕1号"
    del document["approval_number"]
    assert project_key(document) == "91110000600037341L|肥料项目"
    del document["builder"]["credit_code"]
    assert project_key(document) == "甲公司|肥料项目"


def test_searchable_keys_hold_no_personal_data() -> None:
    """Numbers of cases, permits, projects and companies; never of people."""
    document = sample("case-file/1", Random(1)) | {"party": {"name": "孙一凡", "citizen_id": "11010519491231002X"}}
    assert "11010519491231002X" not in TYPES["case.transferred"].keys(document).values()


def test_a_permit_is_found_by_the_credit_code_in_its_number() -> None:
    """Even when the holder's own field is empty."""
    document = sample("permit/1", Random(1))
    document["holder"].pop("credit_code", None)
    keys = TYPES["permit.changed"].keys(document)
    assert keys["credit_code"] == document["permit_number"][:18]


def test_an_order_is_searched_by_what_it_is_about() -> None:
    """The related numbers are keys too."""
    document = sample("dispatch-order/1", Random(1)) | {"related": {"case_number": "A1"}}
    assert TYPES["dispatch.ordered"].keys(document)["case_number"] == "A1"


def test_numbers_and_enrichable_fields_are_fields_of_the_document() -> None:
    """What the gateway may replace or fill in exists in the document."""
    for kind in TYPES.values():
        assert set(kind.numbers) | set(kind.enrichable) <= set(fields(kind.document))
    assert TYPES["case.transferred"].numbers == ("case_number", "order_number", "inspection_number")
    assert TYPES["penalty.decided"].enrichable == ("permit_number", "project_code", "party.credit_code", "region")
    assert not TYPES["permit.changed"].scoped
    assert TYPES["penalty.decided"].scoped


def test_some_types_bring_a_number_into_the_world():
    """A case file, an order, an inspection, a measure and a lead; everything else only speaks of one."""
    issued = {name: kind.issues for name, kind in TYPES.items() if kind.issues}
    assert issued == {
        "dispatch.ordered": "order_number",
        "inspection.recorded": "inspection_number",
        "case.transferred": "case_number",
        "measure.ordered": "measure_number",
        "lead.reported": "lead_number",
    }
