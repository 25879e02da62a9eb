"""XML text that comes in pieces, told apart as tags, text, comments and CDATA; nothing of it is looked at twice."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from enum import Enum, auto

from adapters.formats import rejections

LONGEST_TAG = 64 * 1024
"""Characters of a tag that is told apart."""

_ANY = re.compile("<")
_TAG_STOP = re.compile("[\"'>]")
_ASIDES = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
"""How what is no tag begins and ends."""

_OPENINGS = (*_ASIDES, "<!DOCTYPE")


class Markup(Enum):
    """What a piece of XML text is."""

    TEXT = auto()
    TAG = auto()
    CDATA = auto()
    ASIDE = auto()
    """A comment or a processing instruction."""


Told = tuple[Markup, str]


class MarkupReader:
    """Tells pieces apart. A tag is given whole, everything else as it comes.

    While `only` names an element, only its tags are tags: all others are text, and cost nothing.
    """

    def __init__(self) -> None:
        self._rest = ""  # what cannot be told yet: as long as a name at most
        self._until = ""  # the end of what is read and is no tag
        self._kind = Markup.ASIDE
        self._tag: list[str] | None = None
        self._tag_size = 0
        self._quote = ""
        self._only = ""
        self._known: tuple[str, re.Pattern[str]] = ("", _ANY)
        self._window = 0

    @property
    def unfinished(self) -> bool:
        """Whether something began that has not ended."""
        return bool(self._rest or self._until) or self._tag is not None

    def only(self, name: str) -> None:
        """Tell apart the tags of one element alone, or all (empty)."""
        self._only = name
        if name and name != self._known[0]:
            self._known = name, re.compile(rf"<(?:!--|!\[CDATA\[|\?|/?{re.escape(name)}(?=[\s/>]))")
            self._window = max(len(name) + len("</"), len("<![CDATA"))

    def read(self, text: str, *, last: bool = False) -> Iterator[Told]:
        """Tell a further piece apart. Rejected for a document type, and for a tag without end."""
        text, self._rest = self._rest + text, ""
        at = 0
        while at < len(text):
            if self._until:
                at = yield from self._aside(text, at, last)
            elif self._tag is not None:
                at = yield from self._in_tag(text, at, self._tag)
            else:
                at = yield from self._between(text, at, last)

    def _between(self, text: str, at: int, last: bool) -> Generator[Told, None, int]:
        mark, known = self._next_mark(text, at, last)
        if mark > at:
            yield Markup.TEXT, text[at:mark]
        if not known:
            self._rest = text[mark:]
            return len(text)
        for begins, ends in _ASIDES.items():
            if text.startswith(begins, mark):
                self._kind, self._until = Markup.CDATA if begins == "<![CDATA[" else Markup.ASIDE, ends
                yield self._kind, begins
                return mark + len(begins)
        if text.startswith("<!", mark):
            raise rejections.doctype()
        self._tag, self._tag_size, self._quote = [], 0, ""
        return mark

    def _next_mark(self, text: str, at: int, last: bool) -> tuple[int, bool]:
        """Give where something begins, and whether it is known what; without a mark, where the text ends."""
        if self._only:
            found = self._known[1].search(text, at)
            if found is not None:
                return found.start(), True
            mark = text.rfind("<", max(at, len(text) - self._window))
            return (mark, False) if mark >= 0 and not last else (len(text), False)
        mark = text.find("<", at)
        if mark < 0:
            return len(text), False
        begun = text[mark : mark + len(_OPENINGS[-1])]
        unsure = not last and any(one != begun and one.startswith(begun) for one in _OPENINGS)
        return mark, not unsure

    def _aside(self, text: str, at: int, last: bool) -> Generator[Told, None, int]:
        end = text.find(self._until, at)
        if end >= 0:
            end += len(self._until)
            self._until = ""
            yield self._kind, text[at:end]
            return end
        # Its last characters may be the first of its end.
        end = len(text) if last else max(at, len(text) - len(self._until) + 1)
        if end > at:
            yield self._kind, text[at:end]
        self._rest = text[end:]
        return len(text)

    def _in_tag(self, text: str, at: int, parts: list[str]) -> Generator[Told, None, int]:
        end = self._tag_end(text, at)
        parts.append(text[at : end or len(text)])
        self._tag_size += len(parts[-1])
        if self._tag_size > LONGEST_TAG:
            raise rejections.reject(
                "xml.tag-too-large",
                f"一个标签超过 {LONGEST_TAG} 个字符；请改正后重新发送",
                f"a tag has more than {LONGEST_TAG} characters; correct it and send it again",
                status=413,
            )
        if not end:
            return len(text)
        self._tag = None
        yield Markup.TAG, "".join(parts)
        return end

    def _tag_end(self, text: str, at: int) -> int:
        """Give where a tag ends, outside of quotes; 0 when it does not end here."""
        while True:
            if self._quote:
                at = text.find(self._quote, at) + 1
                if not at:
                    return 0
                self._quote = ""
            stop = _TAG_STOP.search(text, at)
            if stop is None:
                return 0
            if stop[0] == ">":
                return stop.end()
            self._quote, at = stop[0], stop.end()
