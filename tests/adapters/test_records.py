"""Each record of a package stands for itself, and no more faults are told than anybody reads."""

from __future__ import annotations

import re

import pytest

from adapters.adapter import DeclarativeAdapter, bundled, load
from adapters.base import Package, Translation
from adapters.records import translated
from schemas.budget import FINDINGS
from schemas.findings import Rejected

PERMIT = "permit"


@pytest.fixture(scope="module")
def adapter() -> DeclarativeAdapter:
    """An adapter that takes packages."""
    return load(bundled()["pollutant-permit"])


def _package(adapter: DeclarativeAdapter, *records: bytes) -> Package:
    sample = adapter.bundle.files["samples/permit/1.native.xml"]
    start, end = sample.index(b"<Record>"), sample.rindex(b"</Record>") + len(b"</Record>")
    head = sample[:start].replace(b"<JLS>1<", b"<JLS>%d<" % len(records))
    return adapter.read(PERMIT, head + b"".join(records) + sample[end:])


def _good(adapter: DeclarativeAdapter) -> bytes:
    sample = adapter.bundle.files["samples/permit/1.native.xml"]
    return sample[sample.index(b"<Record>") : sample.rindex(b"</Record>") + len(b"</Record>")]


def test_a_few_faults_stop_nobody(adapter: DeclarativeAdapter) -> None:
    """Each record stands for itself."""
    good = _good(adapter)
    outcomes = list(translated(adapter, PERMIT, _package(adapter, good, b"<Record/>", good).records))
    assert [record.index for record, _ in outcomes] == [0, 1, 2]
    assert [isinstance(one, Translation) for _, one in outcomes] == [True, False, True]


def test_what_is_faulty_after_fifty_findings_is_one_finding(adapter: DeclarativeAdapter) -> None:
    """It names the records that are not told one by one."""
    package = _package(adapter, _good(adapter), *[b"<Record/>"] * 5000)
    outcomes = list(translated(adapter, PERMIT, package.records))
    told = sum(len(one.findings) for _, one in outcomes[:-1] if isinstance(one, Rejected))
    assert told >= FINDINGS
    assert len(outcomes) <= FINDINGS + 2
    record, last = outcomes[-1]
    assert isinstance(last, Rejected)
    assert (record.index, last.code) == (5000, "bound.findings")
    assert [one.code for one in last.findings] == ["bound.findings"]
    assert "-5000 (from 0)" in last.detail.en


@pytest.mark.parametrize("bad", [b"<Record/>", None])
def test_good_records_behind_fifty_findings_are_accepted(adapter: DeclarativeAdapter, bad: bytes | None) -> None:
    """Each record is judged for itself, whether the platform's schema finds the others faulty or the mapping does."""
    good = _good(adapter)
    faulty = bad or re.sub(rb"(<HFRQ>)[^<]*", rb"\g<1>20249999", good)
    package = _package(adapter, *[faulty] * 100, good, faulty, good)
    outcomes = list(translated(adapter, PERMIT, package.records))
    assert [record.index for record, one in outcomes if isinstance(one, Translation)] == [100, 102]
    _, last = outcomes[-1]
    assert isinstance(last, Rejected)
    assert "-99, 101 (from 0)" in last.detail.en
