"""From samples to a bundle that loads: every file there, nothing silent."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import DeclarativeAdapter, bundled, load
from adapters.bundle.bundle import assemble
from adapters.check import check
from adapters.suggest import BundleDraft, NativeSample, Undraftable, draft, observe, read_sample
from adapters.suggest.columns import MAX_COLUMNS
from schemas.catalog import TYPES
from schemas.findings import Rejected

FOLDERS = bundled()
OPERATIONS = [
    (name, operation.name)
    for name, folder in FOLDERS.items()
    if name != "canonical"
    for operation in sorted((folder / "samples").iterdir())
    if operation.is_dir() and operation.name in load(folder).receives
]


def samples(adapter: str, operation: str) -> list[NativeSample]:
    """The native samples of a bundled adapter's operation."""
    files = sorted((FOLDERS[adapter] / "samples" / operation).glob("*.native.*"))
    return [read_sample(str(file), file.read_bytes()) for file in files]


def written(drafted: BundleDraft, folder: Path) -> Path:
    """Write a draft as the command does."""
    for name, content in drafted.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(("adapter", "operation"), OPERATIONS)
def test_samples_become_a_bundle_that_loads(adapter: str, operation: str, tmp_path: Path):
    """Whatever is left open, the grammar holds, and every finding of the check is about what is left open."""
    wanted = load(FOLDERS[adapter]).receives[operation]
    drafted = draft("province", adapter, samples(adapter, operation), operations={operation: wanted})
    loaded = load(written(drafted, tmp_path))
    assert loaded.receives == {operation: wanted}
    codes = {one.code for one in check(tmp_path).findings if not one.warning}
    assert codes <= {"canonical.required", "sample.half"}


@pytest.mark.parametrize(("adapter", "operation"), OPERATIONS)
def test_no_column_is_passed_over_in_silence(adapter: str, operation: str):
    """Each native column is mapped, ignored, or in a comment."""
    wanted = load(FOLDERS[adapter]).receives[operation]
    drafted = draft("province", adapter, samples(adapter, operation), operations={operation: wanted})
    mapping = drafted.files[f"mappings/{operation}.yaml"].decode()
    [found] = drafted.operations
    assert found.table.columns
    assert [one.column.path for one in found.suggestions if one.column.name not in mapping] == []


def test_a_gbk_package_is_split_and_counted():
    """Format, charset, root, records and their count are seen."""
    drafted = draft("permits", "pollutant-permit", samples("pollutant-permit", "permit"))
    manifest = drafted.files["adapter.yaml"].decode()
    assert "format: {body: xml, charset: gbk}" in manifest
    assert "format: {root: Package}" in manifest
    assert 'split: "Data.Record[]"' in manifest
    assert 'require: {PackageHead.JLS: "{count}"}' in manifest
    assert "native/permit.xsd" in drafted.files


def test_what_already_translates_is_given_as_a_pair():
    """The other half of a golden pair is what the draft makes, for a human to correct."""
    body = {"检查编号": "湘检1", "企业名称": "长沙清源印染有限公司", "行政区划代码": "430104", "检查情况": "正常生产"}
    times = {"检查开始时间": "2026-05-13 09:30", "检查结束时间": "2026-05-13 11:45"}
    officers = {"执法人员": "陈立诚、周敏", "执法证号": "43011000101、43011000102"}
    sample = read_sample("1.json", json.dumps({**body, **times, **officers}).encode())
    drafted = draft("checks", "mobile-enforcement", [sample])
    assert drafted.translated == {"inspection": (1, 1)}
    document = json.loads(drafted.files["samples/inspection/1.canonical.json"])
    assert document["officers"][1] == {"name": "周敏", "number": "43011000102"}


def test_what_could_be_anything_is_not_guessed():
    """Too little to tell a document: the likeliest are named, and the option that settles it."""
    vague = read_sample("vague.json", '{"BZ": "无", "SJ": "2026-01-01"}'.encode())
    with pytest.raises(Undraftable) as refused:
        draft("vague", "penalty", [vague])
    assert "--operation" in refused.value.remedy.en


def test_operations_may_be_named():
    """The operation's name and type are taken as said."""
    drafted = draft(
        "fines", "penalty", samples("penalty", "execution"), operations={"jk": "penalty.executed"}, title="处罚系统"
    )
    assert [one.name for one in drafted.operations] == ["jk"]
    assert TYPES[drafted.operations[0].type].document == "penalty-execution/1"
    assert "title: 处罚系统" in drafted.files["adapter.yaml"].decode()


KNOWN = [
    *("AJBH", "DSRMC", "TYSHXYDM", "CFJDSWH", "ZFRY", "ZFZH", "WFXW", "CFJG", "CFZL", "FKJE", "fine", "PARTY", "name"),
    *("附件", "执法人员", "处罚种类", "有效期限"),
]
STRANGE = ["a.b", "x['y']", "# 注释", "- a", "{b}", "多\n行", "'\"", "", "on", "@id", "#text"]
NAMES = st.sampled_from([*KNOWN, *STRANGE])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**13),
    st.sampled_from(
        ["", "/", "张晓明,李文静", "33011000101,33011000102", "2026-01-01", "罚款", "罚款、警告", "a: b # c", "0.2"]
    ),
    st.sampled_from(
        ["91330110MA2KQ7XH9P", "杭州清源印染有限公司", "2024-09-10至2029-09-09", "\u2028", "=1+1", "20,000元"]
    ),
    st.text(max_size=8),
)
ROWS = st.dictionaries(NAMES, st.one_of(LEAVES, st.lists(LEAVES, max_size=3)), max_size=4)
BELOW = st.dictionaries(NAMES, st.one_of(LEAVES, ROWS, st.lists(st.one_of(LEAVES, ROWS), max_size=3)), max_size=4)
TREES = st.dictionaries(NAMES, st.one_of(LEAVES, BELOW, st.lists(st.one_of(LEAVES, BELOW), max_size=3)), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TREES, min_size=1, max_size=3), st.sampled_from(sorted(TYPES)))
def test_whatever_the_samples_the_draft_loads(bodies: list[object], message_type: str):
    """Strange names, mixed shapes and hostile texts: a bundle that loads, or a refusal that says what to do."""
    found = [read_sample(f"{n}.json", json.dumps(body).encode()) for n, body in enumerate(bodies)]
    try:
        drafted = draft("strange", "penalty", found, operations={"one": message_type})
    except Undraftable:
        return
    assert DeclarativeAdapter(assemble(drafted.files)).receives == {"one": message_type}


def test_samples_without_end_are_bounded():
    """Ten thousand columns, a hundred thousand rows of nothing, deep nesting: taken in part, and said so."""
    wide = read_sample("wide.json", json.dumps({f"COL{n}": "x" for n in range(10_000)} | {"AJBH": "A1"}).encode())
    assert len(observe([wide.tree]).columns) == MAX_COLUMNS
    assert observe([wide.tree]).left_out
    deep: object = "x"
    for _ in range(40):
        deep = {"a": deep}
    assert observe([{"AJBH": "A1", "b": deep}]).columns
    with pytest.raises(Rejected):
        read_sample("huge.json", b"[" + b"0," * (3 * 1024 * 1024) + b"0]")


def test_samples_of_several_kinds_become_several_operations():
    """Each sample goes to the operation it is of; what one platform codes, it codes once."""
    mixed = [*samples("mobile-enforcement", "inspection"), *samples("mobile-enforcement", "case")]
    drafted = draft("province", "mobile-enforcement", mixed)
    assert {one.name: len(one.samples) for one in drafted.operations} == {"inspection": 4, "case": 4}
    assert [name for name in drafted.files if name.startswith("codes/party-kind")] == ["codes/party-kind.csv"]


def test_numbers_prove_no_code():
    """A public list of numbers is offered to a person, never written: another vendor counts otherwise."""
    drafted = draft("permits", "pollutant-permit", samples("pollutant-permit", "permit"))
    assert drafted.files["codes/permit-status-2.csv"].decode().splitlines() == ["native,canonical,title"]
    assert "\n  1,new,新增\n" in drafted.files["README.md"].decode()


def test_titles_do_prove_a_code():
    """罚款 is a fine."""
    body = {"AJBH": "A1", "CFJDSWH": "湘环罚〔2026〕1号", "CFZL": "罚款、没收违法所得"}
    sample = read_sample("1.json", json.dumps(body).encode())
    drafted = draft("fines", "penalty", [sample], operations={"decision": "penalty.decided"})
    assert "罚款,fine,罚款" in drafted.files["codes/penalty-kind.csv"].decode()


@pytest.mark.parametrize(
    ("fine", "facts", "converter"),
    [
        ("2", "超标排放，罚款2万元", "{scale: 10000}"),
        ("20000", "超标排放，罚款2万元", "decimal"),
        ("2万元", "超标排放", "[{suffix: 万元}, {scale: 10000}]"),
        ("20,000", "超标排放，罚款2万元", "grouped"),
    ],
)
def test_yuan_or_ten_thousand_is_told_by_what_stands_beside(fine: str, facts: str, converter: str):
    """The text names the sum, or the value its unit."""
    body = {"AJBH": "A1", "CFJDSWH": "湘环罚〔2026〕1号", "FKJE": fine, "WFSS": facts}
    sample = read_sample("1.json", json.dumps(body).encode())
    drafted = draft("fines", "penalty", [sample], operations={"decision": "penalty.decided"})
    assert f"  fine: {{at: FKJE, as: {converter}}}" in drafted.files["mappings/decision.yaml"].decode()


def test_an_amount_of_unknown_unit_is_left_to_a_person():
    """12 could be yuan or ten thousand: a comment."""
    body = {"AJBH": "A1", "CFJDSWH": "湘环罚〔2026〕1号", "FKJE": "12", "WFSS": "超标排放"}
    sample = read_sample("1.json", json.dumps(body).encode())
    drafted = draft("fines", "penalty", [sample], operations={"decision": "penalty.decided"})
    assert "  # fine: {at: FKJE, as: decimal}" in drafted.files["mappings/decision.yaml"].decode()


@pytest.mark.parametrize(
    ("column", "values", "entry"),
    [
        (
            "所在地区",
            ["贵阳市观山湖区", "遵义市红花岗区"],
            'region: {at: 所在地区, as: {region-name: {within: "520000", on: ""}}}',
        ),
        ("所在地区", ["贵州省/贵阳市/观山湖区"], "region: {at: 所在地区, as: region-name}"),
        ("调试日期", ["2026年4月22日至2026年6月10日"], "as: [{range: 至}, {date: "),
        ("公示日期", ["2026-04-22至2026-06-10"], "{at: 公示日期, as: {range: 至}}"),
        ("竣工时间", ["20260420", "2026-04-20"], 'completed_on: {at: 竣工时间, as: {date: ["%Y-%m-%d", "%Y%m%d"]}}'),
        ("行业类别", ["C2624-C2624-复混肥料制造"], "industry_code: {at: 行业类别, as: industry-code}"),
        ("环评批复文号", ["/", "筑环审〔2025〕18号"], "{at: 环评批复文号, as: document-number, none: "),
    ],
)
def test_converters_are_chosen_by_the_values(column: str, values: list[str], entry: str):
    """Names of regions, periods, dates written in several ways, words for nothing."""
    bodies = [{"项目名称": "前驱体项目", column: value} for value in values]
    found = [read_sample(f"{n}.json", json.dumps(body).encode()) for n, body in enumerate(bodies)]
    drafted = draft("gz", "construction-project", found, operations={"acceptance": "project.accepted"})
    assert entry in drafted.files["mappings/acceptance.yaml"].decode()


def test_words_for_yes_may_be_several():
    """否 here and 不属于 there are both no."""
    changes = [{"变动类别": "规模", "是否重大变动": word} for word in ("否", "不属于", "是")]
    body = {
        "项目名称": "前驱体项目",
        "建设单位": "贵阳云岫新材料有限公司",
        "竣工日期": "2026-04-20",
        "变动情况": changes,
    }
    found = [read_sample("1.json", json.dumps(body).encode())]
    drafted = draft("gz", "construction-project", found, operations={"acceptance": "project.accepted"})
    assert "bool: [[是, 属于], [否, 不属于]]" in drafted.files["mappings/acceptance.yaml"].decode()
