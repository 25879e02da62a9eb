"""What a compiled mapping costs against a person's Python for the same translation, in one run.

The bundled inspection record with three attachments: 34 declared fields, 46 values. The hand-written
functions do what the mapping does (trim, none, codes, dates, exact decimals, lists, a look for
unknown columns) and their results are compared with its results before anything is timed.
"""

from __future__ import annotations

import copy
import json
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from adapters import bundled, load
from schemas.identifiers import DocumentNumber

ROUNDS, LOOPS = 9, 2000
CHINA = timezone(timedelta(hours=8))
NOTHING = ("", "/", "无")
TASKS = {"14": "permit-check", "10": "onsite-supervision"}
PARTIES = {"01": "company", "02": "person", "03": "sole-trader"}
TASKS_OUT, PARTIES_OUT = ({v: k for k, v in codes.items()} for codes in (TASKS, PARTIES))
YES_NO = {"1": True, "0": False}
PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S")
PLAIN = {
    "inspection_number": "XCZFBH",
    "reason": "JCSY",
    "absence_note": "QXJQSM",
    "findings": "XCQK",
}
NUMBERS = {"order_number": "RWBH", "permit_number": "PWXKZBH", "project_code": "XMDM"}
PARTY = {"name": "BJCRMC", "legal_representative": "FDDBR", "address": "DZ", "phone": "DH"}
PARTY_NUMBERS = {"credit_code": "TYSHXYDM", "citizen_id": "SFZHM"}
FILES = {"name": "WJMC", "url": "WJDZ", "digest": "WJZY", "media_type": "WJLX"}


def text(value: Any) -> str:
    """Give a value as trimmed text."""
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def moment(value: Any) -> str:
    """Read a time in any of the patterns."""
    said = text(value)
    for pattern in PATTERNS:
        try:
            return datetime.strptime(said, pattern).replace(tzinfo=CHINA).isoformat()
        except ValueError:
            continue
    raise ValueError(said)


def quick_moment(value: Any) -> str:
    """Read a time, the usual pattern without strptime."""
    said = text(value)
    try:
        return datetime.fromisoformat(said).replace(tzinfo=CHINA).isoformat()
    except ValueError:
        return moment(value)


def listed(value: Any, marks: str) -> list[str]:
    """Split at any of the marks; empties are dropped."""
    said = text(value)
    for mark in marks[1:]:
        said = said.replace(mark, marks[0])
    return [one.strip() for one in said.split(marks[0]) if one.strip()]


def number(value: Any) -> str:
    """Give an exact number as canonical text."""
    said = f"{Decimal(text(value)):f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def hand_in(native: dict[str, Any], known: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """Translate in, as a careful person would write it."""
    strange = [name for name in native if name not in known]
    document: dict[str, Any] = {}
    for field, column in PLAIN.items():
        if said := text(native.get(column)):
            document[field] = said
    for field, column in NUMBERS.items():
        if (said := text(native.get(column))) not in NOTHING:
            document[field] = said
    if (said := text(native.get("SPWH"))) not in NOTHING:
        document["approval_number"] = DocumentNumber.normalise(said)
    if said := text(native.get("RWLX")):
        document["task_type"] = TASKS[said]
    party: dict[str, Any] = {}
    for field, column in PARTY.items():
        if said := text(native.get(column)):
            party[field] = said
    for field, column in PARTY_NUMBERS.items():
        if (said := text(native.get(column))) not in NOTHING:
            party[field] = said
    if said := text(native.get("BJCRLX")):
        party["kind"] = PARTIES[said]
    document["party"] = party
    if said := text(native.get("XZQHDM")):
        document["region"] = said[:6]
    site: dict[str, Any] = {}
    if said := text(native.get("JCDD")):
        site["address"] = said
    if native.get("JD") is not None and native.get("WD") is not None:
        site["location"] = {"longitude": number(native["JD"]), "latitude": number(native["WD"])}
    if site:
        document["site"] = site
    document["started_at"] = quick_moment(native["JCKSSJ"])
    document["ended_at"] = quick_moment(native["JCJSSJ"])
    names, numbers = listed(native.get("ZFRY"), ",，、;"), listed(native.get("ZFZH"), ",，、;")
    if len(names) != len(numbers):
        raise ValueError("officers")
    document["officers"] = [{"name": one, "number": other} for one, other in zip(names, numbers, strict=True)]
    recorder = {"name": text(native.get("JLR")), "number": text(native.get("JLRZFZH"))}
    if any(recorder.values()):
        document["recorder"] = {field: said for field, said in recorder.items() if said}
    for field, column in (("certificate_shown", "SFCSZJ"), ("rights_told", "SFGZQLYW")):
        if said := text(native.get(column)):
            document[field] = YES_NO[said]
    if problems := listed(native.get("CZWT"), "；;"):
        document["problems"] = problems
    files = []
    for one in native.get("FJ") or ():
        file = {field: said for field, column in FILES.items() if (said := text(one.get(column)))}
        if said := text(one.get("CJSJ")):
            file["at"] = quick_moment(said)
        files.append(file)
    if files:
        document["attachments"] = files
    return document, strange


def hand_out(document: dict[str, Any]) -> dict[str, Any]:
    """Translate out, as a careful person would write it."""
    native: dict[str, Any] = {}
    for field, column in PLAIN.items():
        if field in document:
            native[column] = document[field]
    for field, column in (*NUMBERS.items(), ("approval_number", "SPWH")):
        native[column] = document.get(field, "/")
    if "task_type" in document:
        native["RWLX"] = TASKS_OUT[document["task_type"]]
    party = document["party"]
    for field, column in PARTY.items():
        if field in party:
            native[column] = party[field]
    for field, column in PARTY_NUMBERS.items():
        native[column] = party.get(field, "/")
    if "kind" in party:
        native["BJCRLX"] = PARTIES_OUT[party["kind"]]
    native["XZQHDM"] = document["region"]
    site = document.get("site", {})
    if "address" in site:
        native["JCDD"] = site["address"]
    if "location" in site:
        native["JD"], native["WD"] = Decimal(site["location"]["longitude"]), Decimal(site["location"]["latitude"])
    for field, column in (("started_at", "JCKSSJ"), ("ended_at", "JCJSSJ")):
        native[column] = written(document[field])
    native["ZFRY"] = ",".join(one["name"] for one in document["officers"])
    native["ZFZH"] = ",".join(one["number"] for one in document["officers"])
    for field, column in (("name", "JLR"), ("number", "JLRZFZH")):
        if field in document.get("recorder", {}):
            native[column] = document["recorder"][field]
    for field, column in (("certificate_shown", "SFCSZJ"), ("rights_told", "SFGZQLYW")):
        if field in document:
            native[column] = "1" if document[field] else "0"
    if "problems" in document:
        native["CZWT"] = "；".join(document["problems"])
    if "attachments" in document:
        native["FJ"] = [
            {column: one[field] for field, column in FILES.items() if field in one}
            | ({"CJSJ": written(one["at"])} if "at" in one else {})
            for one in document["attachments"]
        ]
    return native


def written(moment_: str) -> str:
    """Write a canonical time as the platform has it."""
    return datetime.fromisoformat(moment_).astimezone(CHINA).strftime(PATTERNS[0])


def microseconds(call: Callable[[], object]) -> float:
    """Time one call in microseconds."""
    start = time.perf_counter()
    for _ in range(LOOPS):
        call()
    return (time.perf_counter() - start) / LOOPS * 1e6


def main() -> None:
    """Check that both give the same, then time them in turns and print the medians."""
    folder = bundled()["mobile-enforcement"]
    program = load(folder).compiled.programs["inspection"]
    native = json.loads((folder / "samples/inspection/1.native.json").read_text("utf-8"), parse_float=Decimal)
    native["FJ"] = [dict(copy.copy(native["FJ"][0]), WJMC=f"照片{index}.jpg") for index in range(3)]
    known = frozenset(native) | {"QXJQSM", "CJR", "LRR"}
    document = program.inward(native).document
    assert hand_in(native, known)[0] == document, "the hand-written function reads something else"
    assert hand_out(document) == program.outward(document, {}), "the hand-written function writes something else"
    calls: dict[str, Callable[[], object]] = {
        "in, by hand": lambda: hand_in(native, known),
        "in, the mapping": lambda: program.inward(native),
        "out, by hand": lambda: hand_out(document),
        "out, the mapping": lambda: program.outward(document, {}),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(microseconds(call))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for way in ("in", "out"):
        hand, mapped = medians[f"{way}, by hand"], medians[f"{way}, the mapping"]
        print(
            f"a translation {way:<3} by hand {1e6 / hand:>7.0f} documents/s · the mapping {1e6 / mapped:>7.0f} "
            f"documents/s · {mapped / hand:.2f} times its time"
        )


if __name__ == "__main__":
    main()
