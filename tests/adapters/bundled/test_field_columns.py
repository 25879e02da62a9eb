"""Columns as platforms fill them in the field: what was refused before, or taken for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters import DeclarativeAdapter, bundled
from adapters.base import Document, OutboundRequest, Translation
from schemas.findings import Rejected

Adapters = Callable[[str], DeclarativeAdapter]
Write = Callable[[DeclarativeAdapter, str, Document], OutboundRequest]


def _native(bundle: str, name: str, number: int = 1) -> Any:
    return json.loads(_folder(bundle, name).joinpath(f"{number}.native.json").read_text("utf-8"))


def _folder(bundle: str, name: str) -> Path:
    return bundled()[bundle] / "samples" / name


def _in(adapter: DeclarativeAdapter, operation: str, native: Any) -> Translation:
    body = native if isinstance(native, bytes) else json.dumps(native, ensure_ascii=False).encode()
    return adapter.translate_in(operation, adapter.read(operation, body).records[0])


def _permit(change: Callable[[str], str]) -> bytes:
    text = _folder("pollutant-permit", "permit").joinpath("1.native.xml").read_bytes().decode("gbk")
    return change(text).encode("gbk")


def _with(column: str, value: str) -> bytes:
    return _permit(lambda text: re.sub(f"<{column}>[^<]*</{column}>", f"<{column}>{value}</{column}>", text))


@pytest.mark.parametrize(
    ("kind", "status"),
    [("重新申请", "reapplied"), ("调整", "adjusted"), ("吊销", "revoked-by-penalty"), ("6", "revoked")],
)
def test_every_kind_of_application_is_read(kind: str, status: str, adapter_of: Adapters, write: Write) -> None:
    """PWXKZB `SQLX`, and what mobile enforcement is told of it."""
    document = _in(adapter_of("pollutant-permit"), "permit", _with("SQLX", kind)).document
    assert document["status"] == status
    sent = json.loads(write(adapter_of("mobile-enforcement"), "permit.changed", document).body)
    written = {"reapplied": "8", "adjusted": "9", "revoked-by-penalty": "10", "revoked": "6"}
    assert sent["SQLX"] == written[status]


def test_a_deleted_row_is_no_cancelled_permit(adapter_of: Adapters) -> None:
    """PWXKZB `CLBZ=0`: the row is gone, not the permit."""
    translated = _in(adapter_of("pollutant-permit"), "permit", _with("CLBZ", "0"))
    assert translated.document["status"] == "deleted"
    assert "permit.deleted" in [one.code for one in translated.warnings]


@pytest.mark.parametrize(
    ("column", "value", "doubt"),
    [
        ("QYJDZB", "/", "location.incomplete"),
        ("HFHBJGMC", "/", "permit.issuer-missing"),
        ("BJSJ", "2024-09-09", None),
        ("SJC", "20240909", None),
    ],
)
def test_a_permit_is_not_rejected_for_what_platforms_write(
    column: str, value: str, doubt: str | None, adapter_of: Adapters
) -> None:
    """PWXKZB: longitude and issuer `/`, times that are days."""
    warnings = [one.code for one in _in(adapter_of("pollutant-permit"), "permit", _with(column, value)).warnings]
    assert warnings == ([doubt] if doubt else [])


def test_a_permit_without_its_processing_mark_is_there(adapter_of: Adapters) -> None:
    """PWXKZB without `CLBZ`."""
    body = _permit(lambda text: re.sub("<CLBZ>[^<]*</CLBZ>", "", text))
    assert _in(adapter_of("pollutant-permit"), "permit", body).document["status"] == "renewed"


def test_several_industries_in_one_column_are_all_kept(adapter_of: Adapters, write: Write) -> None:
    """PWXKZB `HYLB`: the first is the main one; a single one is no list."""
    document = _in(adapter_of("pollutant-permit"), "permit", _with("HYLB", "C1713,D4430")).document
    assert (document["industry_code"], document["industries"]) == ("C1713", ["C1713", "D4430"])
    sent = json.loads(write(adapter_of("mobile-enforcement"), "permit.changed", document).body)
    assert (sent["HYLB"], sent["HYLBMX"]) == ("C1713", "C1713,D4430")
    single = _in(adapter_of("pollutant-permit"), "permit", _with("HYLB", "C1713")).document
    assert single["industry_code"] == "C1713"
    assert "industries" not in single


def test_an_approvals_first_industry_is_its_industry(adapter_of: Adapters) -> None:
    """EIA `CODE_TRADE`, and a longitude `/`."""
    native = _native("construction-project", "approval") | {"CODE_TRADE": "C1713,D4430", "LONGITUDE": "/"}
    translated = _in(adapter_of("construction-project"), "approval", native)
    assert translated.document["industry_code"] == "C1713"
    assert "location.incomplete" in [one.code for one in translated.warnings]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("丽环(青)罚[2021]4号", "丽环（青）罚〔2021〕4号"),
        ("惠市环（龙门）罚【2021】05号", "惠市环（龙门）罚〔2021〕5号"),
    ],
)
def test_a_decision_is_named_as_its_office_names_it(written: str, normal: str, adapter_of: Adapters) -> None:
    """处罚决定书 `WRITNUMBER` with inner brackets of every kind."""
    native = _native("penalty", "decision") | {"WRITNUMBER": written}
    assert _in(adapter_of("penalty"), "decision", native).document["decision_number"] == normal


def test_a_decision_of_an_unknown_number_is_taken_with_a_warning(adapter_of: Adapters) -> None:
    """处罚决定书 `WRITNUMBER` of no known form is kept as it was written."""
    translated = _in(adapter_of("penalty"), "decision", _native("penalty", "decision") | {"WRITNUMBER": "云罚字第7号"})
    assert translated.document["decision_number"] == "云罚字第7号"
    assert ("document-number.shape", "WRITNUMBER") in [(one.code, one.path) for one in translated.warnings]


def test_an_eia_number_may_have_a_note_in_parentheses(adapter_of: Adapters) -> None:
    """环评批复 `APPROVALCODE`."""
    native = _native("construction-project", "approval") | {"APPROVALCODE": "云环建[2025]12号(承诺制)"}
    document = _in(adapter_of("construction-project"), "approval", native).document
    assert document["approval_number"] == "云环建〔2025〕12号（承诺制）"


def test_a_refused_eia_is_no_approval(adapter_of: Adapters) -> None:
    """环评不予批准 `APPROVALCODE` is refused at its column."""
    native = _native("construction-project", "approval") | {"APPROVALCODE": "云环不批[2025]3号"}
    with pytest.raises(Rejected) as caught:
        _in(adapter_of("construction-project"), "approval", native)
    assert [(one.code, one.path) for one in caught.value.findings] == [("approval.refused", "APPROVALCODE")]


def test_the_data_source_is_not_the_punishing_agency(adapter_of: Adapters) -> None:
    """处罚决定 `CF_SJLYDM` says who supplied the record."""
    native = _native("penalty", "decision") | {"CF_SJLYDM": "11330110MB1F2K3L2P"}
    native.pop("IMPLEMENT_INSTITUTION_CODE")
    document = _in(adapter_of("penalty"), "decision", native).document
    assert document["data_source"]["credit_code"] == "11330110MB1F2K3L2P"
    assert "credit_code" not in document["authority"]


def test_a_foreigner_is_told_by_a_passport_through_all_platforms(adapter_of: Adapters, write: Write) -> None:
    """案件 from mobile enforcement, 处罚决定 from penalty to publicity."""
    native = _native("mobile-enforcement", "case") | {
        "DSRMC": "Ann Lee",
        "DSRLX": "02",
        "TYSHXYDM": "/",
        "SFZHM": "无",
        "ZJLX": "01",
        "ZJHM": "E12345678",
    }
    case = _in(adapter_of("mobile-enforcement"), "case", native).document
    certificate = {"kind": "passport", "number": "E12345678"}
    assert case["party"]["certificate"] == certificate
    party = json.loads(write(adapter_of("penalty"), "case.transferred", case).body)["PARTY"]
    assert (party["USERTYPE"], party["OTHERCARDTYPE"], party["OTHERCARDCODE"]) == ("01", "01", "E12345678")
    decision = _native("penalty", "decision") | {"PARTY": party}
    published = _in(adapter_of("penalty"), "decision", decision).document
    assert published["party"]["certificate"] == certificate
    sent = json.loads(write(adapter_of("credit-publicity"), "penalty.decided", published).body)
    assert (sent["CF_XDR_ZJLX"], sent["CF_XDR_ZJHM"], sent["CF_XDR_LB"]) == ("护照", "E12345678", "自然人")


def test_every_party_of_a_case_reaches_the_penalty_platform(adapter_of: Adapters, write: Write) -> None:
    """案件 with two parties."""
    native = _native("mobile-enforcement", "case") | {"QTDSR": [{"DSRMC": "青溪恒禾印染有限公司", "DSRLX": "01"}]}
    case = _in(adapter_of("mobile-enforcement"), "case", native).document
    sent = json.loads(write(adapter_of("penalty"), "case.transferred", case).body)
    assert sent["OTHERPARTY"] == [{"USERNAME": "青溪恒禾印染有限公司", "USERTYPE": "02"}]


def test_an_officer_of_a_province_is_read_and_one_named_twice_is_one(adapter_of: Adapters) -> None:
    """现场检查笔录 `ZFZH`."""
    native = _native("mobile-enforcement", "inspection") | {"ZFRY": "陈立诚,陈立诚", "ZFZH": "浙01020304,浙01020304"}
    translated = _in(adapter_of("mobile-enforcement"), "inspection", native)
    assert translated.document["officers"][0]["number"] == "浙01020304"
    assert "officers.too-few" in [one.code for one in translated.warnings]


@pytest.mark.parametrize("nothing", ["无", "/", "无；"])
def test_no_problem_is_none(nothing: str, adapter_of: Adapters) -> None:
    """现场检查笔录 `CZWT`."""
    native = _native("mobile-enforcement", "inspection") | {"CZWT": nothing}
    assert "problems" not in _in(adapter_of("mobile-enforcement"), "inspection", native).document


def test_a_mobile_system_that_decides_itself_is_understood_and_told_on(adapter_of: Adapters, write: Write) -> None:
    """处罚决定 and 办案环节 go both ways between mobile enforcement and penalty."""
    mobile, penalty = adapter_of("mobile-enforcement"), adapter_of("penalty")
    decision = _in(mobile, "decision", _native("mobile-enforcement", "decision")).document
    assert json.loads(write(penalty, "penalty.decided", decision).body)["CASEID"] == decision["case_number"]
    node = _in(mobile, "progress", _native("mobile-enforcement", "progress")).document
    assert json.loads(write(penalty, "case.progressed", node).body)["CASEID"] == node["case_number"]
    for name in ("decision", "progress"):
        back = _in(penalty, name, _native("penalty", name)).document
        message_type = penalty.receives[name]
        assert json.loads(write(mobile, message_type, back).body)["AJBH"] == back["case_number"]


def test_a_day_is_sent_as_a_day_and_an_hour_as_an_hour(adapter_of: Adapters, write: Write) -> None:
    """办案环节: writs often name the day alone."""
    node = {"case_number": "AJ-1", "node": "served", "at": "2026-07-01"}
    assert json.loads(write(adapter_of("mobile-enforcement"), "case.progressed", node).body)["BLSJ"] == "2026-07-01"
    assert json.loads(write(adapter_of("penalty"), "case.progressed", node).body)["NODETIME"] == "2026-07-01"
