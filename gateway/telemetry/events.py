"""What happened, as frozen values; hooks decide what becomes of it.

No event carries personal data or a platform's own words: only ids, stable codes and durations.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

_log = logging.getLogger(__name__)


class MessageAccepted(Struct, frozen=True):
    """A message is durable. `seconds`: from its body read to the ledger's answer; `keeping`: the ledger's part of it.

    `trace_id`: the trace it belongs to; `caller_span`: the span of the caller's that it goes on from, if any.
    """

    message_id: str
    type: str
    platform: str
    operation: str
    seconds: float
    duplicate: bool = False
    keeping: float = 0.0
    trace_id: str | None = None
    caller_span: str | None = None


class DocumentRejected(Struct, frozen=True):
    """A document was not accepted from its sender."""

    platform: str
    operation: str
    code: str


class IntakeBusy(Struct, frozen=True):
    """A caller was told to come again, since as much is taken in as can be (429)."""

    platform: str


class CallLimited(Struct, frozen=True):
    """A platform called more often than it may, and was told to come again (429)."""

    platform: str


class BatchEnded(Struct, frozen=True):
    """A batch is over. `outcome`: done, cut (its sender left), or the code of the problem that ended it."""

    platform: str
    operation: str
    outcome: str
    accepted: int
    duplicates: int
    rejected: int
    seconds: float


class ReadApart(Struct, frozen=True):
    """A large body or reply was read in a process of its own.

    `outcome`: ok, rejected, or why it was not read: time, memory, answer, crash, failed.
    """

    platform: str
    outcome: str
    seconds: float


class LoopLagged(Struct, frozen=True):
    """So late came a timer of the event loop: for as long every other timer and every reply waits, too."""

    seconds: float


class LoopBlocked(Struct, frozen=True):
    """One step stopped the event loop for long: whose work it was; `other` when nobody knows."""

    platform: str
    operation: str
    seconds: float


class ConnectionRefused(Struct, frozen=True):
    """A connection was refused or closed before anybody knew whose it is. `address` is where it came from."""

    why: str
    address: str


class AuthenticationFailed(Struct, frozen=True):
    """A call came without a credential that opens it: `why` missing, unknown, expired, revoked or no-platform.

    The token is not told.
    """

    why: str
    call: str
    address: str


class AdministratorCalled(Struct, frozen=True):
    """A call was made under the administrator's token, which stands for no person; the token is not told."""

    call: str
    address: str


class EmergencyCalled(Struct, frozen=True):
    """A call was made under the emergency token, which is an alarm; the token is not told."""

    call: str
    address: str


class DeliveryUnrouted(Struct, frozen=True):
    """A routed kind has no platform that could take the message."""

    message_id: str
    kind: str
    type: str


class AttemptEnded(Struct, frozen=True):
    """One try came to its end. `status` None: no answer. `verdict`: accepted, refused, retry, dead, credentials.

    `started_at`: when it was sent; `waited`: seconds between the receipt of its message and that.
    """

    delivery_id: str
    message_id: str
    platform: str
    type: str
    number: int
    verdict: str
    status: int | None
    seconds: float
    code: str | None = None
    trace_id: str | None = None
    started_at: datetime | None = None
    waited: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it brought neither yes nor no."""
        return self.verdict not in ("accepted", "refused")

    @property
    def unanswered(self) -> bool:
        """Whether no answer came at all."""
        return self.status is None

    @property
    def first(self) -> bool:
        """Whether it is the delivery's first."""
        return self.number == 1


class DeliverySettled(Struct, frozen=True):
    """A delivery reached delivered, refused or dead. `seconds`: since its message was received."""

    delivery_id: str
    message_id: str
    platform: str
    type: str
    state: str
    attempts: int
    seconds: float
    code: str | None = None
    trace_id: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the platform accepted it."""
        return self.state == "delivered"

    @property
    def refused(self) -> bool:
        """Whether the platform understood it and said no."""
        return self.state == "refused"

    @property
    def dead(self) -> bool:
        """Whether we gave it up."""
        return self.state == "dead"


class DeliveryWaits(Struct, frozen=True):
    """Of the deliveries that stand alike, this one has waited longest, and that is long. `state` is as it is shown."""

    delivery_id: str
    platform: str
    kind: str
    state: str
    held_by: str | None
    count: int
    seconds: float


class CommitEnded(Struct, frozen=True):
    """The ledger wrote a batch: how many operations shared its transaction, and how long that took."""

    operations: int
    seconds: float


class InboxAsked(Struct, frozen=True):
    """A platform that fetches for itself asked for its inbox, and was given so many deliveries."""

    platform: str
    given: int


class DeliveryLeased(Struct, frozen=True):
    """A platform fetched a delivery and has it until its receipt, or until the lease lapses."""

    delivery_id: str
    message_id: str
    platform: str
    type: str
    number: int
    trace_id: str | None = None


class LeaseLapsed(Struct, frozen=True):
    """No receipt came in time: the delivery is ready again in its place, and in doubt."""

    delivery_id: str
    message_id: str
    platform: str
    type: str
    number: int


class ReceiptLate(Struct, frozen=True):
    """A receipt came after its lease had lapsed, and was applied, since nobody had fetched the delivery again."""

    delivery_id: str
    message_id: str
    platform: str
    type: str
    number: int
    trace_id: str | None = None


class PlatformHeld(Struct, frozen=True):
    """A whole platform waits: `by` breaker, credentials or paused. This is the alert; it comes once a hold."""

    platform: str
    by: str
    code: str | None = None


class PlatformReleased(Struct, frozen=True):
    """A platform's hold was lifted."""

    platform: str
    by: str


class EndpointHeld(Struct, frozen=True):
    """One endpoint waits, a message type to a platform: what answers it fails, the platform is there. Once a hold."""

    platform: str
    type: str
    code: str | None = None


class EndpointReleased(Struct, frozen=True):
    """An endpoint's hold was lifted."""

    platform: str
    type: str


class AttemptTakenBack(Struct, frozen=True):
    """An attempt was begun, waited for its turn, and never spoke: its platform was held or changed meanwhile."""

    delivery_id: str
    message_id: str
    platform: str
    type: str


class ClaimLost(Struct, frozen=True):
    """Another process delivers to a platform now; this one stopped."""

    platform: str


class DeliveryStopped(Struct, frozen=True):
    """This process delivers nothing any more, and people have to see to it. `code` says why."""

    code: str


class DeliveryStumbled(Struct, frozen=True):
    """The gateway itself failed while delivering (not the platform): our operators look into it."""

    platform: str
    error: str


class FieldDrifted(Struct, frozen=True):
    """A platform sent what its adapter does not know: `what` unknown, vanished, code, type or schema.

    `path` is the native field's; `times` how often in one body; `new`: nobody was told of it before.
    """

    platform: str
    operation: str
    what: str
    path: str
    times: int
    new: bool


class LedgerPruned(Struct, frozen=True):
    """So much of one message type went from the ledger: `what` messages, bodies or rejections; `size` in bytes."""

    actor: str
    type: str
    what: str
    count: int
    size: int


Event = (
    MessageAccepted
    | DocumentRejected
    | IntakeBusy
    | CallLimited
    | BatchEnded
    | ReadApart
    | LoopLagged
    | LoopBlocked
    | ConnectionRefused
    | AuthenticationFailed
    | AdministratorCalled
    | EmergencyCalled
    | DeliveryUnrouted
    | AttemptEnded
    | DeliverySettled
    | InboxAsked
    | DeliveryLeased
    | LeaseLapsed
    | ReceiptLate
    | DeliveryWaits
    | CommitEnded
    | PlatformHeld
    | PlatformReleased
    | EndpointHeld
    | EndpointReleased
    | AttemptTakenBack
    | ClaimLost
    | DeliveryStopped
    | DeliveryStumbled
    | FieldDrifted
    | LedgerPruned
)
Hook = Callable[[Event], None]


class Events:
    """Calls every hook with every event, in order; a hook that raises is logged, and never stops its caller."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self._hooks = tuple(hooks)

    def __call__(self, event: Event) -> None:
        """Call the hooks; never raises."""
        for hook in self._hooks:
            try:
                hook(event)
            except Exception:
                _log.exception("a telemetry hook failed on %s", type(event).__name__)
