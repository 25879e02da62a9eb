"""Tables as platforms exchange them: a file of many records in, one record a file out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import dedent

import orjson
import pytest

from adapters import formats
from adapters.adapter import DeclarativeAdapter
from adapters.base import Reply, Sending, VerdictKind
from adapters.bundle import assemble
from adapters.check import prove
from schemas.findings import Rejected

MANIFEST = """
adapter: tables
version: 1.0.0
title: 表格交换
kind: penalty
format: {body: FORMAT}
receives:
  executions:
    type: penalty.executed
    mapping: execution
    split: rows[]
    identity: [案号, 时间]
    schema: execution.schema.json
sends:
  penalty.executed:
    mapping: execution
    request: {method: POST, path: /files}
    envelope: {rows: ["{record}"]}
    schema: execution.schema.json
    reply:
      - {when: {status: 2xx, at: code, is: 0}, verdict: accepted, reference: id}
      - {when: {status: 2xx, at: code, is: 1}, verdict: refused, reason: msg}
"""
MAPPING = """
document: penalty-execution/1
fields:
  decision_number: 文号
  case_number: 案号
  kind: {at: 类型, as: {code: kind}}
  at: {at: 时间, as: {datetime: "%Y-%m-%dT%H:%M:%S"}}
  amount: {at: 金额, as: decimal}
"""
CODES = "native,canonical,title\n缴款,paid,\n分期,instalment,\n加处,surcharge,\n强制,enforced,\n结案,closed,\n"
COLUMNS = ("案号", "文号", "类型", "时间", "金额")
SCHEMA = {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["案号"],
                "properties": {name: {"type": "string", "maxLength": 100} for name in COLUMNS},
            },
        }
    },
}
ROWS = [
    {"案号": "A-1", "文号": "浙环罚〔2026〕3号", "类型": "缴款", "时间": "2026-05-06T09:30:00", "金额": "20000.5"},
    {"案号": "A-2", "文号": "浙环罚〔2026〕4号", "类型": "结案", "时间": "2026-05-07T00:00:00"},
]
CANONICAL = {
    "case_number": "A-1",
    "decision_number": "浙环罚〔2026〕3号",
    "kind": "paid",
    "at": "2026-05-06T09:30:00+08:00",
    "amount": "20000.5",
}


def _files(declared: str, **more: bytes) -> Mapping[str, bytes]:
    return {
        "adapter.yaml": dedent(MANIFEST).replace("FORMAT", declared).encode(),
        "mappings/execution.yaml": dedent(MAPPING).encode(),
        "codes/kind.csv": CODES.encode(),
        "native/execution.schema.json": orjson.dumps(SCHEMA),
        **more,
    }


def _adapter(declared: str) -> DeclarativeAdapter:
    return DeclarativeAdapter(assemble(_files(declared)))


SPOKEN = ['csv, charset: gbk, delimiter: ";"', "csv, delimiter: tab", "xlsx, sheet: 处罚执行"]


@pytest.fixture(params=SPOKEN, ids=["csv-gbk", "csv-tab", "xlsx"])
def declared(request: pytest.FixtureRequest) -> str:
    """How the platform writes its tables."""
    return str(request.param)


def _sending() -> Sending:
    return Sending("penalty.executed", CANONICAL, {}, "0198-d", "0198-m", datetime(2026, 8, 14, tzinfo=UTC))


def test_a_file_is_a_package_of_records(declared: str) -> None:
    """Each row is a record with its own identity and document."""
    adapter = _adapter(declared)
    written = formats.write(adapter.compiled.formats["receives", "executions"], {"rows": ROWS})
    package = adapter.read("executions", written.body, written.content_type)
    assert package.split
    assert [one.identity for one in package.records] == [
        '["A-1","2026-05-06T09:30:00"]',
        '["A-2","2026-05-07T00:00:00"]',
    ]
    assert adapter.translate_in("executions", package.records[0]).document == CANONICAL


def test_a_bad_row_does_not_stop_the_others(declared: str) -> None:
    """It is told by its row and column."""
    adapter = _adapter(declared)
    rows = [{"文号": "x"}, ROWS[1]]
    written = formats.write(adapter.compiled.formats["receives", "executions"], {"rows": rows})
    bad, good = adapter.read("executions", written.body).records
    with pytest.raises(Rejected) as caught:
        adapter.translate_in("executions", bad)
    assert [one.path for one in caught.value.findings] == ["rows[0].案号"]
    assert adapter.translate_in("executions", good).document["case_number"] == "A-2"


def test_a_file_without_records_is_refused(declared: str) -> None:
    """A header alone says nothing."""
    adapter = _adapter(declared)
    empty = formats.write(adapter.compiled.formats["receives", "executions"], {"rows": [dict.fromkeys(COLUMNS, "")]})
    with pytest.raises(Rejected, match="holds no record"):
        adapter.read("executions", empty.body)


def test_one_message_is_one_file_in_the_order_of_the_schema(declared: str) -> None:
    """The same bytes whenever it is written."""
    adapter = _adapter(declared)
    request = adapter.translate_out(_sending())
    assert request == adapter.translate_out(_sending())
    tree = formats.read(adapter.compiled.formats["sends", "penalty.executed"], request.body).tree
    assert tree == {"rows": [ROWS[0]]}
    assert tuple(tree["rows"][0]) == COLUMNS


def test_a_table_is_answered_in_json(declared: str) -> None:
    """As platforms that take files do."""
    adapter = _adapter(declared)
    assert adapter.judge("penalty.executed", Reply(200, {}, b'{"code":0,"id":"R1"}')).kind is VerdictKind.ACCEPTED
    assert adapter.judge("penalty.executed", Reply(200, {}, b'{"code":1,"msg":"x"}')).kind is VerdictKind.REFUSED


def test_such_a_bundle_can_be_proven(declared: str) -> None:
    """Laws, schema and samples, as of any other."""
    spoken = _adapter(declared).compiled.formats["sends", "penalty.executed"]
    sample = formats.write(spoken, {"rows": [ROWS[0]]}).body
    extension = spoken.body
    report = prove(
        assemble(
            _files(
                declared,
                **{
                    f"samples/penalty.executed/1.native.{extension}": sample,
                    "samples/penalty.executed/1.canonical.json": orjson.dumps(CANONICAL),
                    f"samples/executions/1.native.{extension}": sample,
                    "samples/executions/1.canonical.json": orjson.dumps([CANONICAL]),
                },
            )
        )
    )
    assert [(one.code, one.message.en) for one in report.findings] == []


def test_a_sheet_as_an_officer_keeps_it() -> None:
    """A title, a header in the second row, empty columns, a number kept as a formula, one that was lost, a total."""
    adapter = _adapter("csv, header: {row: 2}")
    body = (
        "执行情况日报表,,,,,,\r\n"
        "案号,文号,类型,时间,金额,,\r\n"
        '="A-1",浙环罚〔2026〕3号,缴款,2026-05-06T09:30:00.0,20000.5,,\r\n'
        "3.30110202605060E+17,浙环罚〔2026〕4号,结案,2026-05-06T24:00:00,,,\r\n"
        "合计,2,,,20000.5,,\r\n"
    )
    first, second = adapter.read("executions", body.encode()).records
    assert adapter.translate_in("executions", first).document == CANONICAL
    with pytest.raises(Rejected) as caught:
        adapter.translate_in("executions", second)
    assert [(one.code, one.path, one.value) for one in caught.value.findings] == [
        ("value.spreadsheet", "案号", "3.30110202605060E+17")
    ]
