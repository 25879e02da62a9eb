"""The people who work with the gateway, and what the gateway knows of who calls."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Instant, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import PEOPLES, Actor, Caller, Intends, TheHub
from gateway.api.unmasking import UnmaskingView
from gateway.ledger.records import Person

_ROLES = [role.value for role in PEOPLES]


def _a_role(name: str) -> str:
    if name not in _ROLES:
        raise ValueError(f"one of {', '.join(_ROLES)}")
    return name


RoleName = Annotated[str, AfterValidator(_a_role), Field(json_schema_extra={"enum": _ROLES})]


class PersonOrder(RestModel):
    """Who is given a token, and for what."""

    id: str = Field(
        max_length=63,
        description="How what this person does is recorded: small letters, digits and hyphens; given once, for good",
        examples=["wang-wei"],
    )
    name: str = Field(min_length=1, max_length=100, pattern=r"\S", examples=["王伟"])
    roles: list[RoleName] = Field(min_length=1, max_length=len(_ROLES), description="Each may what a viewer may")
    expires_at: Instant | None = Field(default=None, description="From then on the token opens nothing; None: never")
    regions: list[Annotated[str, Field(max_length=13)]] = Field(
        default_factory=list,
        max_length=200,
        description="Where this person works, with all that lies in it: codes of GB/T 2260 or of `/v1/areas`; none: "
        "everywhere. What belongs to other regions is not there for them",
        examples=[["330000"]],
    )


class PersonView(RestModel):
    """A person; the token is shown once, when it is given."""

    id: str
    name: str
    roles: list[str]
    regions: list[str] = Field(description="None: everywhere")
    created_at: datetime
    expires_at: datetime | None
    removed_at: datetime | None = Field(description="From then on the token opens nothing")


class JoinedPerson(PersonView):
    """A new person with their token, shown this once. Send it as `Authorization: Bearer …`."""

    token: str


class PersonList(RestModel):
    """Everybody by id, those who were removed too: what they did stays theirs."""

    people: list[PersonView]


class Me(RestModel):
    """Who calls, as the gateway knows them."""

    kind: Literal["platform", "person", "administrator"]
    id: str = Field(description="The name under which what the caller does is recorded")
    name: str
    roles: list[str] = Field(description="What a person may; the administrator's token has every role")
    regions: list[str] = Field(description="Where a person works, with all that lies in it; none: everywhere")
    unmasked: list[UnmaskingView] = Field(description="Of what a person sees personal values now, and until when")


router = APIRouter(tags=["people"], route_class=StrictRoute)

PersonId = Annotated[str, Path(max_length=100, description="The person's id")]


@router.get("/v1/me", summary="Who am I? · 本人", responses=problems(401))
async def me(hub: TheHub, caller: Caller, actor: Actor) -> Me:
    """Give who calls, which roles they have, for which regions, and what they see unmasked."""
    if caller.platform is not None:
        return Me(kind="platform", id=actor, name=actor, roles=[], regions=[caller.platform.region], unmasked=[])
    if caller.person is not None:
        person = caller.person
        standing = await hub.ledger.unmaskings(person.id, hub.clock())
        return Me(
            kind="person",
            id=actor,
            name=person.name,
            roles=list(person.roles),
            regions=list(person.regions),
            unmasked=[UnmaskingView.of(one) for one in standing],
        )
    return Me(kind="administrator", id=actor, name=actor, roles=_ROLES, regions=[], unmasked=[])


@router.get("/v1/people", summary="List people · 人员列表", responses=problems(401, 403))
async def find(hub: TheHub, actor: Actor) -> PersonList:
    """Give everybody with their roles; tokens are never shown again."""
    return PersonList(people=[_view(one) for one in await hub.people.all()])


@router.post(
    "/v1/people",
    status_code=201,
    summary="Give somebody a token · 增加人员",
    responses=problems(400, 401, 403, 409, 415, 422),
)
async def add(hub: TheHub, intends: Intends, order: PersonOrder) -> JoinedPerson:
    """Give somebody a token with roles; it is shown this once and kept only as a hash."""
    until = in_utc(order.expires_at, hub.zone)
    joined = await hub.people.add(order.id, order.name, order.roles, intends(""), until, order.regions)
    return JoinedPerson(**dict(_view(joined.person)), token=joined.token)


@router.delete(
    "/v1/people/{person_id}",
    status_code=204,
    summary="Take somebody's token back · 移除人员",
    responses=problems(400, 401, 403, 404, 409),
)
async def remove(hub: TheHub, intends: Intends, person_id: PersonId) -> Response:
    """Have somebody's token open nothing from now on, in every process; what they did stays theirs."""
    await hub.people.remove(person_id, intends(""))
    return Response(status_code=204)


def _view(person: Person) -> PersonView:
    kept = {name: getattr(person, name) for name in PersonView.model_fields if name not in ("roles", "regions")}
    return PersonView(**kept, roles=list(person.roles), regions=list(person.regions))
