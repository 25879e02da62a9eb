"""The answer that a bundle declares for callers that cannot read the gateway's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters import formats, placeholders
from adapters.base import Answer
from adapters.bundle.grammar import AnswerPart, AnswerSide
from adapters.formats import charsets
from adapters.formats.format import Format
from adapters.placeholders import compile_tree

_WriteAnswer = Callable[[Mapping[str, str]], Answer]


class AnswerWriter:
    """A compiled `answer`: a tree is written in the operation's format, a text as it is, values escaped."""

    def __init__(self, declared: AnswerPart, wire: Format) -> None:
        self._accepted = _compile_answer(declared.accepted, wire)
        self._rejected = _compile_answer(declared.rejected, wire)

    def write(self, *, accepted: bool, values: Mapping[str, str]) -> Answer:
        """Write the answer; `values` are `message_id`, `code` and `detail`, as far as they are known."""
        return (self._accepted if accepted else self._rejected)(values)


def _compile_answer(said: AnswerSide, declared: Format) -> _WriteAnswer:
    spoken = formats.of(declared)
    wire = formats.answered(declared) if spoken.answered_in and not spoken.answer_type else declared
    return _answer_text(said, wire) if isinstance(said.body, str) else _answer_tree(said, wire)


def _answer_tree(said: AnswerSide, wire: Format) -> _WriteAnswer:
    build = compile_tree(said.body)

    def write(values: Mapping[str, str]) -> Answer:
        written = formats.write(wire, build(values))
        return Answer(said.status, written.content_type, written.body)

    return write


def _answer_text(said: AnswerSide, wire: Format) -> _WriteAnswer:
    template = placeholders.parse(said.body)
    spoken = formats.of(wire)
    content_type = f"{spoken.answer_type or spoken.media_type}; charset={wire.charset.upper()}"

    def write(values: Mapping[str, str]) -> Answer:
        return Answer(said.status, content_type, charsets.encode(template.render(values, spoken.escape), wire.charset))

    return write
