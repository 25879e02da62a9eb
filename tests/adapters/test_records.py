"""A package is translated until more is wrong with it than anybody is told."""

from __future__ import annotations

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


def test_after_fifty_findings_the_rest_is_one_finding(adapter: DeclarativeAdapter) -> None:
    """It names the records that nobody looked at, and they are not translated."""
    package = _package(adapter, _good(adapter), *[b"<Record/>"] * 5000)
    outcomes = list(translated(adapter, PERMIT, package.records))
    told = sum(len(one.findings) for _, one in outcomes[:-1] if isinstance(one, Rejected))
    assert told >= FINDINGS
    assert len(outcomes) <= FINDINGS + 2
    record, last = outcomes[-1]
    assert isinstance(last, Rejected)
    assert (last.code, [one.code for one in last.findings]) == ("bound.findings", ["bound.findings"])
    assert f"records {record.index} to 5000" in last.detail.en
