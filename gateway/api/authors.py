"""Whose bundles an author may change: those that only platforms of their regions speak, and new ones of theirs."""

from __future__ import annotations

from gateway.api.sight import Sight, outside
from gateway.hub import Hub
from gateway.ledger.versions import AdapterVersion
from gateway.platforms.registration import region_faults
from schemas.findings import Rejected, Text

_NO_REGION = Text(
    "region 不是有效的行政区划，请按 errors 更正后重发",
    "`region` is none: correct it as `errors` says and send it again",
)
_WHICH_REGION = Text(
    "本人有多个区域；请用 ?region= 指明适配包属于哪个区域",
    "You work for several regions: say with ?region= whose bundle it is",
)


def region_of_upload(hub: Hub, sight: Sight, said: str) -> str:
    """Give whose an uploaded bundle is: the region that was said, else the author's, if it is one.

    Rejected `bundle.region` for what is no region, and where several could be meant; Forbidden `region.outside`.
    """
    regions = () if sight.caller.person is None else sight.caller.person.regions
    if not said and len(regions) > 1:
        raise Rejected("bundle.region", _WHICH_REGION)
    region = said or "".join(regions)
    if region and (faults := list(region_faults(region, "region", hub.platforms.directory.registry.areas))):
        raise Rejected("bundle.region", _NO_REGION, faults)
    if region and not sight.place(region):
        raise outside()
    return region


async def check_author(hub: Hub, sight: Sight, name: str, draft: AdapterVersion | None = None) -> None:
    """Let whoever works for some regions change an adapter of these; Forbidden `region.outside`.

    While platforms speak it (any version), it is theirs: all of them must be of these regions. While none does, it is
    whose its versions say: all of them, and the draft that is to join them.
    """
    if not sight.bounded:
        return
    speakers = [one.id for one in await hub.platforms.all() if one.adapter == name]
    if speakers:
        allowed = all(map(sight.platform, speakers))
    else:
        kept = [one.kept.region for one in await hub.releases.all() if one.kept.name == name]
        owners = [*kept, draft.region] if draft is not None else kept
        allowed = all(one and sight.place(one) for one in owners)
    if not allowed:
        raise outside()
