"""The keys with which regions sign their bundles: registered, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Instant, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.platforms.registration import region_faults
from gateway.releases.signatures import no_region


class BundleKeyOrder(RestModel):
    """A key and whose it is; `hutong adapter key new` makes one, and only its public half is told here."""

    kind: Literal["ed25519", "sm2"] = Field(description="What it signs with: Ed25519, or SM2 with SM3")
    public_key: str = Field(
        max_length=200, description="In hexadecimal digits: 64 of Ed25519; of SM2 the point, 128, with or without 04"
    )
    region: str = Field(
        max_length=13,
        description="It signs for this region, with all that lies in it, and no other",
        examples=["330000"],
    )
    label: str = Field(default="", max_length=200, description="Who has it, so that people know which to revoke")
    expires_at: Instant | None = Field(default=None, description="From then on it signs nothing; None: never")


class BundleKeyView(RestModel):
    """A key as it is known."""

    id: str = Field(description="The first 16 hexadecimal digits of the public key's SHA-256; signatures name it")
    kind: str
    public: str
    region: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class BundleKeyList(RestModel):
    """Every key in the order of their registration; those that were revoked, too."""

    keys: list[BundleKeyView]


router = APIRouter(prefix="/v1/bundle-keys", tags=["adapters"], route_class=StrictRoute)

KeyId = Annotated[str, Path(max_length=100, description="The key's id, as the list says it")]


@router.get("", summary="List keys for bundles · 适配包签名公钥", responses=problems(401, 403))
async def find(hub: TheHub, actor: Actor) -> BundleKeyList:
    """Give every key with its region; expired and revoked ones, too."""
    return BundleKeyList(keys=[BundleKeyView.of(one) for one in await hub.releases.signatures.keys()])


@router.post(
    "",
    status_code=201,
    summary="Register a key for bundles · 登记适配包签名公钥",
    responses=problems(400, 401, 403, 409, 415, 422),
)
async def add(hub: TheHub, intends: Intends, order: BundleKeyOrder) -> BundleKeyView:
    """Let a key sign the bundles of a region. From then on that region's bundles must be signed."""
    if faults := list(region_faults(order.region, "region", hub.platforms.directory.registry.areas)):
        raise no_region(faults)
    until = in_utc(order.expires_at, hub.zone)
    key = await hub.releases.signatures.add(order.kind, order.public_key, order.region, order.label, intends(""), until)
    return BundleKeyView.of(key)


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke a key for bundles · 吊销适配包签名公钥",
    responses=problems(400, 401, 403, 404, 409),
)
async def revoke(hub: TheHub, intends: Intends, key_id: KeyId) -> Response:
    """Have a key sign nothing from now on. What it signed and was never active does not go live without `force`."""
    await hub.releases.signatures.revoke(key_id, intends(""))
    return Response(status_code=204)
