"""The check: a good bundle passes, and each kind of fault is found where it stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from adapters import bundled
from adapters.check import Report, check

TOWN = Path(__file__).parents[1] / "bundles" / "town"


def _line(file: str, of: str) -> int:
    lines = (TOWN / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if of in line)


def _changed(tmp_path: Path, file: str, old: str, new: str) -> Report:
    folder = tmp_path / "town"
    shutil.copytree(TOWN, folder)
    charset = "gbk" if file.endswith(".native.xml") else "utf-8"
    text = (folder / file).read_text(charset)
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), charset)
    return check(folder)


def test_a_good_bundle_passes() -> None:
    """With what it rests on."""
    report = check(TOWN)
    assert [one for one in report.findings if not one.warning] == []
    assert (report.ok, report.samples, report.generated) == (True, 3, 400)
    assert {one.code for one in report.findings} == {"sample.none", "schema.none"}


def test_a_check_gives_the_same_report_each_time() -> None:
    """The generated documents are always the same."""
    assert check(TOWN) == check(TOWN)


def test_a_report_is_json() -> None:
    """For --json, every finding with file, line and what to do."""
    told = check(TOWN).to_dict()
    assert told["adapter"] == "town"
    assert orjson.dumps(told)
    first = told["findings"][0]
    assert (first["severity"], first["file"]) == ("warning", "adapter.yaml")
    assert first["line"] > 0
    assert first["remedy"]["zh"]


def test_a_bundle_that_cannot_be_loaded_is_a_report_too(tmp_path: Path) -> None:
    """Nothing in a bundle makes the check raise."""
    (tmp_path / "adapter.yaml").write_text("adapter: [")
    assert [one.code for one in check(tmp_path).findings] == ["yaml.syntax"]
    assert [one.code for one in check(tmp_path / "nowhere").findings] == ["bundle.missing"]


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("mappings/execution.yaml", "amount: {at: JE, ", "amount: {at: JEE, ", "native.path"),
        ("mappings/progress.yaml", "opinion: YJ", "opinion: YIJIAN", "native.path"),
        ("adapter.yaml", "identity: [AH, JD]", "identity: [AH, JDX]", "native.path"),
        ("adapter.yaml", "Head.LX: AJJD", "Head.LXX: AJJD", "native.path"),
        ("adapter.yaml", "split: Data.Record[]", "split: Data.Recrod[]", "native.path"),
        ("mappings/execution.yaml", "at: {at: ZXSJ", "at: {only: out, at: ZXSJ", "canonical.required"),
        ("codes/execution-kind.csv", "1,paid,", "1,paied,", "codes.stranger"),
        ("codes/execution-kind.csv", "2,instalment,", "1,instalment,", "codes.native"),
        ("mappings/execution.yaml", "kind: {at: LX", "kind: {none: ['1'], at: LX", "law.broken"),
        ("mappings/execution.yaml", "as: decimal", "as: int", "law.unwritable"),
    ],
)
def test_a_fault_is_found_at_its_line(tmp_path: Path, file: str, old: str, new: str, code: str) -> None:
    """Paths, required fields, code tables, laws: each where it is written."""
    report = _changed(tmp_path, file, old, new)
    at = "fields:" if code == "canonical.required" else old
    assert (code, file, _line(file, at)) in {(one.code, one.file, one.line) for one in report.findings}
    assert not report.ok


def test_a_code_that_cannot_be_written_is_an_error_where_it_is_sent(tmp_path: Path) -> None:
    """The table must be total in both directions, or a valid document would be dead or rejected."""
    report = _changed(tmp_path, "codes/execution-kind.csv", "2,instalment,分期\n", "")
    errors = {(one.code, one.file) for one in report.findings if not one.warning}
    assert errors == {("codes.gaps", "mappings/execution.yaml"), ("codes.unread", "mappings/execution.yaml")}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"LX": {"enum": ["1", "2", "3", "4", "5"]}', '"LX": {"enum": ["1"]}', "outbound.invalid"),
        ('["AH", "WSH", "LX", "ZXSJ"]', '["AH", "JE"]', "outbound.invalid"),
        ('["AH", "WSH", "LX", "ZXSJ"]', '["AH", "NEW"]', "native.required"),
    ],
)
def test_what_is_written_must_fit_the_platforms_schema(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Every required field, and every value."""
    report = _changed(tmp_path, "native/executions.schema.json", old, new)
    assert code in {one.code for one in report.findings if not one.warning}


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("samples/execution/1.canonical.json", '"20000.5"', '"2.5"', "sample.differs"),
        ("samples/penalty.executed/1.native.json", "20000.5", "2.5", "sample.differs"),
        ("samples/execution/1.native.json", '"LX": "1"', '"LX": "8"', "sample.rejected"),
        ("samples/penalty.executed/1.native.json", '"LX": "1"', '"LX": 1', "sample.native"),
        ("samples/progress/1.canonical.json", "[", "[{},", "sample.differs"),
        ("samples/progress/1.native.xml", "<JLS>2", "<JLS>9", "sample.rejected"),
        ("samples/execution/1.canonical.json", "{", "{{", "sample.json"),
    ],
)
def test_a_sample_must_translate_into_its_pair(tmp_path: Path, file: str, old: str, new: str, code: str) -> None:
    """Both ways, packages as lists."""
    report = _changed(tmp_path, file, old, new)
    number = file.partition(".")[0]
    assert any(one.code == code and one.file.startswith(number) for one in report.findings), report.findings


def test_a_broken_law_is_shown_on_its_smallest_document(tmp_path: Path) -> None:
    """With what came back, how often, and nothing that the fault does not need."""
    report = _changed(tmp_path, "mappings/execution.yaml", "kind: {at: LX", "kind: {none: ['1'], at: LX")
    (law,) = [one for one in report.findings if one.code == "law.broken"]
    assert "kind came back as None, it was paid" in law.message.en
    assert " of 201 documents)" in law.message.en
    document = orjson.loads(law.message.en.partition("smallest counterexample ")[2])
    assert document.keys() == {"case_number", "decision_number", "kind", "at"}
    assert (document["case_number"], document["kind"]) == ("A", "paid")


def test_a_law_broken_by_a_sample_alone_names_the_sample(tmp_path: Path) -> None:
    """It may have been somebody's real document: it is named, not quoted."""
    folder = tmp_path / "town"
    shutil.copytree(TOWN, folder)
    mapping = folder / "mappings/execution.yaml"
    mapping.write_text(mapping.read_text().replace("case_number: AH", "case_number: {at: AH, none: [浙环案2026001]}"))
    (law,) = [one for one in check(folder).findings if one.code == "law.broken"]
    assert "see the sample samples/" in law.message.en
    assert "2026001" not in law.message.en.partition("(")[2]


def test_whoever_waits_is_told_how_far_it_is() -> None:
    """What is proved next, and how much is done."""
    told: list[tuple[str, int, int]] = []
    check(TOWN, lambda what, done, of: told.append((what, done, of)))
    assert told == [("mappings/execution.yaml", 0, 2), ("mappings/progress.yaml", 1, 2), ("", 2, 2)]


def test_half_a_pair_and_what_nobody_uses_are_told(tmp_path: Path) -> None:
    """A bundle is tidy."""
    folder = tmp_path / "town"
    shutil.copytree(TOWN, folder)
    (folder / "samples/execution/1.canonical.json").unlink()
    (folder / "samples/nothing").mkdir()
    (folder / "samples/nothing/1.native.json").write_text("{}")
    (folder / "codes/unused.csv").write_text("native,canonical,title\n1,paid,缴款\n")
    (folder / "evil.py").write_text("")
    found = {(one.code, one.file, one.warning) for one in check(folder).findings}
    assert {
        ("sample.half", "samples/execution/1.native.json", False),
        ("sample.unknown", "samples/nothing/1.native.json", True),
        ("file.unused", "codes/unused.csv", True),
        ("file.stray", "evil.py", True),
    } <= found


def test_a_bundle_that_loses_who_a_party_is_told_by_is_found(tmp_path: Path) -> None:
    """A sole trader may be told by a citizen id: a condition that names only persons loses it on the way out."""
    folder = tmp_path / "penalty"
    shutil.copytree(bundled()["penalty"], folder)
    mapping = folder / "mappings" / "case.yaml"
    text = mapping.read_text("utf-8")
    narrow = text.replace('in: ["01", "03", "02"]', 'is: "01"')
    assert narrow != text
    mapping.write_text(narrow, "utf-8")
    found = [one for one in check(folder).findings if not one.warning and one.file == "mappings/case.yaml"]
    lines = {narrow.splitlines()[one.line - 1].split(":")[0].strip() for one in found}
    assert {one.code for one in found} == {"law.broken"}
    assert lines == {"party.citizen_id", "citizen_id", "party.certificate.number"}


def test_a_golden_pair_that_loses_something_is_found(tmp_path: Path) -> None:
    """Also where the sample says that it is lost."""
    folder = tmp_path / "penalty"
    shutil.copytree(bundled()["penalty"], folder)
    mapping = folder / "mappings" / "case.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace('in: ["01", "03", "02"]', 'is: "01"'), "utf-8")
    native = folder / "samples" / "case.transferred" / "4.native.json"
    tree = orjson.loads(native.read_bytes())
    del tree["PARTY"]["USERCODE"]
    native.write_bytes(orjson.dumps(tree))
    assert "law.broken" in {one.code for one in check(folder).findings}
