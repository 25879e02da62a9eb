"""What is true of every identifier: one normal form, its raw text kept, doubts told apart from impossible shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from schemas.findings import Finding, Text
from schemas.identifiers.folding import fold, says_nothing

_LONGEST = 100


class Misshapen(ValueError):
    """A value that cannot be what it is said to be. `finding` says why, in both languages."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message.en)
        self.finding = finding


def misshapen(code: str, value: Any, zh: str, en: str) -> Misshapen:
    """Build the error for `value`: what it is not, and what it should be."""
    return Misshapen(Finding(code=code, message=Text(zh=zh, en=en), value=value))


class NoNumber(Misshapen):
    """What stands where a number should, and says that there is none: `/`, `-`, `无`, `null`, `0`."""


def no_number(text: str) -> NoNumber:
    """Build the error for a text that says there is no number."""
    zh = "这不是编号，只表示“没有”：请填写本平台的编号；确实没有的，不要填写该字段。"
    en = 'This is no number, it only says "none": give your own number, or leave the field out if there is none.'
    return NoNumber(misshapen("number.none", text[:_LONGEST], zh, en).finding)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that names something, in its normal form; `raw` is what was written."""

    value: str
    raw: str

    name: ClassVar[str]
    title: ClassVar[str]
    form: ClassVar[Text]
    pattern: ClassVar[re.Pattern[str]]
    """The normal form: `fullmatch` of it is what `normalise` returns."""

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier; raises Misshapen when the text cannot be one."""
        return cls(cls.normalise(text), text)

    @classmethod
    def normalise(cls, text: str) -> str:
        """Return the normal form of `text`; raises Misshapen when it cannot be this identifier, NoNumber for "none"."""
        if cls.pattern.fullmatch(text):
            return text
        folded = cls.tidy(fold(text)) if len(text) <= _LONGEST else ""
        if cls.pattern.fullmatch(folded):
            return folded
        raise no_number(text) if says_nothing(text[:_LONGEST]) else cls.refuse(text)

    @classmethod
    def takes(cls, text: str) -> bool:
        """Tell whether `text` can be this identifier."""
        try:
            cls.normalise(text)
        except Misshapen:
            return False
        return True

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return what a published schema says of the normal form."""
        return {"pattern": f"^(?:{cls.pattern.pattern})$"}

    @classmethod
    def tidy(cls, folded: str) -> str:
        """Bring a half-width, upper-case text into the normal form, where it can be."""
        return folded

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        """Tell what is odd about a normal form (a failed check digit): warnings, never refusals."""
        return ()

    @classmethod
    def refuse(cls, text: str, remedy: Text | None = None) -> Misshapen:
        """Build the error that says `text` is not this identifier."""
        hint = remedy or Text("", "")
        return misshapen(
            f"{cls.name}.shape",
            text[:_LONGEST],
            f"不是{cls.title}：应为{cls.form.zh}。{hint.zh}",
            f"Not a valid {cls.name.replace('-', ' ')}: expected {cls.form.en}. {hint.en}".rstrip(),
        )

    @classmethod
    def doubt(cls, what: str, value: str, zh: str, en: str) -> Finding:
        """Build a warning about `value`; its code is `<name>.<what>`."""
        return Finding(code=f"{cls.name}.{what}", message=Text(zh=zh, en=en), value=value)
