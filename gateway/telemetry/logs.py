"""Structured logs: one JSON object a line, with the message id and the trace id, without personal data."""

from __future__ import annotations

import logging
import re
import sys
from functools import cache
from typing import IO, Any

import structlog

from gateway.clock import Ticks, monotonic
from gateway.telemetry.events import (
    AttemptEnded,
    AuthenticationFailed,
    ClaimLost,
    ConnectionRefused,
    DeliverySettled,
    DeliveryStopped,
    DeliveryStumbled,
    DeliveryUnrouted,
    DocumentRejected,
    EndpointHeld,
    EndpointReleased,
    Event,
    FieldDrifted,
    IntakeBusy,
    LoopBlocked,
    LoopLagged,
    PlatformHeld,
    PlatformReleased,
    ReadApart,
)
from schemas.plain import plain

_NEVER = 1
"""Below every level that is asked for: it comes ten times a second, and is a metric."""

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def _name(event: str) -> str:
    """Give the name under which an event is logged: `message.accepted` for MessageAccepted."""
    return _WORD.sub(".", event).lower()


def configure(level: str = "info", *, stream: IO[str] | None = None) -> None:
    """Send our logs and everybody else's through one JSON renderer to `stream` (standard error)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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

    What strangers do is told by this: nobody can fill the log by knocking.
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
        self._logger = logger or structlog.get_logger("hutong")
        self._repeats = Repeats(ticks)

    def __call__(self, event: Event) -> None:
        """Write one event at its level."""
        level = _level(event)
        if not self._logger.is_enabled_for(level):
            return
        said = _said(event)
        if isinstance(event, ConnectionRefused | AuthenticationFailed):
            times = self._repeats(event)
            if not times:
                return
            said["times"] = times
        self._logger.log(level, _name(type(event).__name__), **said)


def _level(event: Event) -> int:
    match event:
        case DeliveryStopped():
            return logging.CRITICAL
        case PlatformHeld() | EndpointHeld() | DeliveryStumbled() | ClaimLost():
            return logging.ERROR
        case DeliverySettled(state="dead") | DeliveryUnrouted() | FieldDrifted(new=True):
            return logging.WARNING
        case LoopBlocked():
            return logging.WARNING
        case LoopLagged():
            return _NEVER
        case ReadApart(outcome=outcome) if outcome not in ("ok", "rejected"):
            return logging.WARNING
        case ConnectionRefused() | AuthenticationFailed():
            return logging.WARNING
        case DeliverySettled(state="refused") | PlatformReleased() | EndpointReleased():
            return logging.INFO
        case DocumentRejected() | IntakeBusy():
            return logging.INFO
        case AttemptEnded(verdict=verdict) if verdict not in ("accepted", "refused"):
            return logging.INFO
        case _:
            return logging.DEBUG


def _said(event: Event) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in event.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}
