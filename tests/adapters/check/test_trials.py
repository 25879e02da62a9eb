"""A counterexample is as small as it can be, still valid, and the same each time."""

from __future__ import annotations

from random import Random

from adapters.base import Document
from adapters.check.trials import smallest
from schemas import documents
from schemas.samples import sample


def _document(name: str) -> Document:
    return next(one for one in (sample(name, Random(seed)) for seed in range(99)) if len(one.get("officers", ())) > 2)


def test_what_the_fault_does_not_need_is_left_out() -> None:
    """Optional fields, list items and text go; what is required and what fails stays."""
    big = _document("inspection/1")
    least = smallest("inspection/1", big, lambda one: "officers" in one)
    assert len(least["officers"]) == 1
    assert least.keys() == {
        name for name, one in documents.MODELS["inspection/1"].model_fields.items() if one.is_required()
    }
    assert len(least["findings"]) == 1
    assert documents.check("inspection/1", least).document == least


def test_the_piece_of_text_that_fails_is_found() -> None:
    """One character out of a sentence."""
    big = {**_document("inspection/1"), "findings": "车间西侧废气收集罩破损，部分废气未经处理直接排放。"}
    assert smallest("inspection/1", big, lambda one: "，" in one["findings"])["findings"] == "，"


def test_the_same_fault_gives_the_same_example() -> None:
    """Nothing is left to chance."""
    big = _document("case-file/1")
    made = [smallest("case-file/1", big, lambda one: len(one["officers"]) > 1) for _ in range(2)]
    assert made[0] == made[1]


def test_the_work_is_bounded() -> None:
    """A document that always fails is not cut for ever."""
    tried: list[Document] = []
    big = {**_document("inspection/1"), "findings": "甲" * 5000}
    smallest("inspection/1", big, lambda one: tried.append(one) is None and len(one["findings"]) > 4000)
    assert len(tried) <= 2000
