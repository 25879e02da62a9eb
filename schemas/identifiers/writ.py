"""Numbers of official documents 文号: penalty decisions, notices, EIA approvals."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.findings import Text
from schemas.identifiers.identifier import Identifier

_BRACKETS = str.maketrans({**dict.fromkeys("[({【〖<《〈", "〔"), **dict.fromkeys("])}】〗>》〉", "〕")})
_WRITTEN = re.compile(
    r"(?P<office>[A-Z一-龥]{1,30})〔(?P<year>(?:19|20)\d{2})〕"
    r"(?P<branch>[A-Z一-龥]{0,6}?)第?(?P<letters>(?:[A-Z]{1,3}-?)?)0*(?P<number>\d{1,10})号?",
    re.ASCII,
)
_KIND = re.compile(r"(?P<authority>.+?)(?P<kind>罚决字|罚字|罚|审批|建审|审|建|批|备)")


@dataclass(frozen=True, slots=True)
class WritParts:
    """The parts of a document number; `kind` is None when its words are not among the known ones."""

    authority: str
    kind: str | None
    year: int
    branch: str
    number: str


class DocumentNumber(Identifier):
    """文号 such as `浙环罚〔2025〕12号`: brackets 〔〕, no 第, no leading zeros.

    The number of an EIA registration form 备案号 (18 to 20 digits) is one too.
    """

    __slots__ = ()
    name = "document-number"
    title = "文号"
    form = Text("形如“浙环罚〔2025〕12号”的文号", "a document number like 浙环罚〔2025〕12号")
    pattern = re.compile(
        r"[A-Z一-龥]{1,30}〔(?:19|20)\d{2}〕(?:(?!第)[A-Z一-龥-]){0,10}[1-9]\d{0,9}号|\d{18,20}", re.ASCII
    )

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
        found = _WRITTEN.fullmatch(folded.translate(_BRACKETS))
        if found is None:
            return folded
        return "{office}〔{year}〕{branch}{letters}{number}号".format(**found.groupdict())
