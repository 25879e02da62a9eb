"""The traps real platforms lay, each told as what must come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import DeclarativeAdapter, bundled
from adapters.base import Document, OutboundRequest
from schemas.findings import Rejected

Adapters = Callable[[str], DeclarativeAdapter]
Write = Callable[[DeclarativeAdapter, str, Document], OutboundRequest]


def _sample(adapter: str, name: str, number: int = 1) -> Path:
    return next((bundled()[adapter] / "samples" / name).glob(f"{number}.native.*"))


def _json(adapter: str, name: str, number: int = 1) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_sample(adapter, name, number).read_text("utf-8"))
    return read


def _in(adapter: DeclarativeAdapter, operation: str, native: Any) -> Document:
    body = native if isinstance(native, bytes) else json.dumps(native).encode()
    return adapter.translate_in(operation, adapter.read(operation, body).records[0]).document


def _rejected(adapter: DeclarativeAdapter, operation: str, native: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        _in(adapter, operation, native)
    return caught.value


def _canonical(adapter: str, name: str, number: int = 1) -> Document:
    file = bundled()[adapter] / "samples" / name / f"{number}.canonical.json"
    read: Document = json.loads(file.read_text("utf-8"))
    return read


def test_yuan_at_the_penalty_platform_is_ten_thousands_at_the_publication(adapter_of: Adapters, write: Write) -> None:
    """2000 元 is published as 0.2 万元, to six decimals without rounding."""
    decision = _in(adapter_of("penalty"), "decision", _json("penalty", "decision", 2))
    assert decision["fine"] == "2000"
    published = json.loads(
        write(adapter_of("credit-publicity"), "penalty.decided", {**decision, "confiscated": "0.01"}).body,
        parse_float=Decimal,
    )
    assert published["CF_NR_FK"] == Decimal("0.2")
    assert published["CF_NR_WFFF"] == Decimal("0.000001")


def test_no_term_of_effect_is_published_as_the_long_term(adapter_of: Adapters, write: Write) -> None:
    """2099-12-31, as the publication platform has it."""
    decision = _canonical("penalty", "decision", 3)
    assert "valid_until" not in decision
    published = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", decision).body)
    assert published["CF_YXQ"] == "2099-12-31"


@pytest.mark.parametrize("kind", [("company", "法人及非法人组织"), ("sole-trader", "个体工商户"), ("person", "自然人")])
def test_the_number_goes_where_the_category_says(kind: tuple[str, str], adapter_of: Adapters, write: Write) -> None:
    """A person's number never lands in the column of credit codes."""
    code, words = kind
    person = code == "person"
    number = {"citizen_id": "11010519491231002X"} if person else {"credit_code": "92330110MA2LB61N0M"}
    decision = _canonical("penalty", "decision", 2) | {"party": {"name": "某当事人", "kind": code, **number}}
    published = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", decision).body)
    assert published["CF_XDR_LB"] == words
    assert published.get("CF_XDR_ZJHM") == number.get("citizen_id")
    assert published.get("CF_XDR_SHXYM") == number.get("credit_code")


@pytest.mark.parametrize("category", ["01", "02", "03"])
def test_a_citizen_id_is_never_published_as_a_credit_code(category: str, adapter_of: Adapters, write: Write) -> None:
    """Whatever category the penalty platform gave the party that it tells by one."""
    native = _json("penalty", "decision", 3)
    native["PARTY"] |= {"USERTYPE": category, "USERCODE": "11010519491231002X"}
    decision = _in(adapter_of("penalty"), "decision", native)
    assert decision["party"]["citizen_id"] == "11010519491231002X"
    published = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", decision).body)
    assert published["CF_XDR_ZJHM"] == "11010519491231002X"
    assert "CF_XDR_SHXYM" not in published
    enforced = json.loads(write(adapter_of("mobile-enforcement"), "penalty.decided", decision).body)
    assert (enforced["TYSHXYDM"], enforced["SFZHM"]) == ("/", "11010519491231002X")


def test_a_message_accepted_earlier_is_not_published_with_it_either(adapter_of: Adapters, write: Write) -> None:
    """It was kept while a citizen id could still pass for a credit code."""
    decision = _canonical("penalty", "decision", 4)
    decision["party"] = {"name": "某当事人", "kind": "sole-trader", "credit_code": "11010519491231002X"}
    published = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", decision).body)
    assert published["CF_XDR_ZJHM"] == "11010519491231002X"
    assert "CF_XDR_SHXYM" not in published


@pytest.mark.parametrize("kind", [None, "company", "person", "sole-trader"])
@pytest.mark.parametrize("number", [{"citizen_id": "11010519491231002X"}, {"credit_code": "92330110MA2LB61N0M"}])
def test_a_party_keeps_its_number_from_platform_to_platform(
    kind: str | None, number: dict[str, str], adapter_of: Adapters, write: Write
) -> None:
    """Mobile enforcement hands over the case of whoever is told by whichever number."""
    native = _json("mobile-enforcement", "case", 3)
    native |= {"DSRLX": {"company": "01", "person": "02", "sole-trader": "03"}.get(kind or "", "")}
    native |= {"TYSHXYDM": number.get("credit_code", "/"), "SFZHM": number.get("citizen_id", "/")}
    case = _in(adapter_of("mobile-enforcement"), "case", native)
    sent = json.loads(write(adapter_of("penalty"), "case.transferred", case).body)
    assert sent["PARTY"]["USERCODE"] == next(iter(number.values()))


def test_a_category_left_out_is_told_by_the_number(adapter_of: Adapters, write: Write) -> None:
    """The platform asks for it, so it is written."""
    decision = _canonical("penalty", "decision", 3)
    del decision["party"]["kind"]
    published = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", decision).body)
    assert (published["CF_XDR_LB"], published["CF_XDR_ZJHM"]) == ("自然人", "11010519491231002X")


@pytest.mark.parametrize("nothing", ["/", "无", "", "  ", None])
def test_a_stroke_means_none(nothing: str | None, adapter_of: Adapters) -> None:
    """And is never taken for a number."""
    native = _json("mobile-enforcement", "inspection") | {"TYSHXYDM": nothing, "PWXKZBH": nothing, "XMDM": nothing}
    document = _in(adapter_of("mobile-enforcement"), "inspection", native)
    assert not {"permit_number", "project_code"} & document.keys()
    assert "credit_code" not in document["party"]


def test_the_acceptance_platform_writes_none_as_a_word(adapter_of: Adapters) -> None:
    """本工程排污许可证编号:无"""
    native = _json("construction-project", "acceptance") | {"本工程排污许可证编号": "无"}
    assert "permit_number" not in _in(adapter_of("construction-project"), "acceptance", native)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (",陈立诚,周敏", ",33011000101,33011000102"),
        ("陈立诚，周敏，", "33011000101，33011000102，"),
        ("陈立诚、周敏", "33011000101;33011000102"),
        (" 陈立诚 , 周敏 ", "33011000101, 33011000102"),
    ],
)
def test_officers_joined_in_one_column_keep_their_numbers(names: str, numbers: str, adapter_of: Adapters) -> None:
    """Whatever the separator, and with commas in front."""
    native = _json("mobile-enforcement", "inspection") | {"ZFRY": names, "ZFZH": numbers}
    officers = _in(adapter_of("mobile-enforcement"), "inspection", native)["officers"]
    assert officers == [{"name": "陈立诚", "number": "33011000101"}, {"name": "周敏", "number": "33011000102"}]


def test_officers_and_numbers_that_do_not_pair_are_refused(adapter_of: Adapters) -> None:
    """Rather than given to the wrong one."""
    native = _json("mobile-enforcement", "inspection") | {"ZFZH": "33011000101"}
    error = _rejected(adapter_of("mobile-enforcement"), "inspection", native)
    assert [(finding.code, finding.path) for finding in error.findings] == [("value.uneven", "ZFRY")]


def test_an_officer_without_a_number_does_not_shift_the_others(adapter_of: Adapters, write: Write) -> None:
    """A stroke holds the place."""
    officers = [{"name": "陈立诚"}, {"name": "周敏", "number": "33011000102"}]
    case = _canonical("mobile-enforcement", "case") | {"officers": officers}
    sent = json.loads(write(adapter_of("penalty"), "case.transferred", case).body)["CASE"]
    assert (sent["HANDLEPEOPLENAMES"], sent["HANDLEPEOPLEUNIDS"]) == ("陈立诚,周敏", "/,33011000102")


@pytest.mark.parametrize("written", ["杭环余罚[2026]第021号", "杭环余罚（2026）21号", "杭环余罚〔2026〕021号"])
def test_document_numbers_are_one_however_written(written: str, adapter_of: Adapters) -> None:
    """Brackets, 第 and leading zeros."""
    native = _json("penalty", "decision") | {"WRITNUMBER": written}
    assert _in(adapter_of("penalty"), "decision", native)["decision_number"] == "杭环余罚〔2026〕21号"


@pytest.mark.parametrize("written", ["2026-07-01 00:00:00", "2026-07-01", "20260701"])
def test_dates_come_with_and_without_separators(written: str, adapter_of: Adapters) -> None:
    """The same day."""
    native = _json("penalty", "decision") | {"PUNISHDECIDETIME": written}
    assert _in(adapter_of("penalty"), "decision", native)["decided_on"] == "2026-07-01"


def test_a_project_code_that_is_junk_is_left_out_with_a_warning(adapter_of: Adapters) -> None:
    """The acceptance platform's column often holds an industry code."""
    adapter = adapter_of("construction-project")
    native = _json("construction-project", "acceptance") | {"项目代码": "D4430"}
    record = adapter.read("acceptance", json.dumps(native).encode()).records[0]
    translation = adapter.translate_in("acceptance", record)
    assert "code" not in translation.document["project"]
    assert [(one.code, one.path) for one in translation.warnings] == [("project-code.shape", "项目代码")]


def test_a_package_is_real_gbk_with_many_records(adapter_of: Adapters) -> None:
    """Full-width brackets inside a name are not separators."""
    body = _sample("pollutant-permit", "permit", 3).read_bytes()
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    adapter = adapter_of("pollutant-permit")
    package = adapter.read("permit", body)
    assert package.split
    pollutants = [adapter.translate_in("permit", record).document["pollutants"] for record in package.records]
    assert pollutants[1] == ["化学需氧量", "氨氮（NH3-N）", "总氮（以N计）", "总磷（以P计）"]
    assert pollutants[2] == ["化学需氧量", "氨氮（NH3-N）", "悬浮物", "动植物油"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<JLS>1</JLS>", "<JLS>2</JLS>", "envelope.count"),
        ("<SJBLX>PWXKZB</SJBLX>", "<SJBLX>PWXKSQ</SJBLX>", "envelope.require"),
    ],
)
def test_a_package_that_is_not_what_it_says_is_refused_whole(
    old: str, new: str, code: str, adapter_of: Adapters
) -> None:
    """A wrong count means that records were lost on the way."""
    body = _sample("pollutant-permit", "permit").read_bytes().decode("gbk").replace(old, new).encode("gbk")
    with pytest.raises(Rejected) as caught:
        adapter_of("pollutant-permit").read("permit", body)
    assert caught.value.code == code


def test_the_identity_of_a_permit_record_is_its_number_and_time_stamp(adapter_of: Adapters) -> None:
    """The time of settlement where there is no time stamp."""
    body = _sample("pollutant-permit", "permit", 2).read_bytes()
    first, second = adapter_of("pollutant-permit").read("permit", body).records
    assert first.identity == '["92330110MA2LB61N0M001W","20250602020007"]'
    assert second.identity == '["91371000MA3TDY4WXL001U","2025-03-04 10:20:00"]'


def _permit(change: Callable[[str], str]) -> bytes:
    return change(_sample("pollutant-permit", "permit").read_bytes().decode("gbk")).encode("gbk")


@pytest.mark.parametrize(
    ("flag", "status", "told"),
    [
        ("<CLBZ>1</CLBZ>", "renewed", []),
        ("<CLBZ> 1 </CLBZ>", "renewed", []),
        ("<CLBZ/>", "renewed", []),
        ("", "renewed", []),
        ("<CLBZ>0</CLBZ>", "deleted", ["permit.deleted"]),
    ],
)
def test_the_processing_mark_says_whether_a_record_is_there(
    adapter_of: Adapters, flag: str, status: str, told: list[str]
) -> None:
    """Absent, the record is a normal one; 0 says that it is no more, and must not pass as what it said before."""
    adapter = adapter_of("pollutant-permit")
    body = _permit(lambda text: text.replace("<CLBZ>1</CLBZ>", flag))
    translated = adapter.translate_in("permit", adapter.read("permit", body).records[0])
    assert translated.document["status"] == status
    assert [one.code for one in translated.warnings] == told


def test_a_mark_nobody_knows_is_told_by_itself(adapter_of: Adapters) -> None:
    """To fill in the application's kind would not help."""
    body = _permit(lambda text: text.replace("<CLBZ>1</CLBZ>", "<CLBZ>7</CLBZ>"))
    (fault,) = _rejected(adapter_of("pollutant-permit"), "permit", body).findings
    assert (fault.path, fault.field, fault.title) == ("CLBZ", "status", "申请类型")
    assert "CLBZ is 1 or empty" in fault.message.en


def test_a_deleted_permit_reaches_the_enforcement_system(adapter_of: Adapters, write: Write) -> None:
    """With a code of its own."""
    document = {**_canonical("mobile-enforcement", "permit.changed"), "status": "deleted"}
    assert json.loads(write(adapter_of("mobile-enforcement"), "permit.changed", document).body)["SQLX"] == "7"


@pytest.mark.parametrize(
    ("column", "written", "field", "value"),
    [
        ("HFRQ", "2024-09-10 00:00:00.0", "issued_on", "2024-09-10"),
        ("HFRQ", "2024-09-10", "issued_on", "2024-09-10"),
        ("XKYXQXZ", "2029-09-09 24:00:00", "valid_to", "2029-09-09"),
        ("BJSJ", "20240909240000", "decided_at", "2024-09-10T00:00:00+08:00"),
        ("BJSJ", "2024-09-09 24:00:00", "decided_at", "2024-09-10T00:00:00+08:00"),
        ("BJSJ", "2024-09-09 16:30:00.0", "decided_at", "2024-09-09T16:30:00+08:00"),
        ("BJSJ", "2024-09-09T16:30:00+08:00", "decided_at", "2024-09-09T16:30:00+08:00"),
        ("TCRQ", "null", "production_on", None),
        ("TCRQ", "0000-00-00", "production_on", None),
        ("ZDQYLX", "NULL", "key_areas", None),
    ],
)
def test_times_of_a_package_are_read_as_writers_print_them(
    adapter_of: Adapters, column: str, written: str, field: str, value: str | None
) -> None:
    """Java, databases, and words for nothing."""
    body = _permit(lambda text: re.sub(f"<{column}>[^<]*</{column}>", f"<{column}>{written}</{column}>", text))
    assert _in(adapter_of("pollutant-permit"), "permit", body).get(field) == value


def test_industry_codes_are_read_as_platforms_print_them(adapter_of: Adapters) -> None:
    """C1361-C1361-水产品冷冻加工"""
    assert _canonical("construction-project", "approval", 2)["industry_code"] == "C1361"
    native = _json("construction-project", "approval", 2)
    assert native["CODE_TRADE"] == "C1361-C1361-水产品冷冻加工"
    assert _in(adapter_of("construction-project"), "approval", native)["industry_code"] == "C1361"


def test_a_new_column_is_noticed_and_does_not_stop_the_message(adapter_of: Adapters) -> None:
    """Platforms change without telling."""
    adapter = adapter_of("penalty")
    native = _json("penalty", "execution") | {"NEWCOLUMN": "1"}
    record = adapter.read("execution", json.dumps(native).encode()).records[0]
    warnings = adapter.translate_in("execution", record).warnings
    assert [(one.code, one.path) for one in warnings] == [("native.unknown", "NEWCOLUMN")]


def test_a_new_column_of_a_package_is_noticed_too(adapter_of: Adapters) -> None:
    """The other columns may come in any order."""
    body = _sample("pollutant-permit", "permit").read_bytes().replace(b"<CLBZ>", b"<XZ>1</XZ><CLBZ>")
    adapter = adapter_of("pollutant-permit")
    (record,) = adapter.read("permit", body).records
    assert [(one.code, one.path) for one in adapter.translate_in("permit", record).warnings] == [
        ("native.unknown", "XZ")
    ]


def test_one_bad_record_does_not_stop_the_package(adapter_of: Adapters) -> None:
    """It is told by its column and title; the others are read."""
    body = _sample("pollutant-permit", "permit", 2).read_bytes().replace("海昕".encode("gbk"), "海".encode("gbk") * 200)
    adapter = adapter_of("pollutant-permit")
    good, bad = adapter.read("permit", body).records
    assert adapter.translate_in("permit", good).document["permit_number"] == "92330110MA2LB61N0M001W"
    with pytest.raises(Rejected) as caught:
        adapter.translate_in("permit", bad)
    (finding,) = caught.value.findings
    assert (finding.path, finding.title) == ("Data.Record[1].DWMC", "单位名称")


def test_what_is_missing_is_named_in_the_platforms_words_and_ours(adapter_of: Adapters) -> None:
    """Native path, canonical field and its Chinese title."""
    native = _json("mobile-enforcement", "case")
    del native["AJMC"]
    (finding,) = _rejected(adapter_of("mobile-enforcement"), "case", native).findings
    assert (finding.path, finding.field, finding.title) == ("AJMC", "name", "案件名称")


def test_an_unknown_code_is_refused_with_those_that_are_known(adapter_of: Adapters) -> None:
    """Never guessed."""
    native = _json("penalty", "progress") | {"NODECODE": "NODE_OTHER"}
    (finding,) = _rejected(adapter_of("penalty"), "progress", native).findings
    assert (finding.code, finding.path, finding.field) == ("code.unknown", "NODECODE", "node")
    assert "NODE_CASE" in finding.message.zh


def test_the_irregular_state_of_the_mobile_platform_is_read(adapter_of: Adapters) -> None:
    """004 beside 05, 06 and 08; what was reviewed or filed is done as well."""
    adapter = adapter_of("mobile-enforcement")
    native = _json("mobile-enforcement", "dispatch-report")
    states = {code: _in(adapter, "dispatch-report", native | {"STATE": code})["state"] for code in ("004", "05", "06")}
    assert states == {"004": "accepted", "05": "working", "06": "done"}
    assert {_in(adapter, "dispatch-report", native | {"STATE": code})["state"] for code in ("07", "09")} == {"done"}
    assert _in(adapter, "dispatch-report", native | {"STATE": "08"})["state"] == "returned"
