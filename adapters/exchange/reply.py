"""Read a platform's reply as a verdict: the declared rules, first match wins, then the defaults."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Struct

from adapters import formats, paths
from adapters.base import UNREADABLE, ReceiptLevel, Reply, Tree, Verdict, VerdictKind
from adapters.bundle.grammar import ReplyRule, When
from adapters.exchange.scalar import comparable, reference
from adapters.formats.format import Format, ReplyFault, as_text
from adapters.paths import Path
from schemas.budget import BOUNDS, Budget, BudgetExceeded
from schemas.findings import Rejected
from schemas.identifiers import folded
from schemas.identifiers.person import mask_in_text
from schemas.plain import plain
from schemas.reprs import Discreet

MAX_REASON = 500
_AGAIN = frozenset({408, 425, 429})
_UNAUTHORISED = 401
_CREDENTIALS = frozenset({_UNAUTHORISED, 403})
_GATEWAY_TIMEOUT = 504
_YES_OR_NO = frozenset({VerdictKind.ACCEPTED, VerdictKind.REFUSED})
_UNRECOGNISED = "reply.unrecognised"
_AROUND = b" \t\r\n\0"
_PAGE = re.compile(rb"(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<(?:!doctype\s+)?html\b", re.DOTALL | re.IGNORECASE)
_TOP = 2000
"""As many bytes are looked at to tell a page."""


class Rule(Struct, frozen=True):
    """A reply rule with its paths parsed; `values` None means that the path must be there."""

    status: str | None
    at: Path | None
    values: frozenset[str]
    present: bool | None
    kind: VerdictKind
    reference: Path | None
    reason: Path | None
    level: ReceiptLevel | None


class ReadReply(Discreet, frozen=True):
    """A reply with its body read once. `tree` is None when the body is empty or cannot be read.

    `unreadable`: there is a body, and not in the agreed format: a page of something in between, say.
    `beyond`: the bound of the budget that it breaks.
    """

    reply: Reply
    tree: Tree = None
    fault: ReplyFault | None = None
    unreadable: bool = False
    beyond: BudgetExceeded | None = None


class Replies:
    """How the replies to one kind of request are judged."""

    def __init__(self, rules: Sequence[ReplyRule], declared: Format, budget: Budget) -> None:
        self._rules = tuple(_rule(one) for one in rules)
        self._format = declared
        self._budget = budget
        self._looks_inside = any(rule.at is not None for rule in self._rules)
        self._fault = formats.of(declared).fault

    def judge(self, reply: Reply, budget: Budget | None = None) -> Verdict:
        """Give the verdict; never raises for anything a platform may say.

        `budget` is what an operator set for the platform, instead of the bundle's own.
        """
        read = self._read(reply, budget or self._budget)
        for rule in self._rules:
            if _matches(rule, read):
                return _by_rule(rule, read)
        return _by_default(read, looks_inside=self._looks_inside)

    def _read(self, reply: Reply, budget: Budget) -> ReadReply:
        top = _bare(reply.body)[:_TOP]
        if not top:
            return ReadReply(reply)
        if _PAGE.match(top):  # some formats would read a page as a record
            return ReadReply(reply, unreadable=True)
        try:
            body = formats.read_reply(self._format, reply.body, reply.headers.get("content-type"), budget=budget)
        except Rejected as error:
            return ReadReply(reply, unreadable=True, beyond=error if isinstance(error, BudgetExceeded) else None)
        return ReadReply(reply, body.tree, self._fault(body) if self._fault else None)


def _bare(body: bytes) -> bytes:
    """Give a body without what servers put around it and means nothing: blanks, NUL and a byte-order mark."""
    return body.strip(_AROUND).removeprefix(BOM_UTF8).lstrip(_AROUND)


def _rule(declared: ReplyRule) -> Rule:
    when: When = declared.when
    values = when.in_ if when.in_ is not None else [when.is_] if when.is_ is not None else []
    return Rule(
        when.status,
        _path(when.at),
        frozenset(map(comparable, values)),
        when.present,
        VerdictKind(declared.verdict),
        _path(declared.reference),
        _path(declared.reason),
        _level(declared),
    )


def _level(declared: ReplyRule) -> ReceiptLevel | None:
    """Give how far a reply that fits a rule proves that the document came.

    A status alone may come from what stands in front of a platform: unless the rule takes it for its yes or no, or
    says so itself, it proves nothing. That a document was refused does not tell which check it failed.
    """
    if declared.level is not None:
        return ReceiptLevel(declared.level)
    kind = VerdictKind(declared.verdict)
    if declared.when.at is not None:
        return ReceiptLevel.BUSINESS if kind is VerdictKind.ACCEPTED else ReceiptLevel.TRANSPORT
    return ReceiptLevel.TRANSPORT if kind in _YES_OR_NO else None


def _path(text: str | None) -> Path | None:
    return None if text is None else paths.in_body(text)


def _matches(rule: Rule, read: ReadReply) -> bool:
    if rule.status is not None and not _status_fits(rule.status, read.reply.status):
        return False
    if rule.at is None:
        # A rule on the status alone never takes a SOAP fault, nor a page, for an answer: with 200 it
        # would count an error as accepted.
        return read.fault is None and not (read.unreadable and rule.kind in _YES_OR_NO)
    if read.tree is None:
        return False
    found = [comparable(value) for value in paths.values(read.tree, rule.at) if _is_leaf(value)]
    if rule.present is not None:
        return _present(read.tree, rule.at) is rule.present
    return bool(found) and found[0] in rule.values


def _is_leaf(value: Any) -> bool:
    """Whether this is a single value: an element with attributes and a text is one too."""
    return not isinstance(value, list) and (not isinstance(value, dict) or "#text" in value)


def _present(tree: Tree, at: Path) -> bool:
    return any(
        value not in ([], {}) and (not isinstance(value, str) or value.strip()) for value in paths.values(tree, at)
    )


def _status_fits(declared: str, status: int) -> bool:
    return declared[0] == str(status)[0] if declared.endswith("xx") else declared == str(status)


def _by_rule(rule: Rule, read: ReadReply) -> Verdict:
    in_doubt = rule.kind not in _YES_OR_NO and (read.unreadable or read.reply.status == _GATEWAY_TIMEOUT)
    return Verdict(
        rule.kind,
        # Folded before it is made plain: marks that nobody sees are no part of a number.
        reference=_text_at(read.tree, rule.reference, lambda value: folded(reference(value))),
        reason=_text_at(read.tree, rule.reason, lambda value: mask_in_text(as_text(value))),
        after=_after(read.reply.headers) if rule.kind is VerdictKind.RETRY else None,
        in_doubt=in_doubt,
        level=None if in_doubt else rule.level,
    )


def _text_at(tree: Tree, at: Path | None, written: Callable[[Any], str]) -> str | None:
    value = None if at is None or tree is None else paths.first(tree, at)
    if value is None or not _is_leaf(value):
        return None
    return plain(written(value)[: 2 * MAX_REASON])[:MAX_REASON] or None


def _by_default(read: ReadReply, *, looks_inside: bool) -> Verdict:
    status = read.reply.status
    code = f"http.{status}"
    if status != _UNAUTHORISED and _tells_nothing(read, looks_inside=looks_inside):
        after = _after(read.reply.headers)
        reason = None if read.beyond is None else _beyond(read.beyond)
        return Verdict(VerdictKind.RETRY, code=UNREADABLE, reason=reason, after=after, in_doubt=True)
    # Credentials come before faults: a fault in the body of a 401 is still about the credentials.
    if status in _CREDENTIALS:
        return Verdict(VerdictKind.CREDENTIALS, code=code)
    if read.fault is not None:
        return _by_fault(read.fault, read.reply)
    if 200 <= status < 300:
        # Where rules look into the body and none matched, success is not known: people must look at it.
        # A readable answer all the same, and so it proves that the document arrived.
        if looks_inside:
            return Verdict(VerdictKind.DEAD, code=_UNRECOGNISED, level=ReceiptLevel.TRANSPORT)
        return Verdict(VerdictKind.ACCEPTED, level=ReceiptLevel.TRANSPORT)
    if status in _AGAIN or 500 <= status < 600:
        doubted = status == _GATEWAY_TIMEOUT
        return Verdict(VerdictKind.RETRY, code=code, after=_after(read.reply.headers), in_doubt=doubted)
    return Verdict(VerdictKind.DEAD, code=code)


def _beyond(broken: BudgetExceeded) -> str:
    """Name the bound that a reply breaks, its value and the place; an operator may raise it for the platform."""
    place = f"（{plain(broken.place)}）" if broken.place else ""
    said = f"应答的{BOUNDS[broken.bound].zh}超过上限 {broken.limit}{place}，未继续读取"
    return f"{said}；属正常数据时可调高该平台的 limits.{broken.bound}"


def _tells_nothing(read: ReadReply, *, looks_inside: bool) -> bool:
    """Tell whether a reply is none: a page, a redirect, or nothing where the answer is in the body."""
    status = read.reply.status
    silent = looks_inside and not _bare(read.reply.body) and 200 <= status < 300
    return read.unreadable or silent or 300 <= status < 400


def _by_fault(fault: ReplyFault, reply: Reply) -> Verdict:
    reason = plain(mask_in_text(fault.reason)[: 2 * MAX_REASON])[:MAX_REASON] or None
    kind = fault.code.partition(".")[0]
    if kind in ("Server", "Receiver"):
        return Verdict(VerdictKind.RETRY, reason=reason, code="soap.server-fault", after=_after(reply.headers))
    code = "soap.client-fault" if kind in ("Client", "Sender") else "soap.fault"
    return Verdict(VerdictKind.DEAD, reason=reason, code=code, level=ReceiptLevel.TRANSPORT)


def _after(headers: Mapping[str, str]) -> timedelta | None:
    """Read Retry-After (RFC 9110): seconds, or a date compared with the reply's own Date: clocks may differ."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return timedelta(seconds=int(said))
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wait, timedelta(0))
