"""Bundles are proved, tried and explained without a gateway."""

import shutil
from pathlib import Path

TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"


def test_the_bundled_adapters_are_listed(hutong):
    """As a table for people and as JSON for programs."""
    assert "pollutant-permit" in hutong("adapter", "list").out
    names = [one["name"] for one in hutong("adapter", "list", "--json").json["adapters"]]
    assert names == sorted(names)
    assert {"canonical", "penalty"} <= set(names)


def test_a_native_file_is_translated_in(hutong):
    """NAME is an operation: the canonical document comes out."""
    said = hutong("adapter", "translate", TOWN, "execution", TOWN / "samples/execution/1.native.json")
    assert said.code == 0, said.err
    assert said.json["document"]["decision_number"] == "浙环罚〔2026〕3号"


def test_a_package_is_translated_record_by_record(hutong):
    """Every record of a GBK package, in order."""
    said = hutong("adapter", "translate", TOWN, "progress", TOWN / "samples/progress/1.native.xml")
    assert [one["document"]["case_number"] for one in said.json["messages"]] == ["浙环案2026001", "浙环案2026002"]


def test_a_canonical_file_is_translated_out(hutong):
    """NAME is a message type: the request comes out, its body on standard output."""
    said = hutong("adapter", "translate", TOWN, "penalty.executed", TOWN / "samples/execution/1.canonical.json")
    assert said.code == 0, said.err
    assert '"AH":"浙环案2026001"' in said.out
    assert "POST /cases/" in said.err


def test_what_cannot_be_translated_says_why(hutong, tmp_path):
    """Exit code 1, with the position and the remedy."""
    (tmp_path / "bad.json").write_text('{"AH": 1}')
    said = hutong("adapter", "translate", TOWN, "execution", "bad.json")
    assert said.code == 1
    assert "native.invalid" in said.err
    assert hutong("adapter", "translate", TOWN, "execution", "bad.json", "--json").json["code"] == "native.invalid"


def test_an_unknown_name_says_what_there_is(hutong):
    """A name that is neither operation nor type is a usage error."""
    said = hutong("adapter", "translate", TOWN, "nothing", TOWN / "adapter.yaml")
    assert said.code == 2
    assert "execution" in said.err


def test_lineage_is_explained(hutong):
    """Which native path gives which canonical field."""
    fields = hutong("adapter", "explain", TOWN, "execution", "--json").json["fields"]
    assert {one["field"]: one["path"] for one in fields}["case_number"] == "AH"
    assert "案" in hutong("adapter", "explain", TOWN, "execution").out
    assert hutong("adapter", "explain", TOWN, "nothing").code == 2


def test_lineage_of_what_is_sent_is_explained(hutong):
    """Which native path takes which canonical field, of a message type that the bundle sends."""
    fields = hutong("adapter", "explain", "penalty", "case.transferred", "--json").json["fields"]
    assert {one["field"]: one["path"] for one in fields}["case_number"] == "CASE.CASEID"


def test_a_good_bundle_passes(hutong):
    """Exit code 0 and the counts of the proof."""
    said = hutong("adapter", "check", TOWN, "--json")
    assert said.code == 0, said.out
    assert said.json["ok"] is True
    assert said.json["samples"] > 0
    assert said.json["rehearsed"] is True
    assert hutong("adapter", "check", TOWN, "--json", "--no-sandbox").json["rehearsed"] is False


def test_a_bundle_that_its_double_does_not_accept_fails(hutong, tmp_path):
    """The files are sound, and what they make of a real reply is not; only the rehearsal finds it."""
    shutil.copytree(TOWN, tmp_path / "town")
    manifest = tmp_path / "town/adapter.yaml"
    manifest.write_text(
        manifest.read_text().replace(
            "    reply:\n", "    reply:\n      - {when: {status: 2xx, at: data.no, present: true}, verdict: dead}\n", 1
        )
    )
    said = hutong("adapter", "check", "town")
    assert said.code == 1
    assert "double.not-accepted" in said.out
    assert hutong("adapter", "check", "town", "--no-sandbox").code == 0


def test_a_broken_bundle_fails_with_file_and_line(hutong, tmp_path):
    """Exit code 1, and every finding says what to do."""
    shutil.copytree(TOWN, tmp_path / "town")
    mapping = tmp_path / "town/mappings/execution.yaml"
    mapping.write_text(mapping.read_text().replace("amount: {at: JE", "amount: {at: NOWHERE"))
    said = hutong("adapter", "check", "town")
    assert said.code == 1
    assert "mappings/execution.yaml:7:" in said.out
    assert "native.path" in said.out
    assert "平台模式中没有 NOWHERE" in said.out
    assert "the native schema has no NOWHERE" in said.out
    findings = hutong("adapter", "check", "town", "--json").json["findings"]
    assert all(one["remedy"]["zh"] for one in findings)


def test_a_bundle_that_is_none_says_so(hutong):
    """A path that does not exist and a name that is not installed."""
    assert "does not exist" in hutong("adapter", "check", "./nowhere").err
    unknown = hutong("adapter", "check", "nothing")
    assert unknown.code == 1
    assert "penalty" in unknown.err


def test_a_bundle_that_does_not_load_shows_its_findings(hutong, tmp_path):
    """A broken manifest is told with its position, not as a traceback."""
    shutil.copytree(TOWN, tmp_path / "town")
    (tmp_path / "town/adapter.yaml").write_text("adapter: [")
    said = hutong("adapter", "explain", "./town", "execution")
    assert said.code == 1
    assert "adapter.yaml" in said.err
    assert "Traceback" not in said.err
