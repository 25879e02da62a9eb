"""The people who work with the gateway, each under a token of their own; a change of them is one of the register's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from gateway.access import hash_token, new_token
from gateway.access.oidc import NATIONAL_ROLES
from gateway.errors import Conflict
from gateway.ledger.base import Ledger
from gateway.ledger.records import Intent, Person
from gateway.platforms.register import OVER_ALREADY, Register, secret_shown
from gateway.platforms.registration import region_faults
from schemas.findings import Rejected, Text

_ID = re.compile(r"[a-z][a-z0-9-]{1,62}")

_TAKEN = frozenset(("admin", "emergency", "gateway", "operator"))
"""What the audit names that is no person; platforms' ids have a dot, which no person's has."""

_NO_ID = Text(
    "人员编号须以小写字母开头，由 2 至 63 个小写字母、数字和连字符组成，且不能是 admin、emergency、gateway、operator",
    "An id begins with a small letter and has 2 to 63 of small letters, digits and hyphens; "
    "admin, emergency, gateway and operator are none",
)

_NO_REGION = Text(
    "regions 中有不存在的行政区划，请按 errors 更正后重发",
    "`regions` names what is no region: correct it as `errors` says and send it again",
)


def _everywhere(roles: Iterable[str]) -> Text:
    named = ", ".join(sorted(roles))
    return Text(
        f"角色 {named} 不分区域；请去掉 regions，或为本区域的工作另设人员",
        f"{named} is not divided by region: leave `regions` out, or add another person for the work of a region",
    )


class Joined(Struct, frozen=True):
    """A new person, and their token: this is the one time it can be read."""

    token: str
    person: Person


class People:
    """Everybody who was given a token and roles."""

    def __init__(self, ledger: Ledger, register: Register) -> None:
        self._ledger = ledger
        self._register = register

    async def all(self) -> Sequence[Person]:
        """Give everybody by id, those who were removed too."""
        return await self._ledger.people()

    async def add(
        self,
        person_id: str,
        name: str,
        roles: Sequence[str],
        intent: Intent,
        expires_at: datetime | None = None,
        regions: Sequence[str] = (),
    ) -> Joined:
        """Give somebody a token; Conflict `person.exists`, Rejected `person.invalid`.

        `regions`: the codes of where they work, with all that lies in them; none: everywhere.
        Conflict `idempotency.secret-shown` for a key that was used before.
        """
        if not _ID.fullmatch(person_id) or person_id in _TAKEN:
            raise Rejected("person.invalid", _NO_ID)
        if expires_at is not None and expires_at <= intent.at:
            raise Rejected("person.invalid", OVER_ALREADY)
        if regions and (everywhere := NATIONAL_ROLES.intersection(roles)):
            raise Rejected("person.invalid", _everywhere(everywhere))
        areas = self._register.directory.registry.areas
        if faults := [one for code in regions for one in region_faults(code, "regions", areas)]:
            raise Rejected("person.invalid", _NO_REGION, faults)
        token = new_token()
        person = Person(
            person_id,
            name,
            hash_token(token),
            tuple(sorted(set(roles))),
            intent.at,
            expires_at,
            regions=tuple(sorted(set(regions))),
        )

        async def change() -> Joined:
            try:
                await self._ledger.add_person(person, intent)
            except Conflict as error:
                raise secret_shown() if error.code == "idempotency.key-reused" else error from None
            await self._register.take_over()
            return Joined(token, person)

        return await self._register.change(change)

    async def remove(self, person_id: str, intent: Intent) -> None:
        """Have somebody's token open nothing any more; NotFound `person.unknown`. Once it was, nothing happens."""

        async def change() -> None:
            await self._ledger.remove_person(person_id, intent)
            await self._register.take_over()

        await self._register.change(change)
