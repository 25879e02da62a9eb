"""Replies: can each rule for a platform's replies match, and can a caller read the answers declared for it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from adapters import formats
from adapters.bundle.grammar import ReplyRule, When
from adapters.check.coverage import impossible
from adapters.check.subject import Subject
from adapters.formats.format import Format
from adapters.source import BundleFinding, Key
from schemas.findings import Rejected, Text

ANSWER_VALUES: Mapping[str, str] = {
    "message_id": "0198-m",
    "code": "document.invalid",
    "detail": '缺少 <案号> & "当事人"',
}
"""What is filled in: the characters that each format must escape are among them."""

_REORDER = Text("请删去该规则，或移到更宽的规则之前", "remove the rule, or move it before the wider one")
_ACCEPT = Text("请加一条 verdict: accepted 的规则", "add a rule with verdict: accepted")
_ESCAPE = Text(
    "请改正 body，使填入值后仍是合格的报文", "correct the body: with the values in it, it must be well-formed"
)


def rules(subject: Subject) -> Iterator[BundleFinding]:
    """Report impossible paths, rules that are never reached, and replies that are never accepted."""
    for name, send in subject.bundle.manifest.sends.items():
        declared = subject.compiled.formats["sends", name]
        reply_format = send.reply_format.over(declared) if send.reply_format else declared
        yield from _rules(subject, reply_format, send.reply, ("sends", name, "reply"))
        if send.in_doubt is not None:
            yield from _rules(subject, reply_format, send.in_doubt.reply, ("sends", name, "in_doubt", "reply"))


def answers(subject: Subject) -> Iterator[BundleFinding]:
    """Report answers that are not well-formed in the operation's own format."""
    for name, receive in subject.bundle.manifest.receives.items():
        wire = subject.compiled.formats["receives", name]
        read_as = formats.of(wire).read_answers_as
        if receive.answer is None or not read_as:
            continue
        answer_format = replace(wire, body=read_as, root=None)
        for side in ("accepted", "rejected"):
            try:
                answer = subject.adapter.answer(name, accepted=side == "accepted", values=ANSWER_VALUES)
                if answer is not None:
                    formats.read(answer_format, answer.body, answer.content_type)
            except Rejected as error:
                said = Text(f"应答不合格：{error.detail.zh}", f"the answer is not well-formed: {error.detail.en}")
                keys = ("receives", name, "answer", side, "body")
                yield subject.bundle.source.finding("answer.invalid", said, _ESCAPE, *keys)


def _rules(
    subject: Subject, reply_format: Format, rules: Sequence[ReplyRule], at: tuple[Key, ...]
) -> Iterator[BundleFinding]:
    for index, rule in enumerate(rules):
        named = [(rule.when.at, "when"), (rule.reference, "reference"), (rule.reason, "reason")]
        yield from impossible(subject, reply_format, [(text, (*at, index, key)) for text, key in named if text])
        wider = next((number for number in range(index) if _covers(rules[number].when, rule.when)), None)
        if wider is not None:
            yield _never(subject, wider + 1, (*at, index))
    if any(rule.when.at for rule in rules) and not any(rule.verdict == "accepted" for rule in rules):
        text = Text("没有一条规则给出 accepted，永远不会送达", "no rule gives accepted: nothing can ever be delivered")
        yield subject.bundle.source.finding("reply.never-accepted", text, _ACCEPT, *at)


def _never(subject: Subject, wider: int, keys: tuple[Key, ...]) -> BundleFinding:
    text = Text(
        f"此规则永远轮不到：第 {wider} 条规则已包括它", f"this rule is never reached: rule {wider} takes all it would"
    )
    return subject.bundle.source.finding("reply.unreachable", text, _REORDER, *keys)


def _covers(wide: When, narrow: When) -> bool:
    """Whether every reply that fits `narrow` fits `wide` too."""
    if wide.status is not None and not _status_covers(wide.status, narrow.status):
        return False
    if wide.at is None:
        return True
    if wide.at != narrow.at:
        return False
    if wide.present is not None:
        return wide.present is (narrow.present if narrow.present is not None else "" not in _values(narrow))
    return bool(_values(narrow)) and _values(narrow) <= _values(wide)


def _status_covers(wide: str, narrow: str | None) -> bool:
    if narrow is None:
        return False
    return wide == narrow or (wide.endswith("xx") and narrow[0] == wide[0])


def _values(when: When) -> frozenset[str]:
    return frozenset(when.in_ or ()) if when.is_ is None else frozenset((when.is_,))
