"""From a folder of samples to a bundle that is proved, with the two commands a person types."""

import json

from adapters import bundled

PERMITS = bundled()["pollutant-permit"] / "samples" / "permit"

INSPECTION = {
    "检查编号": "湘检2026-001",
    "被检查单位名称": "长沙清源印染有限公司",
    "统一社会信用代码": "91330110MA2KQ7XH9P",
    "行政区划代码": "430104",
    "检查开始时间": "2026-05-13 09:30:00",
    "检查结束时间": "2026-05-13 11:45:00",
    "执法人员": "陈立诚、周敏",
    "执法证号": "43011000101、43011000102",
    "检查情况": "正常生产，总排口达标。",
    "DM": "12",
}


def test_samples_in_plain_chinese_are_proved_at_once(hutong, tmp_path):
    """Named as the field names its fields: nothing left to do but to look."""
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "1.json").write_text(json.dumps(INSPECTION, ensure_ascii=False))
    said = hutong("adapter", "new", "hunan", "--kind", "mobile-enforcement", "--from", "samples")
    assert said.code == 0, said.err
    assert "1 of 1 samples translate already" in said.out
    assert "hutong adapter check hunan" in said.out
    checked = hutong("adapter", "check", "hunan")
    assert checked.code == 0, checked.out


def test_what_is_not_sure_is_shown_and_left_as_a_comment(hutong, tmp_path):
    """GDDH or YDDH, SJC: the table marks them, the mapping holds them as comments."""
    files = sorted(PERMITS.glob("*.xml"))
    said = hutong("adapter", "new", "permits", "--kind", "pollutant-permit", "--from", *files)
    assert said.code == 0, said.err
    assert "required and not mapped yet: region" in said.out
    mapping = (tmp_path / "permits" / "mappings" / "permit.yaml").read_text()
    assert "\n  # holder.phone: {at: GDDH" in mapping
    assert "holder.phone: {at: [GDDH, YDDH]}" in mapping
    assert "必填而未映射：region" in mapping
    assert hutong("adapter", "explain", "permits", "permit").code == 0
    assert hutong("adapter", "check", "permits").code == 1


def test_the_answer_is_also_json(hutong):
    """For programs: every column with its candidates."""
    said = hutong("adapter", "suggest", PERMITS, "--kind", "pollutant-permit", "--json")
    [operation] = said.json["operations"]
    columns = {one["native"]: one for one in operation["columns"]}
    assert operation["type"] == "permit.changed"
    assert columns["TYSHXYDM"]["candidates"][0]["field"] == "holder.credit_code"
    assert columns["TYSHXYDM"]["confident"]


def test_nothing_is_overwritten(hutong, tmp_path):
    """A folder that holds something stays as it is."""
    (tmp_path / "permits").mkdir()
    (tmp_path / "permits" / "adapter.yaml").write_text("mine")
    said = hutong("adapter", "new", "permits", "--kind", "pollutant-permit", "--from", PERMITS)
    assert said.code == 1
    assert "--into" in said.err
    assert (tmp_path / "permits" / "adapter.yaml").read_text() == "mine"
    said = hutong("adapter", "new", "permits", "--kind", "pollutant-permit", "--from", PERMITS, "--into", "other")
    assert said.code == 0, said.err


def test_misuse_says_what_to_write(hutong, tmp_path):
    """An unknown kind, type, name or file: what there is."""
    said = hutong("adapter", "new", "x", "--kind", "nothing", "--from", PERMITS)
    assert said.code == 2
    assert "pollutant-permit" in said.err
    said = hutong("adapter", "new", "x", "--kind", "penalty", "--from", PERMITS, "--operation", "a=b")
    assert said.code == 2
    assert "penalty.decided" in said.err
    assert hutong("adapter", "new", "X Y", "--kind", "penalty", "--from", PERMITS).code == 2
    assert hutong("adapter", "new", "x", "--kind", "penalty", "--from", "nowhere.json").code == 1
    (tmp_path / "broken.json").write_text("{")
    said = hutong("adapter", "new", "x", "--kind", "penalty", "--from", "broken.json")
    assert said.code == 1
    assert "broken.json" in said.err
    (tmp_path / "vague.json").write_text('{"SJ": "1"}')
    said = hutong("adapter", "new", "x", "--kind", "penalty", "--from", "vague.json")
    assert said.code == 1
    assert "--operation" in said.err


def test_the_halves_that_samples_lack_are_written(hutong, tmp_path):
    """After the mapping is mended: what translates is written, what does not says why."""
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "1.json").write_text(json.dumps(INSPECTION, ensure_ascii=False))
    assert hutong("adapter", "new", "hunan", "--kind", "mobile-enforcement", "--from", "samples").code == 0
    half = tmp_path / "hunan" / "samples" / "inspection" / "1.canonical.json"
    whole = half.read_bytes()
    half.unlink()
    said = hutong("adapter", "pairs", "hunan")
    assert said.code == 0, said.err
    assert half.read_bytes() == whole
    assert "both halves" in hutong("adapter", "pairs", "hunan").out
    bad = {**INSPECTION, "检查开始时间": "昨天"}
    (half.parent / "2.native.json").write_text(json.dumps(bad, ensure_ascii=False))
    said = hutong("adapter", "pairs", "hunan")
    assert said.code == 1
    assert "检查开始时间" in said.out
    assert hutong("adapter", "pairs", "nowhere").code == 2
