"""Can the native paths of a manifest be there at all, and can its reply rules ever match?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters import formats, trees
from adapters.bundle.manifest import ReplyRule, When
from adapters.check.subject import Subject
from adapters.formats.format import Format
from adapters.source import BundleFinding, Key
from schemas.findings import Text

_PREFIXES = Text("请在 format.namespaces 中声明前缀", "declare the prefix in format.namespaces")
_ATTRIBUTES = Text("@ 只用于 XML 的属性；请核对路径", "@ is for attributes of XML; correct the path")
_ORDER = Text("请删去该规则，或移到更宽的规则之前", "remove the rule, or move it before the wider one")
_YES = Text("请加一条 verdict: accepted 的规则", "add a rule with verdict: accepted")


def impossible(subject: Subject) -> Iterator[BundleFinding]:
    """Tell of paths no body of the format can have, of rules never reached, and of replies that never say yes."""
    manifest = subject.bundle.manifest
    for name, receive in manifest.receives.items():
        declared = subject.compiled.formats["receives", name]
        at: tuple[Key, ...] = ("receives", name)
        named = [(text, (*at, "require", text)) for text in receive.require]
        named += [(receive.split, (*at, "split"))] if receive.split else []
        for index, item in enumerate(receive.identity):
            named += [(text, (*at, "identity", index)) for text in ([item] if isinstance(item, str) else item)]
        yield from _paths(subject, declared, named)
    for name, send in manifest.sends.items():
        declared = subject.compiled.formats["sends", name]
        heard = send.reply_format.over(declared) if send.reply_format else declared
        yield from _rules(subject, heard, send.reply, ("sends", name, "reply"))
        if send.in_doubt is not None:
            yield from _rules(subject, heard, send.in_doubt.reply, ("sends", name, "in_doubt", "reply"))


def _rules(subject: Subject, heard: Format, rules: Sequence[ReplyRule], at: tuple[Key, ...]) -> Iterator[BundleFinding]:
    for index, rule in enumerate(rules):
        named = [(rule.when.at, "when"), (rule.reference, "reference"), (rule.reason, "reason")]
        yield from _paths(subject, heard, [(text, (*at, index, key)) for text, key in named if text])
        wider = next((number for number in range(index) if _covers(rules[number].when, rule.when)), None)
        if wider is not None:
            yield _never(subject, wider + 1, (*at, index))
    if any(rule.when.at for rule in rules) and not any(rule.verdict == "accepted" for rule in rules):
        text = Text("没有一条规则给出 accepted，永远不会送达", "no rule gives accepted: nothing can ever be delivered")
        yield subject.bundle.source.finding("reply.never-accepted", text, _YES, *at)


def _never(subject: Subject, wider: int, keys: tuple[Key, ...]) -> BundleFinding:
    text = Text(
        f"此规则永远轮不到：第 {wider} 条规则已包括它", f"this rule is never reached: rule {wider} takes all it would"
    )
    return subject.bundle.source.finding("reply.unreachable", text, _ORDER, *keys)


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


def _paths(subject: Subject, declared: Format, named: Sequence[tuple[str, tuple[Key, ...]]]) -> Iterator[BundleFinding]:
    for text, keys in named:
        remedy = _impossible(text, declared)
        if remedy is not None:
            said = Text(f"{declared.body} 报文中不可能有 {text}", f"no {declared.body} body can have {text}")
            yield subject.bundle.source.finding("path.impossible", said, remedy, *keys)


def _impossible(text: str, declared: Format) -> Text | None:
    elements = formats.of(declared).elements
    for step in trees.path(text).steps:
        name = step or ""
        if not elements and name.startswith("@"):
            return _ATTRIBUTES
        prefix, colon, _ = name.removeprefix("@").partition(":")
        if elements and colon and prefix not in {**declared.namespaces, "xml": ""}:
            return _PREFIXES
    return None
