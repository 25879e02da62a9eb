"""What every canonical document is, and the cross-field rules that several share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from schemas.codes import table
from schemas.components import Component, Officer, Party, Site, Violation
from schemas.findings import Finding, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """The message that carries a document, and all that anybody else must know about it.

    `ordering` is the number whose messages stay in order (`project` for the project key), the first that the
    document has. `scoped`: that number is issued by a platform and means something only together with it.
    `issues` is the number that a document of this type brings into the world, `brings` are others it is found by.
    `amends` is the number of a document of this type whose `corrects` or `status` says that an earlier one of this
    type is corrected or withdrawn.
    `identifying` are the fields that make two documents the same one, `parents` the keys that tie
    this document to an earlier one of the same case, nearest first. `credit_code_in` is a permit
    number that holds the credit code when no field does. `operation` is what a drafted bundle calls
    it, `dossier` the part of an enterprise's dossier it belongs to, `chronology` the moments of it
    that follow each other.
    """

    name: str
    title: str
    operation: str
    ordering: tuple[str, ...]
    identifying: tuple[str, ...]
    scoped: bool = False
    issues: str | None = None
    brings: tuple[str, ...] = ()
    amends: str = ""
    parents: tuple[str, ...] = ()
    credit_code_in: str = ""
    dossier: str = ""
    chronology: tuple[tuple[str, ...], ...] = ()


class Document(Component):
    """A canonical business document, the same for every platform. `NAME` is `<document>/<version>`."""

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    CATALOG: ClassVar[CatalogEntry]

    def faults(self) -> Iterator[Finding]:
        """Tell what is impossible across fields: the document is rejected."""
        yield from ()

    def doubts(self) -> Iterator[Finding]:
        """Tell what is odd across fields: warnings recorded on the message."""
        yield from ()


def finding(code: str, field: str, zh: str, en: str) -> Finding:
    """Build a finding about the canonical `field`; its title is added by the check."""
    return Finding(code=code, message=Text(zh=zh, en=en), field=field)


def too_few(officers: Sequence[Officer] | None) -> Iterator[Finding]:
    """Doubt a record made by fewer than two officers (行政处罚法 第四十二条)."""
    # One officer named twice is one officer: by the certificate, or by the name where none is given.
    if officers is None or len({officer.number or officer.name for officer in officers}) >= 2:
        return
    zh = "执法人员少于两人（行政处罚法第四十二条要求不得少于两人），请核对是否漏填。"
    en = "Fewer than two officers (Administrative Penalty Law art. 42 asks for two): check whether one was left out."
    yield finding("officers.too-few", "officers", zh, en)


def party_doubts(party: Party | None) -> Iterator[Finding]:
    """Doubt a party whose kind and number contradict each other."""
    if party is None or party.kind is None:
        return
    if party.kind == "person" and party.credit_code and not party.citizen_id:
        zh = "当事人类别为自然人，却只有统一社会信用代码。"
        yield finding("party.kind", "party.kind", zh, "A person, but with a credit code and no citizen id.")
    if party.kind == "company" and party.citizen_id and not party.credit_code:
        zh = "当事人类别为法人或非法人组织，却只有公民身份号码。"
        yield finding("party.kind", "party.kind", zh, "A company, but with a citizen id and no credit code.")


def site_doubts(site: Site | None) -> Iterator[Finding]:
    """Doubt half a point, and one outside China (73°E to 136°E, 3°N to 54°N): two columns may be swapped."""
    point = site.location if site else None
    if point is None:
        return
    if point.longitude is None or point.latitude is None:
        zh = "坐标缺少经度或纬度。"
        yield finding("location.incomplete", "site.location", zh, "One of the two coordinates is missing.")
        return
    if 73 <= float(point.longitude) <= 136 and 3 <= float(point.latitude) <= 54:
        return
    zh = "坐标不在中国境内，请核对经度与纬度是否填反。"
    yield finding("location.outside", "site.location", zh, "Outside China: check whether the two are swapped.")


_LAST_DAY = max(row.valid_to for row in table("law") if row.valid_to).isoformat()


def repealed(violations: Sequence[Violation] | None, act: str) -> Iterator[Finding]:
    """Doubt provisions of a law that no longer held on the day of the act (`YYYY-MM-DD`).

    The law at the time of the act applies, the newer one when it is lighter (行政处罚法 第三十七条).
    """
    if act <= _LAST_DAY:
        return
    gone = [row.title for row in table("law") if not row.valid_on(date.fromisoformat(act))]
    for number, violation in enumerate(violations or ()):
        for index, provision in enumerate(violation.legal_basis or ()):
            named = next((title for title in gone if f"{title}》" in provision or provision.startswith(title)), None)
            if named:
                zh = f"《{named}》在行为发生时（{act}）已废止，请核对是否应适用《生态环境法典》。"
                en = f"{named} was repealed before the act ({act}): check whether the Ecological Code applies."
                yield finding("law.repealed", f"violations[{number}].legal_basis[{index}]", zh, en)
