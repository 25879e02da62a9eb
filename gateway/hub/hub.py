"""The facade over a running gateway: takes documents in, obeys operators, keeps the register of platforms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.clock import Clock
from gateway.delivery.dispatcher import Dispatcher, Ping
from gateway.delivery.sender import Sender
from gateway.dossier import Dossier, Enterprise
from gateway.drift import Page
from gateway.errors import Unavailable
from gateway.hub import unrouted
from gateway.hub.administrator import Administrator
from gateway.hub.principals import Principal
from gateway.hub.register import Register
from gateway.hub.registration import DOSSIER, PUSH, Wanted
from gateway.hub.replays import Replays
from gateway.hub.watching import Watching
from gateway.installed import InstalledAdapters
from gateway.intake.accept import Reception
from gateway.intake.routes import Routes
from gateway.intake.steps import IntakeCall, IntakePreview, IntakeResult
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, BulkReplay, DeliveryFilter, Platform, Receipt
from gateway.lifecycle import Lifecycle
from gateway.lifecycle.proof import Prover
from gateway.message import Delivery
from gateway.telemetry.events import Events
from gateway.telemetry.metrics import Metrics
from schemas.findings import Rejected, Text
from schemas.identifiers import CreditCode, Misshapen


class Hub:
    """A gateway, whole. `start` before anything else; after `stop` it takes nothing more.

    Plain reads go to `ledger`; everything that changes something goes through a method here, so that
    what depends on it (routing, the dispatcher, the callers we know) learns of it. `new_admin_token`
    is the administrator's token when this start made one: to be shown once, then forgotten.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        adapters: InstalledAdapters,
        routes: Routes,
        dispatcher: Dispatcher,
        sender: Sender,
        dossier: Dossier,
        administrator: Administrator,
        prove: Prover,
        watching: Watching,
        clock: Clock,
        events: Events,
        metrics: Metrics,
    ) -> None:
        self.ledger = ledger
        self.adapters = adapters
        self.clock = clock
        self.events = events
        self.metrics = metrics
        self._routes = routes
        self._dispatcher = dispatcher
        self._sender = sender
        self._dossier = dossier
        self._administrator = administrator
        self._register = Register(ledger, adapters, routes, dispatcher, clock, events)
        self._directory = self._register.directory
        self.watching = watching
        self._reception = Reception(ledger, adapters, routes, self._directory, clock, events, watching.taken)
        self._replays = Replays(ledger, clock, dispatcher.wake)
        self.lifecycle = Lifecycle(ledger, adapters, self._directory, clock, prove, self._follow, watching.shadows)
        self._running = False
        self.new_admin_token: str | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Open the ledger, know the platforms and the callers, deliver, and take up what was left unfinished."""
        await self.ledger.start()
        await self.lifecycle.start()
        await self._register.load()
        digest, self.new_admin_token = self._administrator.appoint()
        self._register.principals.know_admin(digest)
        self.watching.tap.start()
        await self._dispatcher.start()
        for kind in {platform.kind for platform in self._directory.values()}:
            await self._assign(kind)
        await self._replays.resume()
        self._running = True

    async def stop(self) -> None:
        """Take nothing more, let what is under way end, and close the ledger."""
        self._running = False
        await self._replays.stop()
        await self._dispatcher.stop()
        await self._sender.close()
        await asyncio.to_thread(self.watching.tap.stop)
        await self.ledger.stop()

    async def check(self) -> None:
        """Return when documents can be taken now; Unavailable when they cannot."""
        if not self._running:
            raise Unavailable(
                Text("网关正在启动或停止；请稍后再试", "The gateway is starting or stopping; try again soon"),
                code="gateway.not-running",
            )
        await self.ledger.credentials()

    # ── documents ─────────────────────────────────────────────────────────────────────────────
    async def receive(self, call: IntakeCall) -> IntakeResult:
        """Take a body in the caller's own format; see `Reception.receive`."""
        edition = self._directory.edition
        return await self._delivering(await self._reception.receive(call), edition)

    async def submit(self, call: IntakeCall) -> IntakeResult:
        """Take a canonical document; see `Reception.submit`."""
        edition = self._directory.edition
        return await self._delivering(await self._reception.submit(call), edition)

    async def preview(self, call: IntakeCall) -> IntakePreview:
        """Tell what `receive` would make of a body; nothing is kept."""
        return await self._reception.preview(call)

    async def preview_submission(self, call: IntakeCall) -> IntakePreview:
        """Tell what `submit` would make of a body; nothing is kept."""
        return await self._reception.preview_submission(call)

    async def dossier(self, credit_code: str) -> Enterprise:
        """Give everything known about an enterprise; Rejected `credit-code.shape` for what is no credit code."""
        return await self._dossier.of(_credit_code(credit_code))

    async def _delivering(self, outcome: IntakeResult, edition: int) -> IntakeResult:
        """Wake who has something to get. A platform registered meanwhile takes what was routed without it."""
        deliveries = _new_deliveries(outcome.receipt)
        for platform in {one.platform for one in deliveries if one.platform}:
            self._dispatcher.wake(platform)
        if edition != self._directory.edition:
            for kind in {one.kind for one in deliveries if one.platform is None}:
                await self._assign(kind)
        return outcome

    # ── deliveries ────────────────────────────────────────────────────────────────────────────
    async def replay(self, delivery_id: str, *, actor: str, reason: str, stale_ok: bool = False) -> Delivery:
        """Replay a delivery; Conflict `state.wrong` or `lane.moved_on`."""
        at = self.clock()
        return self._woken(await self.ledger.replay(delivery_id, actor=actor, reason=reason, at=at, stale_ok=stale_ok))

    async def discard(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Give a delivery up; its lane moves on."""
        return self._woken(await self.ledger.discard(delivery_id, actor=actor, reason=reason, at=self.clock()))

    async def hold(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Hold a delivery, and the lane behind it."""
        return await self.ledger.hold(delivery_id, actor=actor, reason=reason, at=self.clock())

    async def release(self, delivery_id: str, *, actor: str, reason: str) -> Delivery:
        """Lift an operator's hold."""
        return self._woken(await self.ledger.release(delivery_id, actor=actor, reason=reason, at=self.clock()))

    async def replay_many(
        self, looked_for: DeliveryFilter, *, actor: str, reason: str, stale_ok: bool = False
    ) -> BulkReplay:
        """Begin to replay everything a filter finds; returns at once."""
        return await self._replays.begin(looked_for, actor=actor, reason=reason, stale_ok=stale_ok)

    async def replay_progress(self, replay_id: str) -> BulkReplay:
        """Tell how far a replay of many has come; NotFound `replay.unknown`."""
        return await self._replays.progress(replay_id)

    def _woken(self, delivery: Delivery) -> Delivery:
        if delivery.platform is not None:
            self._dispatcher.wake(delivery.platform)
        return delivery

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def platforms(self) -> Sequence[Platform]:
        """Give every platform as it stands, by id."""
        return await self._register.all()

    async def platform(self, platform_id: str) -> Platform:
        """Give a platform as it stands; NotFound `platform.unknown`."""
        return await self._register.get(platform_id)

    async def put_platform(
        self,
        platform_id: str,
        adapter: str,
        version: str | None = None,
        settings: Mapping[str, Any] | None = None,
        mode: str = PUSH,
        *,
        actor: str,
        dossier: bool | None = None,
    ) -> Platform:
        """Register a platform or change it; Rejected `platform.invalid`, NotFound `adapter.unknown`.

        Deliveries that waited for a platform like it are its own now; refused credentials are tried again.
        """
        right = {} if dossier is None else {DOSSIER.name: dossier}
        wanted = Wanted(platform_id, adapter, version, {**(settings or {}), **right}, mode)
        platform = await self._register.put(wanted, actor=actor)
        await self._assign(platform.kind)
        return platform

    async def delete_platform(self, platform_id: str, *, actor: str) -> None:
        """Forget a platform and its credentials; Conflict `platform.in-use` while it has deliveries to get."""
        await self._register.delete(platform_id, actor=actor)
        self.watching.drift.forget(platform_id)

    async def pause(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Hold everything to a platform until `resume`."""
        return await self._register.pause(platform_id, actor=actor, reason=reason)

    async def resume(self, platform_id: str, *, actor: str, reason: str) -> Platform:
        """Let a paused platform's deliveries go on."""
        return await self._register.resume(platform_id, actor=actor, reason=reason)

    async def drift(self, platform_id: str) -> Mapping[str, Page]:
        """Give what a platform sent that its adapter does not know, by operation; NotFound `platform.unknown`."""
        await self.platform(platform_id)
        return self.watching.drift.pages(platform_id)

    async def ping(self, platform_id: str) -> Ping:
        """Call a platform's address once."""
        return await self._dispatcher.ping(await self.platform(platform_id))

    async def issue_credential(self, platform_id: str, *, actor: str) -> str:
        """Make a token for a platform's calls; only its hash is kept, this is the one time it is readable."""
        return await self._register.issue_credential(platform_id, actor=actor)

    def principal(self, token: str) -> Principal | None:
        """Tell whose token this is; None when nobody's."""
        return self._register.principals.of(token)

    async def _follow(self, adapter: str) -> None:
        """Another version of an adapter is active: deliver with it, and what it can send at last goes out."""
        self._directory.changed()
        following = [one for one in await self.platforms() if one.adapter == adapter and one.version is None]
        for platform in following:
            self._dispatcher.platform_changed(platform)
        for kind in {platform.kind for platform in following}:
            await self._assign(kind)

    async def _assign(self, kind: str) -> None:
        can_send = self.adapters.can_send
        woken = await unrouted.assign(self.ledger, self._routes, self._directory, can_send, kind, self.clock())
        for platform in woken:
            self._dispatcher.wake(platform)


def _new_deliveries(receipt: Receipt) -> list[Delivery]:
    if receipt.repeated:
        return []
    new = (entry for entry in receipt.entries if isinstance(entry, Accepted) and not entry.duplicate)
    return [delivery for entry in new for delivery in entry.deliveries]


def _credit_code(text: str) -> str:
    try:
        return CreditCode.normalise(text)
    except Misshapen as error:
        raise Rejected("credit-code.shape", error.finding.message, [error.finding]) from None
