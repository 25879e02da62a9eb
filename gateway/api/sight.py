"""What a caller may see: a platform what it sent or got, a person what belongs to one of their regions.

What is out of sight is not there: lists leave it out, and asked for it answers 404, the same as for what never was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, TypeVar

from fastapi import Depends
from msgspec import Struct

from gateway.access import Principal
from gateway.api.rights import Caller, TheHub, own_id
from gateway.errors import Forbidden
from gateway.hub import Hub
from gateway.intake.coverage import Coverage
from gateway.ledger.errors import no_delivery, no_message
from gateway.ledger.records import Rejection, ResultPage
from gateway.message import Delivery, Message
from schemas.findings import Text

T = TypeVar("T")

MOST_PAGES = 20
"""Pages of a list that are looked through at once for something in sight; the cursor goes on from there."""

_OUTSIDE = Text(
    "超出本人的区域；GET /v1/me 列出本人的区域",
    "This is outside of your regions; GET /v1/me tells which they are",
)


class Sight(Struct, frozen=True):
    """What one caller may see, by one revision of the registry.

    A person without regions sees everything, and so does the administrator.
    """

    caller: Principal
    coverage: Coverage

    @property
    def bounded(self) -> bool:
        """Whether it is a person who works for some regions only."""
        return bool(self._regions)

    @property
    def _regions(self) -> Sequence[str]:
        return () if self.caller.person is None else self.caller.person.regions

    def place(self, code: str) -> bool:
        """Tell whether a region or area lies in one of the person's, or took the place of one that did."""
        return not self.bounded or self.coverage.lies_in(code, self._regions)

    def platform(self, platform_id: str | None) -> bool:
        """Tell whether a person may see a platform; its id ends with its region, also once it is forgotten."""
        return not self.bounded or (platform_id is not None and self.place(platform_id.rpartition(".")[2]))

    def message(self, message: Message, deliveries: Iterable[Delivery]) -> bool:
        """The source and the destinations see a message, and people whose region it is about or one of these is of."""
        concerned = (message.source, *(one.platform for one in deliveries))
        if self.caller.platform is not None:
            return self.caller.platform.id in concerned
        return self.place(message.region) or any(map(self.platform, concerned))

    def delivery(self, message: Message, delivery: Delivery) -> bool:
        """A destination sees its own delivery, the source all; people those of the own region, sent or got."""
        if self.caller.platform is not None:
            return own_id(self.caller) in (message.source, delivery.platform)
        return self.place(message.region) or self.platform(message.source) or self.platform(delivery.platform)

    def package(self, message: Message) -> bool:
        """Tell whether a person may see the bytes a message came in: other records of its sender are in them."""
        return self.platform(message.source)

    def rejection(self, rejection: Rejection) -> bool:
        """A platform sees its own rejections, people those of their regions' platforms."""
        if self.caller.platform is not None:
            return own_id(self.caller) == rejection.platform
        return self.platform(rejection.platform)

    def check_platform(self, platform_id: str | None) -> None:
        """Refuse (403 `region.outside`) to act on a platform, or on all of them, outside of a person's regions."""
        if not self.platform(platform_id):
            raise outside()

    def check_place(self, code: str) -> None:
        """Refuse (403 `region.outside`) to tell of a region or area as a whole that is outside of a person's."""
        if not self.place(code):
            raise outside()


def outside() -> Forbidden:
    """Say that something is outside of a person's regions."""
    return Forbidden(_OUTSIDE, code="region.outside")


def sight(hub: TheHub, caller: Caller) -> Sight:
    """Give what the caller of a request may see."""
    return Sight(caller, hub.platforms.directory.coverage)


TheSight = Annotated[Sight, Depends(sight)]


async def message_in_sight(hub: Hub, sight: Sight, message_id: str) -> tuple[Message, Sequence[Delivery]]:
    """Give a message with those of its deliveries that the caller sees; NotFound `message.unknown`."""
    message = await hub.ledger.message(message_id)
    if message is None:
        raise no_message(message_id)
    deliveries = await hub.ledger.deliveries_of(message_id)
    if not sight.message(message, deliveries):
        raise no_message(message_id)
    return message, [one for one in deliveries if sight.delivery(message, one)]


async def delivery_in_sight(hub: Hub, sight: Sight, delivery_id: str) -> Delivery:
    """Give a delivery; NotFound `delivery.unknown`, also for one that is out of the caller's sight."""
    delivery = await hub.ledger.delivery(delivery_id)
    if delivery is None or not await is_in_sight(hub, sight, delivery):
        raise no_delivery(delivery_id)
    return delivery


async def is_in_sight(hub: Hub, sight: Sight, delivery: Delivery) -> bool:
    """Tell whether a person sees a delivery; its message is read only where its platform does not tell."""
    if sight.platform(delivery.platform):
        return True
    message = await hub.ledger.message(delivery.message_id)
    return message is not None and sight.delivery(message, delivery)


async def page_in_sight(
    read: Callable[[str | None], Awaitable[ResultPage[T]]],
    seen: Callable[[T], Awaitable[bool]],
    cursor: str | None,
) -> ResultPage[T]:
    """Give the next page of a list with what is in sight of it: shorter than asked for, and empty only where
    `MOST_PAGES` had nothing; the cursor goes on in any case.
    """
    for _ in range(MOST_PAGES):
        page = await read(cursor)
        found = tuple([one for one in page.items if await seen(one)])
        if found or page.cursor is None:
            return ResultPage(found, page.cursor)
        cursor = page.cursor
    return ResultPage((), cursor)
