"""The document that every pipeline of the comparison takes: penalty JSON of 3 KB, `@@` in it replaced each time."""

from __future__ import annotations

SOURCE, TARGET = "penalty.330000", "mobile-enforcement.330000"

NATIVE = {
    "CASEID": "BENCH-@@",
    "AREACODE": "330110",
    "NODECODE": "NODE_CASE",
    "NODENAME": "立案",
    "WRITNUMBER": "杭环立〔2026〕123号",
    "CACETIME": "2026-09-20 10:00:00",
    "HANDLEPERSONS": ",示例甲,示例乙",
    "HANDLEPERSONIDS": ",33011020260001,33011020260002",
    "HANDLEOPINION": "经审查，该案事实清楚、证据确凿、程序合法，同意进入下一环节。" * 30,
    "FLAG": "1",
}
