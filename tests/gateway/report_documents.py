"""Documents of the story that reports are tested by, with what figures look at; keyword arguments change or add."""

from __future__ import annotations

from typing import Any

Said = tuple[str, dict[str, Any]]
CODE = "91330110MA2CXY1R13"
DECISION = "杭环罚〔2026〕1号"
AUTHORITY = {"name": "杭州市生态环境局"}


def inspection(number: str = "JC-1", on: str = "2026-03-10", **more: Any) -> Said:
    """An inspection on a day, from nine to ten."""
    said = {
        "inspection_number": number,
        "party": {"name": "杭州示例化工有限公司", "credit_code": CODE},
        "region": "330110",
        "started_at": f"{on}T09:00:00+08:00",
        "ended_at": f"{on}T10:00:00+08:00",
        "officers": [{"name": "张三", "number": "33010001"}, {"name": "李四", "number": "33010002"}],
        "findings": "正常",
    }
    return "inspection.recorded", {**said, **more}


def officer(number: str = "33010001", **more: Any) -> Said:
    """An officer with a certificate."""
    said = {"number": number, "name": "张三", "authority": AUTHORITY, "region": "330110", "status": "valid"}
    return "officer.changed", {**said, "valid_from": "2025-01-01", "valid_to": "2027-12-31", **more}


def permit(**more: Any) -> Said:
    """A permit of the enterprise."""
    said = {"permit_number": f"{CODE}001P", "holder": {"name": "杭州示例化工有限公司", "credit_code": CODE}}
    return "permit.changed", {**said, "region": "330110", **more}


def lead(**more: Any) -> Said:
    """A lead that must be answered by 20 March, noon."""
    said = {"lead_number": "XS-1", "channel": "complaint", "region": "330110", "at": "2026-03-01T09:00:00+08:00"}
    return "lead.reported", {**said, "due_at": "2026-03-20T12:00:00+08:00", **more}


def answer(at: str, state: str = "done", **more: Any) -> Said:
    """The answer to a lead."""
    return "lead.answered", {"lead_number": "XS-1", "state": state, "at": at, **more}


def order(**more: Any) -> Said:
    """An order that must be done by 20 March, noon."""
    said = {"order_number": "DD-1", "region": "330110", "ordered_at": "2026-03-01T09:00:00+08:00"}
    return "dispatch.ordered", {**said, "due_at": "2026-03-20T12:00:00+08:00", **more}


def done(at: str, state: str = "done") -> Said:
    """The report on an order."""
    return "dispatch.reported", {"order_number": "DD-1", "state": state, "reported_at": at}


def node(name: str, at: str = "2026-03-10T10:00:00+08:00", **more: Any) -> Said:
    """A node of the case's chain."""
    return "case.progressed", {"case_number": "AJ-1", "node": name, "at": at, "region": "330110", **more}


def decision(on: str = "2026-03-02", number: str = DECISION, **more: Any) -> Said:
    """A decision that fines and may be published."""
    said = {"case_number": "AJ-1", "decision_number": number, "decided_on": on, "status": "in-force"}
    said |= {"party": {"name": "杭州示例化工有限公司", "credit_code": CODE}, "region": "330110", "authority": AUTHORITY}
    return "penalty.decided", {**said, "fine": "20000", "publish": {"allowed": True}, **more}


def publication(at: str, state: str = "published", number: str = DECISION) -> Said:
    """What publicity says of the decision."""
    return "penalty.published", {"decision_number": number, "state": state, "at": at}


def measure(kind: str = "correct", action: str = "impose", **more: Any) -> Said:
    """A measure that must be complied with by 20 March."""
    said = {"measure_number": "ZG-1", "kind": kind, "action": action, "region": "330110", "authority": AUTHORITY}
    return "measure.ordered", {**said, "decided_on": "2026-03-05", "due_on": "2026-03-20", **more}


def recheck(result: str, at: str = "2026-03-21T09:00:00+08:00") -> Said:
    """A recheck of the measure."""
    return "recheck.recorded", {"measure_number": "ZG-1", "region": "330110", "at": at, "result": result}


def handover(to: str, **more: Any) -> Said:
    """A hand-over of the case."""
    return "case.handed-over", {"case_number": "AJ-1", "to": to, "decided_on": "2026-03-09", **more}


def review(result: str | None, on: str = "2026-03-25") -> Said:
    """A review of the decision, concluded if it has a result."""
    said = {"decision_number": DECISION, "case_number": "AJ-1", "stage": "reconsideration", "filed_on": "2026-03-01"}
    concluded = {"result": result, "concluded_on": on} if result else {}
    return "decision.reviewed", {**said, **concluded}
