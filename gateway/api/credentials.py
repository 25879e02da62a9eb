"""The credentials under which platforms call the gateway: issued, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Instant, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.platforms import PlatformId
from gateway.api.rights import Actor, Intends, TheHub
from gateway.ledger.records import Contact, ContactWay, Credential


class CredentialOrder(RestModel):
    """What is said of a credential when it is issued; all of it may be left out, and so may the body."""

    label: str = Field(default="", max_length=200, description="What it is for, so that people know which to revoke")
    expires_at: Instant | None = Field(default=None, description="From then on it opens nothing; None: never")


class CredentialView(RestModel):
    """A credential as it is known; the secret is shown once, when it is issued."""

    id: str
    label: str
    created_at: datetime | None = Field(description="None: issued by a version that did not keep when")
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within a few seconds")


class IssuedCredential(RestModel):
    """A new credential, shown this once. Send it as `Authorization: Bearer …`."""

    credential: str
    id: str
    label: str
    created_at: datetime
    expires_at: datetime | None


class CredentialList(RestModel):
    """A platform's credentials, in the order of their issue."""

    credentials: list[CredentialView]


router = APIRouter(prefix="/v1/platforms/{platform_id}/credentials", tags=["platforms"], route_class=StrictRoute)

CredentialId = Annotated[str, Path(max_length=100, description="The credential's id, as the list says it")]


@router.post(
    "",
    status_code=201,
    summary="Issue a credential · 签发凭据",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def issue(
    hub: TheHub, intends: Intends, platform_id: PlatformId, order: CredentialOrder | None = None
) -> IssuedCredential:
    """Make a credential for the platform's calls; it is shown this once and kept only as a hash.

    The others stay what they are, so that a platform changes over while both are good.
    """
    asked = order or CredentialOrder()
    issued = await hub.platforms.issue_credential(
        platform_id, intends(""), asked.label, in_utc(asked.expires_at, hub.zone)
    )
    kept = {name: getattr(issued.credential, name) for name in ("id", "label", "created_at", "expires_at")}
    return IssuedCredential(credential=issued.token, **kept)


@router.get("", summary="List credentials · 凭据列表", responses=problems(401, 403, 404))
async def find(hub: TheHub, actor: Actor, platform_id: PlatformId) -> CredentialList:
    """Give every credential of a platform, with when it was used last; expired and revoked ones too."""
    credentials = await hub.platforms.credentials(platform_id)
    used = {each.name: each for each in await hub.contacts.of(platform_id) if each.way is ContactWay.CREDENTIAL}
    return CredentialList(credentials=[_view(one, used.get(one.id)) for one in credentials])


@router.delete(
    "/{credential_id}",
    status_code=204,
    summary="Revoke a credential · 吊销凭据",
    responses=problems(400, 401, 403, 404, 409),
)
async def revoke(hub: TheHub, intends: Intends, platform_id: PlatformId, credential_id: CredentialId) -> Response:
    """Have a credential open nothing from now on, in every process; the platform's others stay what they are."""
    await hub.platforms.revoke_credential(platform_id, credential_id, intends(""))
    return Response(status_code=204)


def _view(credential: Credential, used: Contact | None) -> CredentialView:
    kept = {name: getattr(credential, name) for name in CredentialView.model_fields if name != "last_used_at"}
    return CredentialView(**kept, last_used_at=used.at if used else None)
