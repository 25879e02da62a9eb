"""What a message becomes when a platform's number, which it spoke of as one of its own, turns out to be an alias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.message import Message, with_value
from schemas.catalog import TYPES, at


@dataclass(frozen=True, slots=True)
class Retie:
    """A number that was taken for one of its own, and what it stands for.

    `field` is the canonical field, `number` the platform's own name for `original`. What hung on
    the number stood in `correlation_id` and in the lane `ordering_key`; it belongs to the message
    that `original` came with, in `to_correlation_id` and the lane `to_ordering_key`.
    """

    field: str
    number: str
    original: str
    correlation_id: str
    ordering_key: str
    to_correlation_id: str
    to_ordering_key: str

    def speaks_of_it(self, numbers: Mapping[str, str]) -> bool:
        """Tell whether a message with these numbers speaks of it."""
        return numbers.get(self.field) == self.number

    def numbers(self, numbers: Mapping[str, str]) -> Mapping[str, str]:
        """Give the numbers that a message speaks of from now on."""
        return {**numbers, self.field: self.original} if self.speaks_of_it(numbers) else numbers

    def lane(self, lane: str) -> str:
        """Give the lane that a message or a delivery belongs to from now on."""
        return self.to_ordering_key if lane == self.ordering_key else lane

    def message(self, message: Message, numbers: Mapping[str, str]) -> Message:
        """Give a message as it is from now on: of the original's case, and in the words of its issuer."""
        moved = replace(
            message,
            correlation_id=self.to_correlation_id,
            ordering_key=self.lane(message.ordering_key),
        )
        if not self.speaks_of_it(numbers):
            return moved
        keys = {name: self._translated(name, value) for name, value in message.keys.items()}
        raw = {self.field: self.number, **message.raw_numbers}
        return replace(moved, document=self._document(message), keys=keys, raw_numbers=raw)

    def _translated(self, name: str, value: str) -> str:
        return self.original if (name, value) == (self.field, self.number) else value

    def _document(self, message: Message) -> Mapping[str, object]:
        document = message.document
        for path in TYPES[message.type].numbers if message.type in TYPES else ():
            if path.rpartition(".")[2] == self.field and at(document, path) == self.number:
                document = with_value(document, path, self.original)
        return document
