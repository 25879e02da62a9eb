"""Replies in a platform's format, written so that the bundle's reply rules read the intended verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from adapters import formats, paths
from adapters.base import Reply, Tree
from adapters.bundle.grammar import Query, ReplyRule, Send
from adapters.formats.format import Format
from adapters.paths import EACH, Step

ACCEPTED = "已受理"
REFUSED = "业务校验未通过"
NOT_FOUND = "未查询到记录"

_OK = 200
_ROOT = "Response"


@dataclass(frozen=True, slots=True)
class DoubleAnswer:
    """What a platform says: a status and a tree, to be written in its format."""

    status: int
    tree: Tree
    format: Format

    def written(self, charset: str | None = None) -> Reply:
        """Write it. Another `charset` is written without being told: the content type names the declared one."""
        wire = formats.write(self.format, self.tree)
        body = wire.body if charset is None else _again(wire.body, self.format.charset, charset)
        return Reply(self.status, {"content-type": wire.content_type}, body)


def _again(body: bytes, declared: str, charset: str) -> bytes:
    return body.decode(declared).encode(charset, "replace")


def reply_format(send: Send, wire: Format) -> Format:
    """Give the format in which a platform answers: a form or a table in JSON, XML under a root of its own."""
    answered = formats.answered(wire)
    heard = send.reply_format.over(answered) if send.reply_format is not None else answered
    return replace(heard, root=heard.root or _ROOT)


def verdict_answer(
    rules: Sequence[ReplyRule], verdict: str, heard: Format, *, reference: str | None = None, reason: str = ACCEPTED
) -> DoubleAnswer | None:
    """Word an answer that the first rule with this verdict matches; None when no rule gives it.

    The reason stands wherever any of the reply rules looks for one: real platforms say
    `msg` with a yes as well as with a no.
    """
    rule = next((one for one in rules if one.verdict == verdict), None)
    if rule is None:
        return None
    said = rule.reason or next((one.reason for one in rules if one.reason), None)
    told, looked_at = (rule.reference, reference), (rule.when.at, _wanted(rule))
    values = [(said, reason), *((looked_at, told) if rule.when.present else (told, looked_at))]
    return DoubleAnswer(_status(rule.when.status), _holding(_tree(values), heard), heard)


def plain_answer(status: int, heard: Format, *, reason: str = ACCEPTED) -> DoubleAnswer:
    """Word an answer where there are no reply rules."""
    return DoubleAnswer(status, _holding({"message": reason}, heard), heard)


def page_answer(query: Query, heard: Format, records: Sequence[Tree], total: int) -> DoubleAnswer:
    """Word a page of records."""
    answered = query.reply_format.over(heard) if query.reply_format is not None else heard
    answered = replace(answered, root=answered.root or _ROOT)
    where = paths.in_body(query.each)
    tree: Tree = _set({}, (*where.steps[:-1],), list(records)) if where.steps != (EACH,) else list(records)
    if query.pages is not None and query.pages.total is not None:
        tree = _set(tree, paths.in_body(query.pages.total).steps, total)
    return DoubleAnswer(_OK, tree if answered.body == "json" else _holding(tree, answered), answered)


def _wanted(rule: ReplyRule) -> str | None:
    when = rule.when
    if when.at is None or when.present is False:
        return None
    return when.is_ if when.is_ is not None else when.in_[0] if when.in_ else "1"


def _status(declared: str | None) -> int:
    if declared is None:
        return _OK
    return int(declared.replace("xx", "00"))


def _tree(values: Sequence[tuple[str | None, str | None]]) -> Tree:
    tree: Tree = {}
    for path, value in values:
        if path is not None and value is not None:
            tree = _set(tree, paths.in_body(path).steps, value)
    return tree


def _set(tree: Tree, steps: tuple[Step, ...], value: Any) -> Tree:
    """Give the tree with a value at a path, making what is missing on the way."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step is EACH:
        items = tree if isinstance(tree, list) else []
        return [_set(items[0] if items else {}, rest, value), *items[1:]]
    inner = tree if isinstance(tree, Mapping) else {}
    return {**inner, step: _set(inner.get(step, {}), rest, value)}


def _holding(tree: Tree, heard: Format) -> Tree:
    """A body whose tree names its root holds at least one element, which is not a fault."""
    return tree or {"Result": ""} if formats.of(heard).keeps_root else tree
