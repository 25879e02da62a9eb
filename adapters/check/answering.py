"""Can a caller read the answers that a bundle declares?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters import formats
from adapters.check.subject import Subject
from adapters.source import BundleFinding
from schemas.findings import Rejected, Text

VALUES: Mapping[str, str] = {"message_id": "0198-m", "code": "document.invalid", "detail": '缺少 <案号> & "当事人"'}
"""What is filled in: the characters that each format must escape are among them."""

_REMEDY = Text(
    "请改正 body，使填入值后仍是合格的报文", "correct the body: with the values in it, it must be well-formed"
)


def faults(subject: Subject) -> Iterator[BundleFinding]:
    """Tell of answers that are not well-formed in the operation's own format."""
    for name, receive in subject.bundle.manifest.receives.items():
        wire = subject.compiled.formats["receives", name]
        read_as = formats.of(wire).read_answers_as
        if receive.answer is None or not read_as:
            continue
        heard = replace(wire, body=read_as, root=None)
        for side in ("accepted", "rejected"):
            try:
                answer = subject.adapter.answer(name, accepted=side == "accepted", values=VALUES)
                if answer is not None:
                    formats.read(heard, answer.body, answer.content_type)
            except Rejected as error:
                said = Text(f"应答不合格：{error.detail.zh}", f"the answer is not well-formed: {error.detail.en}")
                keys = ("receives", name, "answer", side, "body")
                yield subject.bundle.source.finding("answer.invalid", said, _REMEDY, *keys)
