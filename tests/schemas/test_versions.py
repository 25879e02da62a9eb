"""Second versions of documents: they read the first, and what is new in them is absent then."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from schemas.catalog import TYPES
from schemas.codes import table
from schemas.documents import NAMES, check, current, mended
from schemas.evolution import breaks
from schemas.findings import Rejected
from schemas.publish import PUBLISHED, json_schema
from schemas.samples import sample

SECOND = [name for name in NAMES if name.endswith("/2")]
Tree = dict[str, Any]


def decision(**changes: Any) -> Tree:
    """Write a clean decision with some fields changed; None leaves a field out."""
    tree = {
        "case_number": "AJ-2026-1",
        "decision_number": "云环罚〔2026〕1号",
        "party": {"name": "云栖晨星化工有限公司", "credit_code": "91110000600037341L"},
        "region": "330110",
        "decided_on": "2026-05-31",
        "kinds": ["fine"],
        "fine": "20000",
        "facts": "超过许可排放浓度排放水污染物。",
        "legal_basis": ["《排污许可管理条例》第三十四条"],
        "authority": {"name": "云栖市生态环境局"},
        "status": "in-force",
        "publish": {"allowed": True, "level": "general"},
    }
    return {key: value for key, value in (tree | changes).items() if value is not None}


def codes(tree: Tree) -> list[str]:
    """Give the codes of the warnings about a decision."""
    return [warning.code for warning in check("penalty-decision/2", tree).warnings]


@pytest.mark.parametrize("name", SECOND)
def test_a_second_version_reads_the_first(name: str) -> None:
    """By the evolution rule over the published schemas, and by the check."""
    first = name.replace("/2", "/1")
    published = json.loads((PUBLISHED / f"{first}.json").read_text("utf-8"))
    assert breaks(published, json_schema(name)) == ()
    for seed in range(40):
        tree = sample(first, Random(seed))
        assert check(name, tree).document == tree


def test_each_message_type_carries_the_newest_version() -> None:
    """What an earlier one says is kept as that; a document nobody knows stays as it is named."""
    assert [name for name in SECOND if name in {kind.document for kind in TYPES.values()}] == SECOND
    assert current("permit/1") == "permit/2"
    assert current("case-file/1") == "case-file/1"
    assert current("nothing/1") == "nothing/1"


def test_a_second_code_table_has_every_code_of_the_first() -> None:
    """Nodes and kinds of application."""
    for name in ("case-node", "permit-status"):
        first, second = table(name), table(f"{name}-2")
        assert {row.code: row.title for row in first}.items() <= {row.code: row.title for row in second}.items()


@pytest.mark.parametrize("name", ["inspection/2", "penalty-decision/2", "permit/2", "case-progress/2"])
def test_a_first_version_says_nothing_of_what_is_new(name: str) -> None:
    """New fields are refused there: who sends them means the second version."""
    first = name.replace("/2", "/1")
    new = set(json_schema(name)["properties"]) - set(json_schema(first)["properties"])
    assert new
    tree = next(one for seed in range(99) if new & (one := sample(name, Random(seed))).keys())
    with pytest.raises(Rejected) as caught:
        check(first, tree)
    assert {finding.field for finding in caught.value.findings} & new


def test_a_decision_that_does_not_say_whether_it_is_published_is_warned() -> None:
    """Absent is not allowed."""
    assert codes(decision(publish=None)) == ["publish.unstated"]
    assert codes(decision()) == []


@pytest.mark.parametrize(
    ("level", "until", "fits"),
    [
        ("general", "2026-08-30", False),
        ("general", "2026-08-31", True),
        ("general", "2027-05-31", True),
        ("general", "2027-06-01", False),
        ("serious", "2027-05-30", False),
        ("serious", "2027-05-31", True),
        ("serious", "2029-05-31", True),
        ("serious", "2029-06-01", False),
        ("general", "2026-11-30", True),
    ],
)
def test_the_end_of_publication_fits_the_level(level: str, until: str, fits: bool) -> None:
    """General 3 to 12 months, serious 1 to 3 years."""
    found = codes(decision(publish={"allowed": True, "level": level}, publish_until=until))
    assert found == ([] if fits else ["publish.until"])


def test_what_is_minor_is_not_published() -> None:
    """In principle; where it is all the same, at most three months."""
    minor = {"allowed": True, "level": "minor"}
    assert codes(decision(publish=minor, publish_until="2026-08-31")) == ["publish.minor"]
    assert codes(decision(publish=minor, publish_until="2026-09-01")) == ["publish.minor", "publish.until"]
    assert codes(decision(publish={"allowed": False, "level": "minor"})) == []


def test_what_is_not_published_has_no_last_day_on_show() -> None:
    """Told, not corrected."""
    hidden = {"allowed": False, "reason": "社会影响较小"}
    assert codes(decision(publish=hidden, publish_until="2026-12-31")) == ["publish.until"]


@pytest.mark.parametrize("outcome", ["exempt", "first-offence", "no-fault"])
def test_who_is_spared_has_no_kinds_of_penalty(outcome: str) -> None:
    """And who is punished, or of whom nothing is said, has some."""
    spared = decision(outcome=outcome, kinds=None, fine=None)
    assert codes(spared) == []
    for contradiction in (spared | {"kinds": ["warning"]}, decision(kinds=None, fine=None), spared | {"outcome": None}):
        with pytest.raises(Rejected) as caught:
            check("penalty-decision/2", {key: value for key, value in contradiction.items() if value is not None})
        assert [finding.field for finding in caught.value.findings] == ["kinds"]


def test_the_words_from_and_class_are_read_and_written() -> None:
    """They are the fields' names, whatever Python calls them."""
    acts = {"from": "2026-03-01", "to": "2026-03-02"}
    assert check("penalty-decision/2", decision(acts=acts)).document["acts"] == acts
    tree = sample("inspection/1", Random(3)) | {"class": "special"}
    assert check("inspection/2", tree).document["class"] == "special"
    with pytest.raises(Rejected) as caught:
        check("penalty-decision/2", decision(acts={"from": "yesterday"}))
    assert caught.value.findings[0].field == "acts.from"


@pytest.mark.parametrize("at", ["2026-07-01", "2026-07-01T09:00:00+08:00"])
def test_a_node_is_reached_on_a_day_or_at_a_time(at: str) -> None:
    """A writ often names the day alone; the first version asked for the hour."""
    tree = {"case_number": "AJ-1", "node": "served", "at": at}
    assert check("case-progress/2", tree).document == tree


def test_an_attachment_is_read_under_its_former_name_of_the_time() -> None:
    """`captured_at` is `at` now, also in what was kept before."""
    attachment = {"name": "照片1.jpg", "captured_at": "2026-07-01T09:00:00+08:00"}
    tree = sample("case-file/1", Random(2)) | {"attachments": [attachment]}
    now = [{"name": "照片1.jpg", "at": "2026-07-01T09:00:00+08:00"}]
    assert check("case-file/1", tree).document["attachments"] == now
    assert mended("case-file/1", tree)["attachments"] == now
    assert mended("case-file/1", tree | {"attachments": now})["attachments"] == now
    assert tree["attachments"] == [attachment]


def test_an_attachment_names_its_file_by_what_it_is() -> None:
    """Kind, size in bytes, digest, upload, device, place: each in its own form."""
    attachment = {
        "name": "废水总排口.jpg",
        "kind": "photo",
        "media_type": "image/jpeg",
        "size": 204800,
        "digest": "sha256:" + "0" * 64,
        "upload_id": "u-1",
        "at": "2026-07-01T09:00:00+08:00",
        "device": "ZFJLY-1",
        "location": {"longitude": "120.1", "latitude": "30.2"},
        "about": "废水总排口",
    }
    tree = sample("case-file/1", Random(2)) | {"attachments": [attachment]}
    assert check("case-file/1", tree).document["attachments"] == [attachment]
    for wrong in ({"size": -1}, {"size": "204800"}, {"kind": "painting"}):
        with pytest.raises(Rejected):
            check("case-file/1", tree | {"attachments": [attachment | wrong]})
