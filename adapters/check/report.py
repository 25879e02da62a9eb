"""What a check found, as a table or as JSON can show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from adapters.source import BundleFinding
from schemas.findings import Text

MAX_FINDINGS = 200


class Report(Struct, frozen=True):
    """Whether a bundle passed its check, and every finding.

    `samples` and `generated` tell how many documents it rests on, `rehearsed` whether the bundle was
    run against its own double too.
    """

    adapter: str = ""
    version: str = ""
    digest: str = ""
    findings: tuple[BundleFinding, ...] = ()
    samples: int = 0
    generated: int = 0
    rehearsed: bool = False

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return all(finding.warning for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as JSON values."""
        return {
            "adapter": self.adapter,
            "version": self.version,
            "digest": self.digest,
            "ok": self.ok,
            "samples": self.samples,
            "generated": self.generated,
            "rehearsed": self.rehearsed,
            "findings": [_as_dict(finding) for finding in self.findings],
        }


def _as_dict(finding: BundleFinding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": "warning" if finding.warning else "error",
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": {"zh": finding.message.zh, "en": finding.message.en},
        "remedy": {"zh": finding.remedy.zh, "en": finding.remedy.en},
    }


def ordered(findings: Iterable[BundleFinding]) -> tuple[BundleFinding, ...]:
    """Drop repetitions; by file, line and column, as an author reads; at most 200, errors before warnings."""
    every = sorted(dict.fromkeys(findings), key=_place)
    kept = sorted(sorted(every, key=lambda one: one.warning)[:MAX_FINDINGS], key=_place)
    left = len(every) - len(kept)
    return (*kept, _more(left, kept[-1].file)) if left else tuple(kept)


def _place(finding: BundleFinding) -> tuple[str, int, int, bool, str]:
    return finding.file, finding.line, finding.column, finding.warning, finding.code


def _more(left: int, file: str) -> BundleFinding:
    text = Text(f"另有 {left} 处未列出", f"{left} more are not listed")
    return BundleFinding("check.more", text, Text("请先改正以上各处", "mend those above first"), file, 1, 1)
