"""The translation that a Python team would write by hand for the benchmark: penalty JSON in, mobile JSON out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

CHINA = timezone(timedelta(hours=8))
NODES = {"NODE_CASE": "filed", "NODE_NOTICE": "notice"}
STEPS = {"filed": "01", "notice": "03"}


def to_canonical(native: dict[str, Any]) -> dict[str, Any]:
    """Read a case node; KeyError or ValueError for what is none."""
    names = [name for name in native["HANDLEPERSONS"].split(",") if name]
    numbers = [number for number in native["HANDLEPERSONIDS"].split(",") if number]
    if len(names) != len(numbers) or not native["CASEID"] or not native["AREACODE"].isdigit():
        raise ValueError("not a case node")
    at = datetime.strptime(native["CACETIME"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    return {
        "case_number": native["CASEID"],
        "region": native["AREACODE"],
        "node": NODES[native["NODECODE"]],
        "document_number": native["WRITNUMBER"],
        "at": at.isoformat(),
        "officers": [{"name": name, "number": number} for name, number in zip(names, numbers, strict=True)],
        "opinion": native["HANDLEOPINION"],
    }


def to_native(document: dict[str, Any]) -> dict[str, Any]:
    """Write a case node as the mobile enforcement system reads it."""
    at = datetime.fromisoformat(document["at"])
    return {
        "AJBH": document["case_number"],
        "XZQH": document["region"],
        "BAHJ": STEPS[document["node"]],
        "WSH": document["document_number"],
        "BLSJ": at.strftime("%Y-%m-%d %H:%M:%S"),
        "ZFRY": [{"XM": officer["name"], "ZFZH": officer["number"]} for officer in document["officers"]],
        "BLYJ": document["opinion"],
    }
