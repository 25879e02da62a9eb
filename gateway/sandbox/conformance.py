"""A bundle against its own double, without faults and with each of them: what its reply rules make of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from adapters.adapter import DeclarativeAdapter, load
from adapters.base import Reply, VerdictKind
from adapters.check import Report, Watch, unwatched
from adapters.check import check as check_files
from adapters.check.report import ordered
from adapters.check.samples import pairs
from adapters.check.subject import Subject, subject
from adapters.source import BundleFinding
from gateway.message import Delivery, State
from gateway.sandbox.rehearsal import Rehearsal, rehearsing
from schemas.findings import Text

PATIENCE = 60
"""Seconds that the rehearsal of one message type may take."""

_RETRY_AFTER = 7
_UNREADABLE = {
    "text/html": "<!DOCTYPE html><html><body>系统维护中</body></html>".encode(),
    "application/json": b"",
}
_REPLY = Text(
    "请检查 reply 规则的状态码、路径和取值是否与平台接口文档一致",
    "check status, paths and values of the reply rules against the platform's documentation",
)
_SCHEMA = Text("请改正 mapping 或平台模式", "correct the mapping or the native schema")
_DOUBT = Text(
    "请检查 in_doubt 的请求与 reply 规则，使其能按编号查到已受理的数据",
    "check the in_doubt request and its reply rules, so that what was accepted can be found by its number",
)


def check(path: Path | str, watch: Watch = unwatched) -> Report:
    """Prove a bundle by its files, and when they are sound, against its own double too.

    Needs a free loopback port. Never raises for what is in the bundle. Not to be called inside a
    running event loop.
    """
    report = check_files(path, watch)
    if not report.ok:
        return report
    found = prove(load(path), watch)
    return replace(report, findings=ordered((*report.findings, *found)), rehearsed=True)


def prove(adapter: DeclarativeAdapter, watch: Watch = unwatched) -> tuple[BundleFinding, ...]:
    """Run a bundle against its double, one sample of each type it sends; see `check`."""
    return asyncio.run(conform(adapter, watch))


async def conform(adapter: DeclarativeAdapter, watch: Watch = unwatched) -> tuple[BundleFinding, ...]:
    """The same, inside an event loop."""
    under = subject(adapter.bundle)
    samples = _samples(under)
    found: list[BundleFinding] = []
    async with rehearsing(adapter, under.settings) as rehearsal:
        for done, (message_type, document) in enumerate(samples.items()):
            watch(message_type, done, len(samples))
            proof = _TypeProof(rehearsal, message_type, document)
            try:
                async with asyncio.timeout(PATIENCE):
                    found += [finding async for finding in proof.run()]
            except TimeoutError:
                found.append(proof.too_slow())
    watch("", len(samples), len(samples))
    return tuple(found)


def _samples(under: Subject) -> Mapping[str, Mapping[str, Any]]:
    """Give the first sample of each type; the check itself complains about a missing one."""
    ignored: list[BundleFinding] = []
    first: dict[str, Mapping[str, Any]] = {}
    for pair in pairs(under, ignored):
        if pair.name in under.adapter.sends and pair.name not in first and isinstance(pair.canonical, dict):
            first[pair.name] = pair.canonical
    return first


class _TypeProof:
    """One message type, sent without faults and then with each fault."""

    def __init__(self, rehearsal: Rehearsal, message_type: str, document: Mapping[str, Any]) -> None:
        self._rehearsal = rehearsal
        self._adapter = rehearsal.adapter
        self._type = message_type
        self._document = document
        self._send = rehearsal.adapter.bundle.manifest.sends[message_type]

    async def run(self) -> AsyncIterator[BundleFinding]:
        """Give a finding for every result that differs from the expected one.

        The faults are tried only when the exchange without faults passed: their results would mean nothing.
        """
        well = [finding async for finding in self._without_faults()]
        for finding in well:
            yield finding
        if well:
            return
        for faulty in (
            self._too_many,
            self._slow_body,
            self._reset_after_accept,
            self._wrong_charset,
            self._business_no,
        ):
            async for finding in faulty():
                yield finding
        for finding in self._unreadable():
            yield finding

    def too_slow(self) -> BundleFinding:
        """Tell that the rehearsal had to be stopped."""
        return self._finding(
            "double.too-slow",
            f"与替身的演练超过 {PATIENCE} 秒，已停止",
            f"the rehearsal took more than {PATIENCE} seconds and was stopped",
            _REPLY,
        )

    async def _go(self, **faults: Any) -> Delivery:
        self._rehearsal.double.misbehave(**faults)
        try:
            return await self._rehearsal.attempt(await self._rehearsal.post(self._type, self._document))
        finally:
            self._rehearsal.double.misbehave()

    async def _without_faults(self) -> AsyncIterator[BundleFinding]:
        delivery = await self._go()
        problems = self._rehearsal.received(delivery.id).get("problems", ())
        if problems:
            said = "；".join(problems)[:300]
            yield self._finding("double.invalid", f"双方模拟时平台认为报文无效：{said}", f"invalid: {said}", _SCHEMA)
        elif delivery.state is not State.DELIVERED:
            yield self._unexpected("double.not-accepted", "平台正常受理", "a plain acceptance", delivery)
        else:
            verdict = await self._rehearsal.again(delivery)
            if verdict.kind is not VerdictKind.ACCEPTED or verdict.reference != delivery.reference:
                yield self._unexpected("double.duplicate", "重复应答", "the answer to a repeat", delivery)

    async def _too_many(self) -> AsyncIterator[BundleFinding]:
        delivery = await self._go(retry_after_s=_RETRY_AFTER)
        waits = (delivery.due_at - self._rehearsal.now).total_seconds() if delivery.due_at else 0
        if delivery.state is not State.WAITING or waits < _RETRY_AFTER:
            yield self._unexpected("double.retry-after", "429 与 Retry-After", "429 with Retry-After", delivery)

    async def _slow_body(self) -> AsyncIterator[BundleFinding]:
        delivery = await self._go(slow_body_ms=20)
        if delivery.state is not State.DELIVERED:
            yield self._unexpected("double.slow-body", "应答缓慢", "a slow body", delivery)

    async def _reset_after_accept(self) -> AsyncIterator[BundleFinding]:
        doubted = await self._go(reset_after_accept=True)
        delivery = await self._rehearsal.attempt(doubted.id) if doubted.state is State.WAITING else doubted
        times = self._rehearsal.received(doubted.id).get("times", 0)
        if not doubted.in_doubt or delivery.state is not State.DELIVERED:
            yield self._unexpected("double.in-doubt", "受理后连接中断", "a reset after acceptance", delivery)
        elif self._send.in_doubt is not None and times > 1:
            yield self._finding(
                "double.not-confirmed",
                "询问未能确认已受理的数据，只好重发",
                "the question did not confirm what was accepted, it was sent again",
                _DOUBT,
                "in_doubt",
            )

    async def _wrong_charset(self) -> AsyncIterator[BundleFinding]:
        counterpart = self._rehearsal.double.platform.counterpart(self._type)
        other = "gb18030" if counterpart.heard.charset == "utf-8" else "utf-8"
        answer = counterpart.accept("1")
        if not self._looks_inside or answer.written().body == answer.written(other).body:
            return
        delivery = await self._go(charset=other)
        if delivery.state is not State.DELIVERED:
            yield self._unexpected(
                "double.charset",
                "字符集标错的受理应答",
                "a yes in the other charset of the GB and UTF-8 pair, mislabelled",
                delivery,
            )

    async def _business_no(self) -> AsyncIterator[BundleFinding]:
        delivery = await self._go(refuse=True)
        if any(rule.verdict == "refused" for rule in self._send.reply):
            if delivery.state is not State.REFUSED:
                yield self._unexpected("double.refused", "业务拒绝", "a business no", delivery)
        elif delivery.state is State.DELIVERED:
            yield self._unexpected("double.refused", "业务拒绝", "a business no", delivery)
        else:
            yield self._finding(
                "reply.no-refusal",
                "没有 refused 规则：平台的业务拒绝会成为死信",
                "no rule gives refused: a business no will be a dead letter",
                _REPLY,
                "reply" if self._send.reply else "request",
                warning=True,
            )

    @property
    def _looks_inside(self) -> bool:
        return any(rule.when.at is not None for rule in self._send.reply)

    def _unreadable(self) -> Iterator[BundleFinding]:
        replies = [Reply(200, {"content-type": kind}, body) for kind, body in _UNREADABLE.items()]
        verdicts = [self._adapter.judge(self._type, reply) for reply in replies]
        if any(verdict.kind is VerdictKind.ACCEPTED for verdict in verdicts):
            yield self._finding(
                "reply.any-2xx",
                "任何 2xx 应答都算受理，包括错误页面；请用 at 声明报文中的受理标志",
                "any 2xx counts as a yes, an error page too; declare with `at` what in the body means yes",
                _REPLY,
                "reply" if self._send.reply else "request",
                warning=True,
            )

    def _unexpected(self, code: str, zh: str, en: str, delivery: Delivery) -> BundleFinding:
        came = f"{delivery.state} {delivery.code or ''} {delivery.reason or ''}".strip()
        return self._finding(code, f"{zh}时结果为 {came}", f"{en} ended as {came}", _REPLY)

    def _finding(self, code: str, zh: str, en: str, remedy: Text, *keys: str, warning: bool = False) -> BundleFinding:
        text = Text(f"{self._type}：{zh}", f"{self._type}: {en}")
        at = ("sends", self._type, *keys)
        return self._adapter.bundle.source.finding(code, text, remedy, *at, warning=warning)
