"""The composition root: settings become a gateway; the only place that chooses a backend by its name."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.access import (
    Administrator,
    KeySets,
    LedgerNonces,
    OpenIdProvider,
    Principals,
    Proofs,
    SharedNonces,
    emergency_hash,
    networks,
    signing_key,
    wrapping_keys,
)
from gateway.attachments import S3, Attachments, FolderStore, ObjectStore, S3Store
from gateway.audit.signing import SigningKey
from gateway.audit.stamps import read_roots
from gateway.clock import Clock, system_clock, zone
from gateway.coordination import Carrier, MemoryStore, Rate, SharedMemory, WakeUps
from gateway.coordination.call_rates import CallRates
from gateway.coordination.postgresql import PostgresCarrier
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.key_fetcher import KeyFetcher
from gateway.delivery.sender import Sender
from gateway.hub import Background, Hub
from gateway.hub.approvals import Approvals
from gateway.hub.audit_export import AuditExport
from gateway.hub.audit_targets import target_of
from gateway.hub.deliveries import BulkReplays, OperatorSteps
from gateway.hub.dossier import Dossiers
from gateway.hub.evidence import Evidence
from gateway.hub.lookout import Lookout
from gateway.hub.pruning import Pruner
from gateway.hub.query_cache import QueryCache
from gateway.hub.questions import Questions
from gateway.hub.reconciliation import Reconciliation
from gateway.hub.reencryption import Reencryption
from gateway.hub.sequencer import Sequencer
from gateway.hub.stamper import Stamper
from gateway.hub.trail import Trail
from gateway.hub.witnesses import Witnesses
from gateway.intake.admission import Admission
from gateway.intake.batches import Batches
from gateway.intake.directory import Directory
from gateway.intake.own import OwnMessages
from gateway.intake.reception import Reception
from gateway.intake.routes import Routes, read_routes
from gateway.ledger.base import Ledger
from gateway.ledger.encryption import WrappingKeys
from gateway.ledger.records import Retention
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.batch_thread import BatchWatch, unwatched
from gateway.observe import Observers
from gateway.observe.contacts import Contacts
from gateway.observe.waits import LongestWaits
from gateway.oversight.assessments import Assessments
from gateway.oversight.assessor import Assessor
from gateway.oversight.cases import CaseFinder
from gateway.oversight.clock_keeper import ClockKeeper
from gateway.oversight.clock_list import ClockList
from gateway.oversight.due_cases import DueCases
from gateway.oversight.follower import Follower
from gateway.oversight.occurrence_keeper import OccurrenceKeeper
from gateway.oversight.reports import Reports
from gateway.oversight.years import CalendarYears
from gateway.platforms import Mirror, People, Reconciler, Register
from gateway.readers import ReaderBounds, Readers
from gateway.releases import Releases
from gateway.releases.installed import InstalledAdapters, install
from gateway.releases.inventory import Inventory
from gateway.releases.proof import ProcessProver, Prover
from gateway.releases.signatures import Signatures
from gateway.settings import ALLOWABLE, PREFIX, Settings, Unset, period
from gateway.telemetry.events import CommitEnded, Events, Hook
from gateway.telemetry.logs import LogHook
from gateway.telemetry.loop import LoopWatch
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.trace import is_configured
from schemas.figures import bundled as bundled_figures

if TYPE_CHECKING:
    from gateway.telemetry.spans import SpanHook

_LOOK = 10.0
"""Seconds between two looks whether a head is due for a witness or a time-stamp."""

CHECK = (sys.executable, "-m", "gateway.cli.main", "adapter", "check", "--json")
"""What proves an uploaded bundle: the very command its author runs."""


def build(
    settings: Settings,
    *,
    ledger: Ledger | None = None,
    adapters: InstalledAdapters | None = None,
    routes: Routes | None = None,
    sender: Sender | None = None,
    policy: BreakerPolicy | None = None,
    prove: Prover | None = None,
    clock: Clock = system_clock,
    pause: timedelta = timedelta(seconds=1),
    lease: timedelta | None = None,
    hooks: tuple[Hook, ...] = (),
) -> Hub:
    """Put a gateway together, not started yet; every part can be handed in instead of made.

    `pause`: how long to wait before what failed is tried again; `lease`: how long a platform has what it fetched,
    unless it is as the settings say. BrokenBundle names file and line of
    what is wrong with a bundle or the routes.
    """
    metrics = Metrics()
    known = adapters or install(settings.adapter_folders)
    kept = ledger or open_ledger(
        settings,
        lambda operations, seconds: events(CommitEnded(operations, seconds)),
        signing_key(settings.signing_key_file, settings.signing),
        keys_of(settings),
    )
    contacts = Contacts(kept, clock)
    trail = Trail(kept, clock)
    spans = _spans(clock)
    events = Events((metrics, LogHook(), contacts, trail, *hooks, *((spans,) if spans else ())))
    outward = sender or Sender(allow=settings.allowed_destinations)
    authorised = AuthorisedSender(outward, clock)
    routed = routes or read_routes(settings.routes_file)
    directory = Directory()
    readers = Readers(ReaderBounds(settings.reader_megabytes, settings.reader_seconds), events, most=settings.readers)
    metrics.show("hutong_readers", "Processes that read large bodies and replies.", readers.count)
    batches = Batches(settings.batches, settings.batch_answer_megabytes * 1024 * 1024)
    metrics.show("hutong_batches_under_way", "Batches that are being taken in.", batches.under_way)
    loop_watch = LoopWatch(events)
    observers = Observers(kept, directory, clock, events)
    wake_ups = _wake_ups(settings)
    memory, shared = MemoryStore(), _shared_store(settings)
    cache = QueryCache(shared or memory, clock, settings.query_seconds)
    dispatcher = Dispatcher(
        kept,
        known,
        authorised,
        clock,
        events,
        policy=policy,
        watch=observers.written,
        pause=pause,
        longest_asked=timedelta(seconds=settings.longest_retry_after),
        lease=lease or timedelta(seconds=settings.lease_seconds),
        readers=readers,
        loop_watch=loop_watch,
        changed=lambda changes: register.follow(changes),
        tell=wake_ups.tell,
    )
    metrics.show(
        "hutong_inbox_polls_now", "Polls of inboxes that wait or are being answered.", dispatcher.inboxes.polls
    )
    inventory = Inventory(kept, known, directory, observers.shadows, clock)
    reconciler = Reconciler(pause=pause.total_seconds())
    principals = Principals(directory, clock, contacts.credential_used)
    used = "When the administrator's token was used last in this process (Unix time); 0: not since its start."
    metrics.show("hutong_administrator_used_seconds", used, principals.admin_used_at)
    used = "When the emergency token was used last in this process (Unix time); 0: not since its start."
    metrics.show("hutong_emergency_used_seconds", used, principals.emergency_used_at)
    metrics.show(
        "hutong_people",
        "People with a token that opens something; all those of an OpenID provider count as one.",
        lambda: principals.people() + (settings.oidc is not None),
    )
    nonces = SharedNonces(shared, kept) if shared else LedgerNonces(kept)
    keys = KeySets(KeyFetcher(outward, clock))
    provider = _people_elsewhere(settings, outward, clock)
    proofs = Proofs(principals, nonces, keys, clock, networks(settings.trusted_proxies), provider)
    mirror = Mirror(kept, known, inventory.learn, directory, dispatcher, events, observers.drift.forget, principals)
    allowed = settings.allowed_destinations
    register = Register(
        kept, known, routed, mirror, dispatcher, clock, events, reconciler.alarm, wake_ups.tell, allowed
    )
    pruner = Pruner(kept, retention_of(settings), clock, events, pause=pause.total_seconds())
    metrics.show(
        "hutong_oldest_message_seconds",
        "Age of the oldest message that is kept with its deliveries.",
        lambda: pruner.oldest_seconds(clock()),
    )
    sequencer = Sequencer(kept)
    metrics.show(
        "hutong_audit_head_age_seconds",
        "For how long the oldest fact has waited that no signed head of the audit covers; 0: all are covered.",
        lambda: sequencer.behind_seconds(clock()),
    )
    attachments = Attachments(
        kept,
        open_objects(settings),
        clock,
        most=settings.uploads,
        quota=settings.attachment_quota_megabytes << 20,
        unnamed_for=timedelta(days=settings.attachment_days),
    )
    clock_keeper = ClockKeeper(kept, clock, zone(settings.zone))
    figures, report_settings = bundled_figures(), {"inspection_cap": settings.inspection_cap}
    occurrence_keeper = OccurrenceKeeper(kept, figures, zone(settings.zone), report_settings)
    keepers = (clock_keeper, occurrence_keeper)
    prover = prove or ProcessProver(CHECK)
    signatures = Signatures(kept, directory, required=settings.unsigned_bundles == "refuse")
    releases = Releases(kept, inventory, known, directory, register, clock, prover, observers.shadows, signatures)
    operators = OperatorSteps(kept, dispatcher.wake, register.doubt)
    replays = BulkReplays(kept, clock, dispatcher.wake, register.doubt, pause=pause.total_seconds())
    cases = CaseFinder(kept, clock, zone(settings.zone))
    own = OwnMessages(lambda call: hub.preview_submission(call), lambda call: hub.submit(call))
    assessor = Assessor(kept, own, clock, zone(settings.zone), tells=settings.send_assessments)
    due_cases = DueCases(kept, assessor, clock, zone(settings.zone))
    hub = Hub(
        ledger=kept,
        adapters=known,
        proofs=proofs,
        store=shared or memory,
        call_rates=CallRates(memory, _call_rate(settings), shared),
        admission=Admission(settings.intake_calls, settings.intake_megabytes * 1024 * 1024),
        batches=batches,
        reception=Reception(
            kept, known, routed, directory, register.refresh, clock, events, observers.taken, readers=readers
        ),
        platforms=register,
        people=People(kept, register),
        reconciler=reconciler,
        releases=releases,
        observers=observers,
        contacts=contacts,
        trail=trail,
        waits=LongestWaits(kept, clock, events),
        spans=spans,
        inboxes=dispatcher.inboxes,
        deliveries=operators,
        replays=replays,
        approvals=Approvals(
            kept,
            clock,
            settings.four_eyes_kinds,
            platforms=register,
            releases=releases,
            deliveries=operators,
            replays=replays,
        ),
        pruner=pruner,
        sequencer=sequencer,
        beside=_beside(settings, kept, directory, known, authorised, outward, clock, metrics),
        attachments=attachments,
        cases=cases,
        assessments=Assessments(kept, cases, assessor, clock, pause=pause.total_seconds()),
        evidence=Evidence(kept, cases, sequencer, clock),
        calendar=CalendarYears(kept),
        clocks=ClockList(kept, clock, zone(settings.zone), settings.clock_warning_days),
        dossiers=Dossiers(kept, Questions(kept, known, authorised, clock, cache, readers=readers), clock),
        follower=Follower(kept, (*keepers, assessor), (*keepers, due_cases), pause=pause.total_seconds()),
        reconciliation=Reconciliation(kept, clock, zone(settings.zone)),
        reports=Reports(kept, figures, clock, zone(settings.zone), report_settings),
        administrator=_administrator(settings),
        emergency=_emergency(settings),
        dispatcher=dispatcher,
        wake_ups=wake_ups,
        sender=outward,
        readers=readers,
        loop_watch=loop_watch,
        clock=clock,
        events=events,
        metrics=metrics,
        zone=zone(settings.zone),
    )
    return hub


def _beside(
    settings: Settings,
    ledger: Ledger,
    directory: Directory,
    adapters: InstalledAdapters,
    authorised: AuthorisedSender,
    sender: Sender,
    clock: Clock,
    metrics: Metrics,
) -> Sequence[Background]:
    """Make what guards and proves the ledger beside the traffic, and show how far each has come."""
    reencryption = Reencryption(ledger)
    metrics.show(
        "hutong_encryption_left",
        "Rows whose secrets are not encrypted under the newest key yet; 0 without a key.",
        reencryption.left,
    )
    audit_export = AuditExport(ledger, target_of(settings.audit_export) if settings.audit_export else None)
    metrics.show(
        "hutong_audit_export_behind_seconds",
        "For how long the oldest entry of the audit has waited that was not exported; 0 where another process exports.",
        lambda: audit_export.behind_seconds(clock()),
    )
    witnesses = Witnesses(
        ledger, directory, adapters.of, authorised, clock, every=timedelta(seconds=settings.witness_seconds)
    )
    metrics.show(
        "hutong_audit_witness_age_seconds",
        "For how long a platform that keeps signed heads has not taken the one that was due; 0: none is late.",
        lambda: witnesses.behind_seconds(clock()),
    )
    stamper = Stamper(
        ledger,
        settings.tsa,
        read_roots(Path(settings.tsa_ca).expanduser().read_bytes()) if settings.tsa_ca else (),
        sender,
        clock,
        every=timedelta(seconds=settings.tsa_seconds),
    )
    metrics.show(
        "hutong_audit_stamp_age_seconds",
        "For how long a signed head has waited beyond the pace for a time-stamp; 0: none has, or nobody stamps.",
        lambda: stamper.behind_seconds(clock()),
    )
    return (
        reencryption,
        audit_export,
        Lookout("offering heads to witnesses", witnesses.look, every=_LOOK),
        Lookout("having heads stamped", stamper.look, every=_LOOK),
    )


def open_objects(settings: Settings) -> ObjectStore:
    """Open what keeps attachments: a bucket where the settings name one, else a folder."""
    if settings.attachments.startswith(S3):
        return S3Store(settings.attachments)
    return FolderStore(settings.attachment_folder)


def open_ledger(
    settings: Settings,
    watch: BatchWatch = unwatched,
    key: SigningKey | None = None,
    keys: WrappingKeys | None = None,
) -> Ledger:
    """Make the ledger that the settings name, not started yet; `watch` is told of every batch it writes.

    `key` signs its receipts and heads; without one nothing is signed. `keys`: see `keys_of`.
    """
    rejections, replies = settings.rejection_megabytes << 20, settings.reply_megabytes << 20
    return SqlLedger(settings.ledger, rejections=rejections, replies=replies, watch=watch, key=key, keys=keys)


def keys_of(settings: Settings) -> WrappingKeys | None:
    """Give what the settings let secrets be encrypted under, or None; HutongError `key.unusable`."""
    current, older = (
        each.get_secret_value() if each else "" for each in (settings.encryption_key, settings.encryption_old_keys)
    )
    return wrapping_keys(current, older, settings.encryption_cipher)


def _spans(clock: Clock) -> SpanHook | None:
    """Make what sends traces, where the OTEL_ settings of the environment say where to."""
    if not is_configured(os.environ):
        return None
    # The SDK takes memory and time to load, and most gateways send no traces.
    spans: type[SpanHook] = importlib.import_module("gateway.telemetry.spans").SpanHook
    return spans.configured(clock)


def retention_of(settings: Settings) -> Retention:
    """Give how long the settings let what is settled be kept."""
    said = settings.retention
    types = {type: period(each) for type, each in said.types.items()}
    return Retention(period(said.messages), period(said.bodies), types)


def _administrator(settings: Settings) -> Administrator:
    given = settings.admin_token.get_secret_value() if settings.admin_token else None
    return Administrator(given, settings.token_file)


def _emergency(settings: Settings) -> str | None:
    """Give the hash of the emergency token; Unset for a file that cannot be believed."""
    file = Path(settings.emergency_token_file).expanduser() if settings.emergency_token_file else None
    try:
        return emergency_hash(settings.emergency_token_hash, file)
    except ValueError as error:
        raise Unset(f"{PREFIX}EMERGENCY_TOKEN_FILE: {error}") from None


def _people_elsewhere(settings: Settings, sender: Sender, clock: Clock) -> OpenIdProvider | None:
    """Make what knows the OpenID provider; where it is, is the operator's word, so it may be inside."""
    if settings.oidc is None:
        return None
    fetch = KeyFetcher(sender, clock, ALLOWABLE)
    return OpenIdProvider(settings.oidc, KeySets(fetch), fetch)


def _wake_ups(settings: Settings) -> WakeUps:
    """Choose what carries wake-ups: nothing over a file, which one process has."""
    if not settings.shared:
        return WakeUps()
    carriers: list[Carrier] = [PostgresCarrier(settings.ledger)]
    if settings.redis:
        # Redis's client loads OpenTelemetry's SDK where that is installed; most gateways need neither.
        redis = importlib.import_module("gateway.coordination.redis")
        carriers.insert(0, redis.RedisCarrier(settings.redis, settings.ledger))
    return WakeUps(carriers)


def _shared_store(settings: Settings) -> SharedMemory | None:
    """Choose where processes share: None where there is one, or no server that they could share through."""
    if not settings.shared or not settings.redis:
        return None
    store: Callable[[str, str], SharedMemory] = importlib.import_module("gateway.coordination.redis_store").RedisStore
    return store(settings.redis, settings.ledger)


def _call_rate(settings: Settings) -> Rate | None:
    calls = settings.call_rate
    return Rate(calls, settings.call_burst or calls) if calls else None
