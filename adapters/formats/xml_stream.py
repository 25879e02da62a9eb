"""XML packages of any length: each record becomes a package of its own, under the head that it came under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from msgspec import Struct
from msgspec.structs import replace

from adapters.base import Cut, Tree
from adapters.formats import charsets, rejections, xml
from adapters.formats.cutting import (
    MOST_AROUND,
    PackagePlan,
    StreamDecoder,
    StreamFormat,
    TextBuffer,
    around_too_large,
    too_long,
)
from adapters.formats.format import Format
from adapters.formats.markup import Markup, MarkupReader
from adapters.formats.names import Names
from adapters.paths import Step
from schemas.budget import Budget

_DECLARATION = 1024
"""Bytes in which an XML declaration ends, if there is one."""

_NAME = re.compile(r"</?([^\s/>]*)")
_SPACE = " \t\r\n"
_REMEMBERED = 64


class _Element(Struct, frozen=True):
    """An element around the records: its tag and its name as written, and its name as paths write it."""

    tag: str
    name: str
    short: str


class PackageCutter:
    """Finds where records begin and end, by their own tags; what stands inside is left to the reader of each.

    So a record that is not well-formed inside spoils only itself. Where the head tells how many
    records there are, a record's own package tells that there is one; the number is judged at the end.
    """

    def __init__(self, declared: Format, content_type: str | None, budget: Budget, plan: PackagePlan) -> None:
        self._declared = declared
        self._given = content_type
        self.content_type = "application/xml"
        self._budget = budget
        self._plan = plan
        self._path = [step for step in plan.split.steps if step is not None] if plan.split else []
        self._names = Names(declared.namespaces)
        self._shorts: dict[tuple[str, ...], str] = {}
        self._beginning = b""
        self._declaration = ""
        self._decoder: StreamDecoder | None = None
        self._markup = MarkupReader()
        self._open: list[_Element] = []  # elements around the records
        self._shell: list[str] = []  # all that stands around the records
        self._shell_size = 0
        self._count = 0
        self._head: tuple[str, str] | None = None
        self._level = 0  # of elements with the record's name, in the record that is being read; 0: in none
        self._record = TextBuffer(budget.body)

    def feed(self, piece: bytes) -> Iterator[Cut]:
        decoder = self._decoder
        if decoder is None:
            self._beginning += piece
            if b">" not in self._beginning and len(self._beginning) < _DECLARATION:
                return
            decoder, piece = self._begun(), self._beginning
        yield from self._read(decoder, decoder.decoded(piece))

    def end(self) -> Iterator[Cut]:
        decoder, piece = self._decoder, b""
        if decoder is None:
            decoder, piece = self._begun(), self._beginning
        yield from self._read(decoder, decoder.decoded(piece, last=True), last=True)
        if not self._shell and not self._markup.unfinished:
            raise rejections.empty()
        if self._open or self._level or self._markup.unfinished:
            raise rejections.reject(
                "xml.cut",
                "数据包没有结束标签，可能被截断；之前的记录已处理，请补全后从这里继续发送",
                "the package does not end, as if it was cut off; the records before were handled: go on from here",
            )
        self._plan.check(self._tree(decoder, "".join(self._shell)), self._count)

    def _begun(self) -> StreamDecoder:
        """Learn the charset from what comes first."""
        charset = xml.charset_of(self._declared, self._beginning, self._given)
        named = charsets.from_xml(self._beginning)
        self._declaration = f'<?xml version="1.0" encoding="{named}"?>' if named else ""
        self.content_type = f"application/xml; charset={charset.upper()}"
        self._decoder = StreamDecoder(charset)
        return self._decoder

    # ── markup ────────────────────────────────────────────────────────────────────────────────
    def _read(self, decoder: StreamDecoder, text: str, *, last: bool = False) -> Iterator[Cut]:
        for kind, part in self._markup.read(text, last=last):
            if self._level:
                self._record.add(part)
                if kind is Markup.TAG:
                    self._nest(part)
            elif kind is Markup.TAG:
                self._tag(decoder, part)
            elif kind is not Markup.ASIDE:
                self._text(part)
                continue
            else:
                continue
            if kind is Markup.TAG and self._record.size and not self._level:
                yield self._cut(decoder)

    def _text(self, text: str) -> None:
        """Take what stands between the tags around records; blanks only where they are within a text."""
        bare = not text.strip(_SPACE)
        if bare and (not self._shell or self._shell[-1].endswith(">")):
            return
        if not self._open:
            raise rejections.syntax("xml", "text outside of the root element")
        self._surround(text)

    def _tag(self, decoder: StreamDecoder, tag: str) -> None:
        """Take a tag that stands around records, or begins one."""
        found = _NAME.match(tag)
        name = found[1] if found else ""
        alone = tag.endswith("/>")
        if tag.startswith("</"):
            if not self._open or self._open[-1].name != name:
                raise rejections.syntax("xml", f"</{name[:60]}> closes nothing")
            self._open.pop()
        elif self._shell and not self._open:
            raise rejections.syntax("xml", f"<{name[:60]}> behind the root element")
        elif self._begins_record(tag, name):
            self._head = self._head or self._first(decoder)
            self._record.add(tag)
            if not alone:
                self._level = 1
                self._markup.only(name)
            return
        elif not alone:
            self._open.append(_Element(tag, name, self._short(tag, name)))
        self._surround(tag)

    def _begins_record(self, tag: str, name: str) -> bool:
        if len(self._open) != len(self._path):
            return False
        above = [one.short for one in self._open[1:]]
        return above == self._path[:-1] and self._short(tag, name) == self._path[-1]

    def _nest(self, tag: str) -> None:
        """Count a tag of the record's own name inside it."""
        if tag.startswith("</"):
            self._level -= 1
        elif not tag.endswith("/>"):
            self._level += 1
        if not self._level:
            self._markup.only("")

    def _surround(self, text: str) -> None:
        self._shell.append(text)
        self._shell_size += len(text)
        if self._shell_size > MOST_AROUND:
            raise around_too_large()

    # ── records ───────────────────────────────────────────────────────────────────────────────
    def _cut(self, decoder: StreamDecoder) -> Cut:
        """Give the record that ended: a package of its own."""
        assert self._head is not None
        before, behind = self._head
        large, record = self._record.too_long, self._record.take()
        body = decoder.encoded(f"{before}{record}{behind}")
        self._count += 1
        return Cut(b"", too_long(self._budget)) if large or len(body) > self._budget.body else Cut(body)

    # ── what stands around ────────────────────────────────────────────────────────────────────
    def _first(self, decoder: StreamDecoder) -> tuple[str, str]:
        """Judge what stands before the first record, and give what goes before and behind each."""
        text = "".join((*self._shell, *(f"</{one.name}>" for one in reversed(self._open))))
        self._plan.check(self._tree(decoder, text), None)
        root = xml.parse_text(text, self._budget)
        for path, value in self._plan.counts:
            self._set(root, path.steps, value)
        parent = root
        for _ in self._open[1:]:
            parent = parent[-1]
        here = etree.PI("record")  # no other is left in what was parsed
        parent.append(here)
        before, behind = etree.tostring(root, encoding="unicode").split(etree.tostring(here, encoding="unicode"))
        return f"{self._declaration}{before}", behind

    def _tree(self, decoder: StreamDecoder, text: str) -> Tree:
        """Read what stands around the records as a body without any."""
        decoder.check(text)
        return xml.read(replace(self._declared, charset="utf-8"), text.encode(), None, self._budget).tree

    def _set(self, root: Any, steps: tuple[Step, ...], value: str) -> None:
        node = root
        for step in steps:
            if step is not None and step.startswith("@"):
                node.set(self._names.long(step[1:], attribute=True), value)
                return
            child = next((one for one in node if self._names.short(one.tag) == step), None)
            if child is None:
                return
            node = child
        node.text = value

    def _short(self, tag: str, name: str) -> str:
        """Give an element's name as paths write it, by the namespaces that are in scope."""
        tags = (*(one.tag for one in self._open), tag)
        if ":" not in name and not any("xmlns" in one for one in tags):
            return name
        known = self._shorts.get(tags)
        if known is None:
            if len(self._shorts) >= _REMEMBERED:
                self._shorts.clear()
            known = self._shorts[tags] = self._looked_up(tag)
        return known

    def _looked_up(self, tag: str) -> str:
        alone = f"{tag.removesuffix('>').removesuffix('/')}/>"
        closing = (f"</{one.name}>" for one in reversed(self._open))
        node = xml.parse_text("".join((*(one.tag for one in self._open), alone, *closing)), self._budget)
        while len(node):
            node = node[-1]
        return self._names.short(node.tag)


STREAM = StreamFormat(
    body=xml.BODY_FORMAT.name, media_types=("application/xml", "text/xml"), cut=PackageCutter, packages=True
)
