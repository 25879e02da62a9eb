"""One invented enterprise's story: which platform sends what, in its own format, and which field is shown."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

PLATFORMS = {
    "pollutant-permit.000000": "pollutant-permit",
    "construction-project.330000": "construction-project",
    "mobile-enforcement.330000": "mobile-enforcement",
    "penalty.330000": "penalty",
    "credit-publicity.330000": "credit-publicity",
}
"""Platform id → its bundled adapter. The permit platform is the national one."""

ENTERPRISE = "91330110MA2CXY1R13"

REPORT = {"period": "2026-11", "region": "330000"}
"""The month and region that the story's report is about: those of its last document."""

_PERMIT, _PROJECT, _MOBILE, _PENALTY, _CREDIT = PLATFORMS


@dataclass(frozen=True)
class Step:
    """One document. `watched` is the canonical field shown in the table; `destinations` who must get it.

    `learns` names the platform's own number that its receipt gives us, for later steps to use. `uploads`: an
    attachment's content, which is uploaded before and named by the document (`@upload@`, `@digest@`).
    """

    title: str
    sender: str
    operation: str
    file: str
    watched: str
    destinations: tuple[str, ...]
    learns: str | None = None
    content_type: str = "application/json"
    uploads: bytes = b""

    def body(self, numbers: dict[str, str]) -> bytes:
        """Give the native document, with the platforms' own numbers in its `@name@` placeholders."""
        body = files("gateway.demo").joinpath("story", self.file).read_bytes()
        for name, number in numbers.items():
            body = body.replace(f"@{name}@".encode(), number.encode())
        return body


STORY = (
    Step(
        "排污许可证数据包 · permit package (2 records, GBK XML)",
        _PERMIT,
        "permit",
        "01-permit.xml",
        "valid_to",
        (_MOBILE, _MOBILE),
        content_type="application/xml",
    ),
    Step("环评批复 · EIA approval", _PROJECT, "approval", "02-approval.json", "investment", (_MOBILE,)),
    Step("竣工环保验收 · acceptance", _PROJECT, "acceptance", "03-acceptance.json", "public_to", (_MOBILE, _PERMIT)),
    Step("指挥调度 · dispatch order", _PERMIT, "dispatch", "04-dispatch.json", "urgency", (_MOBILE,), learns="order"),
    Step("调度反馈 · dispatch report", _MOBILE, "dispatch-report", "05-dispatch-report.json", "state", (_PERMIT,)),
    Step(
        "现场检查（附照片） · inspection with a photo",
        _MOBILE,
        "inspection",
        "06-inspection.json",
        "started_at",
        (_PERMIT, _PROJECT),
        uploads=b"\xff\xd8\xff\xe0 an invented photo \xff\xd9",
    ),
    Step("案件移送 · case transferred", _MOBILE, "case", "07-case.json", "source", (_PENALTY,), learns="case"),
    Step("立案 · case filed", _PENALTY, "progress", "08-filed.json", "document_number", (_MOBILE,)),
    Step("责令改正 · measure ordered", _PENALTY, "measure", "09-measure.json", "due_on", (_MOBILE, _PERMIT)),
    Step("复查 · recheck", _MOBILE, "recheck", "10-recheck.json", "result", (_PENALTY, _PERMIT)),
    Step("告知 · notice given", _PENALTY, "progress", "11-notice.json", "node", (_MOBILE,)),
    Step(
        "处罚决定 · penalty decided",
        _PENALTY,
        "decision",
        "12-decision.json",
        "fine",
        (_MOBILE, _CREDIT, _PERMIT, _PROJECT),
    ),
    Step("公示回执 · published", _CREDIT, "publication", "13-publication.json", "state", (_PENALTY, _MOBILE)),
    Step("缴款 · fine paid", _PENALTY, "execution", "14-payment.json", "amount", (_MOBILE, _CREDIT)),
    Step("复议变更 · review changes it", _PENALTY, "review", "15-review.json", "fine", (_MOBILE, _CREDIT, _PERMIT)),
    Step(
        "更正决定 · corrected decision",
        _PENALTY,
        "decision",
        "16-corrected.json",
        "fine",
        (_MOBILE, _CREDIT, _PERMIT, _PROJECT),
    ),
)
