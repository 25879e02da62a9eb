"""Numbers of official documents 文号: penalty decisions, notices, EIA approvals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from schemas.findings import Finding, Text
from schemas.identifiers.folding import fold, folded, says_nothing
from schemas.identifiers.identifier import Identifier, no_number

LONGEST = 100
_OPEN, _CLOSE = "〔[({【〖<《〈", "〕])}】〗>》〉"
_INNER_MARKS = str.maketrans({**dict.fromkeys(_OPEN, "（"), **dict.fromkeys(_CLOSE, "）")})
_INNER = rf"[{re.escape(_OPEN)}（][A-Z0-9一-龥]{{1,12}}[{re.escape(_CLOSE)}）]"
_WRITTEN = re.compile(
    rf"(?P<office>(?:[A-Z一-龥]|{_INNER}){{1,30}})[{re.escape(_OPEN)}](?P<year>(?:19|20)\d{{2}})[{re.escape(_CLOSE)}]"
    rf"(?P<branch>(?:[A-Z一-龥]|{_INNER}){{0,6}}?)第?(?P<letters>(?:[A-Z]{{1,3}}-?)?)0*(?P<number>\d{{1,10}})号?"
    rf"(?P<note>(?:{_INNER})?)",
    re.ASCII,
)
_REFUSAL = "不予批准|不予审批|不予批|不批|不予"
_KIND = re.compile(rf"(?P<authority>.+?)(?P<kind>罚决字|罚字|罚|{_REFUSAL}|审批|建审|审|建|批|备)")
_NOTE = "（[A-Z0-9一-龥]{1,12}）"
_KEPT = re.compile(rf"(?!\s)[^\x00-\x1f\x7f\ufffe\uffff]{{1,{LONGEST}}}(?<!\s)")


@dataclass(frozen=True, slots=True)
class WritParts:
    """The parts of a document number; `kind` is None when its words are not among the known ones."""

    authority: str
    kind: str | None
    year: int
    branch: str
    number: str


class DocumentNumber(Identifier):
    """文号 such as `丽环（青）罚〔2021〕4号`: the year in 〔〕, other brackets as （）, no 第, no leading zeros.

    The number of an EIA registration form 备案号 (18 to 20 digits) is one too. Offices number as they like: a shape
    nobody knows is kept as it was written, with a doubt.
    """

    __slots__ = ()
    name = "document-number"
    title = "文号"
    form = Text("形如“浙环罚〔2025〕12号”的文号", "a document number like 浙环罚〔2025〕12号")
    pattern = re.compile(
        rf"(?:[A-Z一-龥]|{_NOTE}){{1,30}}〔(?:19|20)\d{{2}}〕(?:(?!第)[A-Z一-龥-]|{_NOTE}){{0,10}}"
        rf"[1-9]\d{{0,9}}号(?:{_NOTE})?|\d{{18,20}}",
        re.ASCII,
    )

    @classmethod
    def normalise(cls, text: str) -> str:
        """Return the normal form, or the text as it was written; raises NoNumber for "none", Misshapen for no text."""
        if cls.pattern.fullmatch(text):
            return text
        kept = folded(text)
        if len(kept) > LONGEST or not _KEPT.fullmatch(kept):
            raise cls.refuse(text)
        if says_nothing(kept):
            raise no_number(text)
        normal = fold(kept)
        return cls.tidy(normal) if _is_known(normal) else kept

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": LONGEST}

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        if cls.pattern.fullmatch(value):
            return ()
        zh = f"文号不是常见的形式，按原样保留：通常{cls.form.zh}。请核对。"
        return (cls.doubt("shape", value, zh, f"An unusual form, kept as written: expected {cls.form.en}."),)

    @property
    def refuses(self) -> bool:
        """Whether it is the number of a refusal (`不批`), not of an approval."""
        return self.parts is not None and self.parts.kind in _REFUSAL.split("|")

    @property
    def parts(self) -> WritParts | None:
        """Who issued it, what kind, when and which; None for a registration number."""
        found = _WRITTEN.fullmatch(self.value)
        if found is None:
            return None
        kind = _KIND.fullmatch(found["office"])
        authority = kind["authority"] if kind else found["office"]
        number = found["letters"] + found["number"]
        return WritParts(authority, kind and kind["kind"], int(found["year"]), found["branch"], number)

    @classmethod
    def tidy(cls, folded: str) -> str:
        found = _WRITTEN.fullmatch(folded)
        if found is None:
            return folded
        parts = {name: text.translate(_INNER_MARKS) for name, text in found.groupdict().items()}
        return "{office}〔{year}〕{branch}{letters}{number}号{note}".format(**parts)


def _is_known(folded: str) -> bool:
    return _WRITTEN.fullmatch(folded) is not None or DocumentNumber.pattern.fullmatch(folded) is not None
