"""The audit, the tree's heads and proofs, and bundles of evidence."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from gateway.api.cases import CaseNumber, IssuedBy
from gateway.api.limits import StrictRoute
from gateway.api.models import Cursor, Limit, Moment, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Caller, TheHub
from gateway.api.sight import Sight, TheSight, message_in_sight
from gateway.audit.signing import SignedHead
from gateway.errors import Invalid, NotFound
from gateway.hub import Hub
from gateway.hub.evidence import shown_head, shown_leaf
from gateway.ledger.errors import leaf_waits, no_leaf
from gateway.ledger.records import AuditFilter, InclusionProof
from schemas.findings import Text


class DeedView(RestModel):
    """Who did what to what, when and why."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: dict[str, Any]


class DeedPage(RestModel):
    """Entries of the audit, newest first."""

    entries: list[DeedView]
    cursor: str | None


class HeadView(RestModel):
    """The tree as it was at a size, signed. What is signed: docs/proof.md."""

    origin: str = Field(description="The name of this ledger's tree")
    size: int = Field(description="How many leaves it had")
    root: str = Field(description="Its root, hexadecimal")
    at: int = Field(description="When it was signed: microseconds since 1970 in UTC")
    algorithm: str
    key_id: str = Field(description="The first 16 hexadecimal digits of the public key's SHA-256")
    public_key: str
    signature: str


class ProofView(RestModel):
    """That a leaf is in the tree: hashed with those of `path`, it gives the head's root."""

    kind: str
    subject: str
    digest: str = Field(description="SHA-256 of its statement, hexadecimal")
    at: int = Field(description="Microseconds since 1970 in UTC")
    leaf: str = Field(description="Its hash, hexadecimal")
    index: int
    path: list[str] = Field(description="The hashes beside its way to the root, from below")
    head: HeadView


class ConsistencyView(RestModel):
    """That the larger tree begins with all of the smaller one, unchanged (RFC 6962, section 2.1.2)."""

    from_size: int
    to_size: int
    path: list[str]


router = APIRouter(tags=["audit"], route_class=StrictRoute)

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_ONE_OF_TWO = Text(
    "请给出 message 或 leaf 之一；leaf 为 64 位十六进制数",
    "Give `message` or `leaf`, one of them; a leaf has 64 hexadecimal digits",
)


@router.get("/v1/audit", summary="What was done · 审计记录", responses=problems(401, 403, 422))
async def find(
    hub: TheHub,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=100, examples=["platform.put"])] = None,
    since: Moment = None,
    until: Moment = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DeedPage:
    """Give entries of the audit, newest first."""
    asked = AuditFilter(subject, actor, action, in_utc(since, hub.zone), in_utc(until, hub.zone))
    page = await hub.ledger.find_audit(asked, cursor, limit)
    return DeedPage(entries=[DeedView.of(entry) for entry in page.items], cursor=page.cursor)


@router.get("/v1/audit/head", summary="The signed head · 已签名的树头", responses=problems(401, 404))
async def newest(hub: TheHub, caller: Caller) -> HeadView:
    """Give the newest signed head. Keep it elsewhere: nobody can rewrite what it covers without being found out."""
    found = await hub.ledger.newest_head()
    if found is None:
        raise leaf_waits()
    return await _head(hub, found)


@router.get("/v1/audit/proof", summary="Prove a leaf · 包含证明", responses=problems(401, 403, 404, 422))
async def prove(
    hub: TheHub,
    sight: TheSight,
    message: Annotated[str | None, Query(max_length=100, description="A message's id")] = None,
    leaf: Annotated[str | None, Query(max_length=100, description="`leaf` of a receipt")] = None,
) -> ProofView:
    """Prove that a message was accepted, or that a leaf is in the tree; a platform proves what it sent or got."""
    if (message is None) == (leaf is None) or (leaf is not None and not _HEX.fullmatch(leaf)):
        raise Invalid(_ONE_OF_TWO, code="proof.of-what")
    if leaf is not None:
        proof = await hub.ledger.prove_leaf(bytes.fromhex(leaf))
    else:
        await _check_seen(hub, sight, message or "")
        proof = await hub.ledger.prove_message(message or "")
    await _check_seen(hub, sight, proof.leaf.subject)
    return await _proof(hub, proof)


@router.get(
    "/v1/audit/consistency", summary="Prove that nothing was rewritten · 一致性证明", responses=problems(401, 404, 422)
)
async def consistency(
    hub: TheHub,
    caller: Caller,
    old: Annotated[int, Query(alias="from", ge=0, le=2**60, description="The size of the older head")],
    new: Annotated[int, Query(alias="to", ge=0, le=2**60, description="The size of the newer head")],
) -> ConsistencyView:
    """Prove that the tree of one head begins with that of another."""
    proof = await hub.ledger.prove_consistency(old, new)
    return ConsistencyView(from_size=old, to_size=new, path=[each.hex() for each in proof.path])


_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


_Size = Annotated[int, Field(ge=1, le=2**60)]
Seen = Annotated[
    tuple[_Size, ...],
    Query(max_length=20, description="Sizes of heads that were kept elsewhere: the bundle is proved to continue them"),
]


@router.get(
    "/v1/messages/{message_id}/evidence",
    summary="Evidence of a message · 报文证据包",
    responses=problems(401, 403, 404) | _ZIP,
    response_class=Response,
)
async def of_message(
    hub: TheHub, actor: Actor, sight: TheSight, message_id: Annotated[str, Path(max_length=100)], head: Seen = ()
) -> Response:
    """Give a zip: bytes received and sent, attempts, leaves, proofs, the head, and the script that verifies them."""
    await message_in_sight(hub, sight, message_id)
    return _zip(await hub.evidence.of_message(message_id, actor, seen=head))


@router.get(
    "/v1/cases/{case_number:path}/evidence",
    summary="Evidence of a case · 案件证据包",
    responses=problems(401, 403, 404, 409, 422) | _ZIP,
    response_class=Response,
)
async def of_case(
    hub: TheHub, actor: Actor, case_number: CaseNumber, platform: IssuedBy = None, head: Seen = ()
) -> Response:
    """Give a zip with the evidence of every document of a case."""
    return _zip(await hub.evidence.of_case(case_number, actor, issued_by=platform, seen=head))


def _zip(content: bytes) -> Response:
    headers = {"content-disposition": 'attachment; filename="evidence.zip"', "x-content-type-options": "nosniff"}
    return Response(content, 200, headers, "application/zip")


async def _head(hub: Hub, found: SignedHead) -> HeadView:
    keys = {key.id: key.public for key in await hub.ledger.signing_keys()}
    return HeadView(**shown_head(found, keys[found.key_id]))


async def _proof(hub: Hub, proof: InclusionProof) -> ProofView:
    return ProofView(**shown_leaf(proof), head=await _head(hub, proof.head))


async def _check_seen(hub: Hub, sight: Sight, message_id: str) -> None:
    """Let a platform, or a person of some regions, prove only messages in sight; others are not there."""
    if sight.caller.platform is None and not sight.bounded:
        return
    try:
        await message_in_sight(hub, sight, message_id)
    except NotFound:
        raise no_leaf() from None
