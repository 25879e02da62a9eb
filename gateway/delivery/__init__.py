"""Delivers what the ledger holds: in order per lane, at least once, no platform in another's way."""

from gateway.delivery.dispatcher import Dispatcher
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.ping import Ping
from gateway.delivery.sender import Sender

__all__ = ["Dispatcher", "NoAnswer", "Ping", "Sender"]
