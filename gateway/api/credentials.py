"""The credentials under which platforms call the gateway: issued, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Instant, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.platforms import PlatformId
from gateway.api.rights import Actor, Intends, TheHub
from gateway.ledger.records import Contact, ContactWay, Credential

Kind = Literal["bearer", "hmac", "webhook", "sm2"]


class CredentialOrder(RestModel):
    """What is said of a credential when it is issued; all of it may be left out, and so may the body."""

    label: str = Field(default="", max_length=200, description="What it is for, so that people know which to revoke")
    expires_at: Instant | None = Field(default=None, description="From then on it opens nothing; None: never")
    kind: Kind = Field(
        default="bearer",
        description="`bearer`: it is sent as it is. `hmac`: it signs calls. `webhook`: it signs bodies, as Standard "
        "Webhooks says. `sm2`: the platform's own key of SM2 signs, of which the gateway has the public half",
    )
    public_key: str = Field(
        default="", max_length=200, description="Of the kind `sm2`: the key's point, in hexadecimal digits"
    )


class CredentialView(RestModel):
    """A credential as it is known; the secret is shown once, when it is issued."""

    id: str
    kind: str
    label: str
    created_at: datetime | None = Field(description="None: issued by a version that did not keep when")
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within a few seconds")


class IssuedCredential(RestModel):
    """A new credential, shown this once. Of the kind `bearer` send it as `Authorization: Bearer …`."""

    credential: str | None = Field(description="The secret; None for `sm2`, whose secret only the platform has")
    id: str = Field(description="What a call that is signed names its key by")
    kind: str
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
    """Make a credential for the platform's calls; it is shown this once. One that is sent is kept only as a hash.

    The others stay what they are, so that a platform changes over while both are good.
    """
    asked = order or CredentialOrder()
    issued = await hub.platforms.issue_credential(
        platform_id,
        intends(""),
        asked.label,
        in_utc(asked.expires_at, hub.zone),
        asked.kind,
        asked.public_key,
    )
    kept = {name: getattr(issued.credential, name) for name in ("id", "kind", "label", "created_at", "expires_at")}
    return IssuedCredential(credential=issued.token or None, **kept)


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
