"""Valid canonical documents out of a random generator, every optional field present or not: invented throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from schemas import invented
from schemas.codes import table
from schemas.documents import MODELS, Field, fields, objects
from schemas.identifiers import (
    CitizenId,
    CreditCode,
    DocumentNumber,
    IndustryCode,
    OfficerNumber,
    OutletCode,
    PermitNumber,
    PollutantCode,
    ProjectCode,
)

Make = Callable[[Random], Any]

_BY_IDENTIFIER: Mapping[Any, Make] = {
    CitizenId: invented.citizen_id,
    CreditCode: invented.credit_code,
    IndustryCode: lambda r: r.choice(("C2624", "D4430", "C37", "C1711", "N7723")),
    OfficerNumber: invented.officer_number,
    OutletCode: lambda r: f"D{r.choice('AW')}{r.randint(1, 99):03}",
    PermitNumber: invented.permit_number,
    PollutantCode: lambda r: r.choice(("a21026", "a34004", "w01018", "w21003")),
    ProjectCode: invented.project_code,
}
_BY_TYPE: Mapping[str, Make] = {
    "region": invented.region,
    "date": invented.day,
    "datetime": invented.instant,
    "moment": lambda r: r.choice((invented.day, invented.instant))(r),
    "decimal": lambda r: f"{r.randint(0, 99)}.{r.randint(1, 9)}",
    "integer": lambda r: r.randint(0, 10_000_000),
    "money": invented.yuan,
    "bool": lambda r: r.random() < 0.5,
    "url": lambda r: f"https://files.example/{invented.digits(r, 8)}",
    "identifier": lambda r: f"{r.choice('ACDX')}{invented.digits(r, 10)}",
}
_BY_NAME: Mapping[str, Make] = {
    "name": invented.company,
    "officers[].name": invented.person,
    "recorder.name": invented.person,
    "authority.name": lambda r: "云栖市生态环境局",
    "issuer.name": lambda r: "青溪市生态环境局",
    "project.name": lambda r: f"年产{r.randint(1, 90)}万吨{r.choice(('肥料', '纸品', '涂料'))}项目",
    "attachments[].name": lambda r: f"现场照片{r.randint(1, 99)}.jpg",
    "longitude": lambda r: _degrees(r, 100, 119),
    "latitude": lambda r: _degrees(r, 24, 40),
    "legal_representative": invented.person,
    "contact": invented.person,
    "phone": invented.phone,
    "address": invented.address,
    "title": lambda r: "废水排放口核查",
    "receiver.name": lambda r: r.choice(("云栖市公安局", "青溪县人民检察院", "云栖市应急管理局")),
    "heard_by.name": lambda r: r.choice(("云栖市人民政府", "云栖市中级人民法院")),
    "items[]": lambda r: r.choice(("一号印染生产线", "燃煤锅炉一台", "停止超标排放水污染物")),
    "unit": invented.company,
    "snapshot_digest": lambda r: f"sm3:{r.getrandbits(256):064x}",
    "rule": lambda r: r.choice(("officers.two", "decision.in-time", "hearing.held")),
    "version": lambda r: "1",
    "message": lambda r: f"0198-{invented.digits(r, 12)}",
    "evidence[]": lambda r: f"0198-{invented.digits(r, 12)}",
    "article": lambda r: "行政处罚法 第四十二条",
    "reviewer": invented.person,
    "certificate.number": lambda r: f"E{invented.digits(r, 8)}",
    "mandate.number": lambda r: invented.document_number(r, "执法"),
    "data_source.name": lambda r: "云栖市数据资源局",
    "participants[].name": invented.person,
    "upload_id": lambda r: f"upload-{invented.digits(r, 12)}",
    "device": lambda r: f"ZFJLY-{invented.digits(r, 6)}",
    "about": lambda r: r.choice(("废水总排口", "车间西侧围墙", "危险废物贮存间")),
    "joint_with[]": lambda r: r.choice(("云栖市水务局", "云栖市应急管理局", "云栖市市场监督管理局")),
    "samples[]": lambda r: f"CY{invented.digits(r, 8)}",
    "item": lambda r: r.choice(("排污口规范化", "自行监测", "台账记录", "危险废物管理")),
    "result": lambda r: r.choice(("符合", "不符合", "不适用")),
    "period": lambda r: f"{r.randint(2023, 2026)}年第{r.randint(1, 4)}季度",
    "digest": lambda r: f"sm3:{r.getrandbits(256):064x}",
    "media_type": lambda r: "image/jpeg",
    "code": lambda r: invented.digits(r, 9),
    "item_code": lambda r: f"330216{invented.digits(r, 6)}",
    "legal_basis[]": lambda r: f"《排污许可管理条例》第{r.choice(('三十三', '三十四', '三十六'))}条",
    "pollutants[]": lambda r: r.choice(("二氧化硫", "氮氧化物", "化学需氧量", "氨氮", "总氮（以N计）")),
    "eia_category": lambda r: "2021版本:045-肥料制造",
    "license_actions[]": lambda r: f"吊销排污许可证（{invented.permit_number(r)}）",
    "violation_type": lambda r: "超标排放水污染物",
    "ordered_by": lambda r: "pollutant-permit.000000",
}
_TEXTS = (
    "现场检查时该单位正常生产，废水处理设施运行记录齐全。",
    "雨水排放口有少量外排水，已采样送检。",
    "车间西侧废气收集罩破损，部分废气未经处理直接排放。",
    "危险废物贮存间标识不清，台账缺少三月份记录。",
    "已告知当事人陈述申辩的权利。",
)


def sample(name: str, random: Random) -> dict[str, Any]:
    """Return a valid document `name`, such as `permit/1`, in canonical form; the same for the same seed."""
    document = _fill(name, "", random)
    for names in MODELS[name].CATALOG.chronology:
        _put_in_order(document, names)
    for part in (document, document.get("party"), *document.get("other_parties", ())):
        if part:
            _agree(part, random)
    _agree_on_penalty(document, random)
    return document


def _fill(name: str, prefix: str, random: Random) -> dict[str, Any]:
    known = {**fields(name), **objects(name)}
    here = [f for path, f in known.items() if path.startswith(prefix) and "." not in path[len(prefix) :]]
    made = {f.path[len(prefix) :].removesuffix("[]"): _make(name, f, random) for f in here if _there(f, random)}
    if prefix.endswith("location.") and made:
        made |= {name: _BY_NAME[name](random) for name in ("longitude", "latitude")}
    # What must be there stays also where it says nothing yet.
    must = {field.path[len(prefix) :].removesuffix("[]") for field in here if field.required}
    return {key: value for key, value in made.items() if key in must or value not in ({}, [])}


def _there(field: Field, random: Random) -> bool:
    return field.required or random.random() < 0.6


def _make(name: str, field: Field, random: Random) -> Any:
    if not field.repeated:
        return _one(name, field, random)
    at_least = 2 if field.path == "officers[]" else 1
    values = [_one(name, field, random) for _ in range(random.randint(at_least, 3))]
    return values if field.type == "object" else list(dict.fromkeys(values))


def _one(name: str, field: Field, random: Random) -> Any:
    if field.type == "object":
        return _fill(name, f"{field.path}.", random)
    if field.codes:
        return random.choice(table(field.codes).codes)
    if field.identifier is DocumentNumber:
        return invented.document_number(random, "审" if field.path == "approval_number" else "罚")
    if field.identifier in _BY_IDENTIFIER:
        return _BY_IDENTIFIER[field.identifier](random)
    return (_named(field.path) or _BY_TYPE.get(field.type) or _words)(random)


def _named(path: str) -> Make | None:
    steps = path.split(".")
    return _BY_NAME.get(".".join(steps[-2:])) or _BY_NAME.get(steps[-1])


def _words(random: Random) -> str:
    return random.choice(_TEXTS)


def _degrees(random: Random, low: int, high: int) -> str:
    return f"{random.randint(low, high)}.{random.randint(0, 99_999):05}{random.randint(1, 9)}"


def _put_in_order(document: dict[str, Any], names: tuple[str, ...]) -> None:
    there = [name for name in names if name in document]
    if len({len(document[name]) for name in there}) == 1:
        for name, value in zip(there, sorted(document[name] for name in there), strict=True):
            document[name] = value
    elif len(there) == 2:
        document[there[0]] = document[there[1]][:10]


def parties(name: str, random: Random) -> Iterator[dict[str, Any]]:
    """Give valid documents `name` whose party has each kind with each number, also those that contradict each other.

    None for a document without a party that both a credit code and a citizen id may tell.
    """
    known = fields(name)
    if not {"party.kind", "party.credit_code", "party.citizen_id"} <= known.keys():
        return
    for kind in (None, *table("party-kind").codes):
        for numbers in ((), ("credit_code",), ("citizen_id",), ("credit_code", "citizen_id")):
            document = sample(name, random)
            party = dict(document.get("party") or {"name": invented.person(random)})
            given = {"kind": kind} | {number: _one(name, known[f"party.{number}"], random) for number in numbers}
            party |= {"kind": None, "credit_code": None, "citizen_id": None} | given
            document["party"] = {key: value for key, value in party.items() if value is not None}
            yield document


def _agree(part: dict[str, Any], random: Random) -> None:
    """Make fields agree that rules across fields look at."""
    if part.get("kind") == "person":
        part.pop("credit_code", None)
    if "credit_code" in part or part.get("kind") == "company":
        part.pop("citizen_id", None)
    if "citizen_id" in part or part.get("kind") == "person":
        part["name"] = invented.person(random)
    holder = part.get("holder", {})
    if "credit_code" in holder:
        part["permit_number"] = invented.permit_number(random, holder["credit_code"])
    if "environmental_investment" in part and "investment" in part:
        part["investment"] = f"{int(float(part['environmental_investment'])) * 20 + 20}"
    if "certificate" in part and "name" in part:
        part.pop("credit_code", None)
        part.pop("citizen_id", None)
        part |= {"kind": "person", "name": invented.person(random)}
    if "kinds" in part:
        part.pop("fine", None)
        if "fine" in part["kinds"]:
            part["fine"] = invented.yuan(random)
    if part.get("kind") in ("paid", "instalment", "surcharge"):
        part.setdefault("amount", invented.yuan(random))


_MONTHS_ON_SHOW = {"general": 180, "serious": 700}


def _agree_on_penalty(document: dict[str, Any], random: Random) -> None:
    """Make a decision say what its outcome, level and dates allow."""
    for span in (document.get("acts"), document.get("daily")):
        if span and "from" in span and "to" in span:
            span["from"], span["to"] = sorted((span["from"], span["to"]))
    if document.get("outcome") not in (None, "punished"):
        document.pop("kinds", None)
        document.pop("fine", None)
    elif "decision_number" in document and "authority" in document and "kinds" not in document:
        document["kinds"] = ["warning"]
        document.pop("fine", None)
    _agree_on_measures(document, random)
    if document.get("problem_found") is False:
        document.pop("problems", None)
    publish = document.get("publish")
    if publish is None:
        return
    if publish.get("level") == "minor":
        publish["allowed"] = False
    if not publish["allowed"]:
        document.pop("publish_until", None)
    elif "publish_until" in document and (days := _MONTHS_ON_SHOW.get(publish.get("level", ""))):
        decided = date.fromisoformat(document["decided_on"])
        document["publish_until"] = (decided + timedelta(days=days)).isoformat()


def _agree_on_measures(document: dict[str, Any], random: Random) -> None:
    """Give a measure, a handover, a review, a certificate and an assessment what goes with what they say."""
    if document.get("action") in ("extend", "release") and "case_number" not in document:
        document.setdefault("parent_number", f"C{invented.digits(random, 10)}")
    if "until" in document and "measure_number" in document:
        document["until"] = max(document["until"], document["decided_on"])
    if document.get("industries") == [document.get("industry_code")]:
        del document["industries"]
    if "sent_at" in document:
        document["sent_at"] = f"{document['decided_on']}T10:00:00+08:00"
    if "outcome" in document and "receiver" in document:
        document.setdefault("outcome_on", document["decided_on"])
    if "result" in document and "filed_on" in document:
        document.setdefault("concluded_on", document["filed_on"])
    if "registration_number" in document and "credit_code" in document:
        document["registration_number"] = invented.permit_number(random, document["credit_code"])
    if "name" in document and "status" in document and "number" in document:
        document["name"] = invented.person(random)
    if "subject" in document and not document["subject"]:
        document["subject"] = {"case_number": f"A{invented.digits(random, 10)}"}
