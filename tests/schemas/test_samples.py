"""Invented documents are valid, canonical and repeatable."""

from __future__ import annotations

from random import Random

import pytest

from schemas import invented
from schemas.documents import NAMES, check, fields
from schemas.identifiers import CitizenId, CreditCode, OfficerNumber, PermitNumber, ProjectCode
from schemas.samples import sample

DOUBTED = {"acceptance.major-change", "permit.deleted", "permit.issuer-missing", "publish.unstated"}


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_canonical_and_without_doubts(name: str) -> None:
    """The check gives them back as they are; what they may be doubted for is listed."""
    for seed in range(60):
        tree = sample(name, Random(seed))
        checked = check(name, tree)
        assert checked.document == tree
        assert {warning.code for warning in checked.warnings} <= DOUBTED


@pytest.mark.parametrize("name", NAMES)
def test_samples_show_every_field_and_repeat_by_seed(name: str) -> None:
    """Every optional field is there in some sample and missing in another."""
    trees = [sample(name, Random(seed)) for seed in range(80)]
    top = {path.split(".")[0].removesuffix("[]") for path in fields(name)}
    assert set().union(*trees) == top
    assert sample(name, Random(5)) == sample(name, Random(5))


def test_invented_numbers_hold() -> None:
    """Shape and check digit."""
    random = Random(1)
    for _ in range(200):
        for identifier, made in (
            (CreditCode, invented.credit_code(random)),
            (CitizenId, invented.citizen_id(random)),
            (PermitNumber, invented.permit_number(random)),
            (ProjectCode, invented.project_code(random)),
            (OfficerNumber, invented.officer_number(random)),
        ):
            assert identifier.normalise(made) == made
            assert identifier.doubts(made) == ()
