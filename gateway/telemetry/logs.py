"""Structured logs: one JSON object a line, with the message id and the trace id, without personal data."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from functools import cache, cached_property
from typing import IO, Any

import structlog

from gateway.clock import Clock, Ticks, monotonic, system_clock
from gateway.telemetry.events import (
    AdministratorCalled,
    AttemptEnded,
    AuthenticationFailed,
    BatchEnded,
    CallLimited,
    ClaimLost,
    CommitEnded,
    ConnectionRefused,
    DeliverySettled,
    DeliveryStopped,
    DeliveryStumbled,
    DeliveryUnrouted,
    DeliveryWaits,
    DocumentRejected,
    EmergencyCalled,
    EndpointHeld,
    EndpointReleased,
    Event,
    FieldDrifted,
    IntakeBusy,
    LeaseLapsed,
    LoopBlocked,
    LoopLagged,
    PlatformHeld,
    PlatformReleased,
    ReadApart,
    ReceiptLate,
)
from schemas.plain import plain
from schemas.scalars import CHINA_TIME

_NEVER = 0
"""Not written down: it comes many times a second, and is a metric."""

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def _name(event: str) -> str:
    """Give the name under which an event is logged: `message.accepted` for MessageAccepted."""
    return _WORD.sub(".", event).lower()


def configure(
    level: str = "info", *, stream: IO[str] | None = None, zone: tzinfo = CHINA_TIME, clock: Clock = system_clock
) -> None:
    """Send our logs and everybody else's through one JSON renderer to `stream` (standard error).

    Their times stand in `zone`, with its offset.
    """

    def stamped(_logger: Any, _method: str, said: Any) -> Any:
        return {**said, "timestamp": clock().astimezone(zone).isoformat(timespec="milliseconds")}

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        stamped,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
                _plain,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _plain(_logger: Any, _method: str, line: Any) -> str:
    """Neutralise what JSON leaves as it is in a line: texts in it may be a stranger's."""
    return plain(line)


class Repeats:
    """Lets through the first of equal events and then one in a while, with how many there were meanwhile.

    What strangers and callers without patience do is told by this: nobody can fill the log by knocking.
    """

    def __init__(self, ticks: Ticks, *, every: float = 10.0, most: int = 1000) -> None:
        self._ticks = ticks
        self._every = every
        self._most = most
        self._told: dict[Event, tuple[float, int]] = {}

    def __call__(self, event: Event) -> int:
        """Give how many events one line is to tell now, this one included; 0: it is not to be told now."""
        now = self._ticks()
        since, times = self._told.get(event, (now - self._every, 0))
        if now - since < self._every:
            self._told[event] = since, times + 1
            return 0
        self._told.pop(event, None)
        if len(self._told) >= self._most:
            del self._told[next(iter(self._told))]
        self._told[event] = now, 0
        return times + 1


class LogHook:
    """A hook that writes down what an operator should read; the ordinary flow stays at debug."""

    def __init__(self, logger: Any = None, ticks: Ticks = monotonic) -> None:
        self._given = logger or structlog.get_logger("hutong")
        self._repeats = Repeats(ticks)

    @cached_property
    def _logger(self) -> Any:
        return self._given.bind()  # once, and not before logging was configured

    def __call__(self, event: Event) -> None:
        """Write one event at its level."""
        level = _level(event)
        if level == _NEVER or not self._logger.is_enabled_for(level):
            return
        said = _said(event)
        if isinstance(event, ConnectionRefused | AuthenticationFailed | AdministratorCalled | CallLimited):
            times = self._repeats(event)
            if not times:
                return
            said["times"] = times
        self._logger.log(level, _name(type(event).__name__), **said)


_LEVELS: Mapping[type[Event], int | Callable[[Any], int]] = {
    DeliveryStopped: logging.CRITICAL,
    PlatformHeld: logging.ERROR,
    EndpointHeld: logging.ERROR,
    DeliveryStumbled: logging.ERROR,
    ClaimLost: logging.ERROR,
    DeliveryUnrouted: logging.WARNING,
    DeliveryWaits: logging.WARNING,
    EmergencyCalled: logging.ERROR,
    LoopBlocked: logging.WARNING,
    ConnectionRefused: logging.WARNING,
    AuthenticationFailed: logging.WARNING,
    AdministratorCalled: logging.INFO,
    PlatformReleased: logging.INFO,
    EndpointReleased: logging.INFO,
    LeaseLapsed: logging.INFO,
    ReceiptLate: logging.INFO,
    DocumentRejected: logging.INFO,
    IntakeBusy: logging.INFO,
    CallLimited: logging.INFO,
    BatchEnded: logging.INFO,
    LoopLagged: _NEVER,
    CommitEnded: _NEVER,
    DeliverySettled: lambda event: {"dead": logging.WARNING, "refused": logging.INFO}.get(event.state, logging.DEBUG),
    FieldDrifted: lambda event: logging.WARNING if event.new else logging.DEBUG,
    ReadApart: lambda event: logging.DEBUG if event.outcome in ("ok", "rejected") else logging.WARNING,
    AttemptEnded: lambda event: logging.DEBUG if event.verdict in ("accepted", "refused") else logging.INFO,
}
"""At which level events are written down; the others at debug."""


def _level(event: Event) -> int:
    level = _LEVELS.get(type(event), logging.DEBUG)
    return level if isinstance(level, int) else level(event)


def _said(event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    return {name: _written(value) for name, value in values.items() if value is not None}


def _written(value: Any) -> Any:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
