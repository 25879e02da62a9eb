"""Who answers for an uploaded bundle: the keys of regions, and what their signatures let in."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from adapters.bundle import signature as signatures
from adapters.bundle.signature import BundleSignature
from gateway.errors import Conflict, Forbidden
from gateway.intake.directory import Directory
from gateway.ledger.base import Ledger
from gateway.ledger.errors import bundle_key_ended
from gateway.ledger.records import Intent
from gateway.ledger.versions import AdapterVersion, BundleKey
from schemas import regions
from schemas.findings import Finding, Rejected, Text

_log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=5)
"""By how much a signer's clock may be ahead of ours."""

_LATEST = 253_402_300_799
"""The last moment that a time can name."""


class Signatures:
    """The keys with which regions sign bundles, and the judgement of what is uploaded.

    `required`: nothing is taken without a signature. Else a region's bundles need one from the moment on at which
    a key was registered that is good for it: whoever leaves a signature away gets no further than who forges one.
    """

    def __init__(self, ledger: Ledger, directory: Directory, *, required: bool) -> None:
        self._ledger = ledger
        self._directory = directory
        self._required = required

    # ── keys ──────────────────────────────────────────────────────────────────────────────────
    async def keys(self) -> Sequence[BundleKey]:
        """Give every key in the order of their registration, also those that were revoked."""
        return await self._ledger.bundle_keys()

    async def add(
        self, kind: str, public: str, region: str, label: str, intent: Intent, expires_at: datetime | None = None
    ) -> BundleKey:
        """Register a region's key, of which the public half is given.

        Rejected `bundle-key.invalid` for what is none; Conflict `bundle-key.exists`.
        """
        try:
            read = signatures.public_key(kind, public)
        except ValueError as error:
            raise Rejected("bundle-key.invalid", _no_key(str(error))) from None
        if expires_at is not None and expires_at <= intent.at:
            raise Rejected("bundle-key.invalid", _OVER)
        key = BundleKey(signatures.key_name(read), kind, read.hex(), region, label, intent.at, expires_at)
        await self._ledger.add_bundle_key(key, intent)
        return key

    async def revoke(self, key_id: str, intent: Intent) -> None:
        """Have a key sign nothing any more; NotFound `bundle-key.unknown`. Once it was, nothing happens."""
        await self._ledger.revoke_bundle_key(key_id, intent)

    # ── uploads ───────────────────────────────────────────────────────────────────────────────
    async def judge(self, archive: bytes, said: str | None, now: datetime) -> BundleSignature | None:
        """Judge a signature (the header as it came) over an archive, of which nothing is read; None: there is none.

        Forbidden `signature.required` where there must be one, `signature.key`, `signature.wrong`, `signature.time`,
        `region.outside` for a key of another region; Rejected `signature.invalid` for what is no signature.
        """
        if said is None:
            if self._required:
                raise Forbidden(_REQUIRED, code="signature.required")
            return None
        try:
            signature = signatures.read_signature(said)
        except ValueError:
            raise Rejected("signature.invalid", _NO_SIGNATURE) from None
        key = next((one for one in await self.keys() if one.id == signature.key), None)
        if key is None or key.ended(now):
            raise bundle_key_ended(signature.key)
        if not signatures.is_signed(key.kind, bytes.fromhex(key.public), signature, archive):
            raise Forbidden(_WRONG, code="signature.wrong")
        if signature.made > min((now + AHEAD).timestamp(), _LATEST):
            raise Forbidden(_AHEAD, code="signature.time")
        self._check_places(key, [signature.region])
        return signature

    async def check_draft(self, draft: AdapterVersion, versions: Sequence[AdapterVersion]) -> None:
        """Let a draft be kept beside the versions there are; `judge` let its archive pass.

        A key signs for its region only: whose the bundle is, whose the other versions of its name are, and all
        platforms that speak them must lie in it. What was signed before the newest version of its name was is an
        older one that somebody brings again: Forbidden `signature.superseded`.
        """
        others = [one for one in versions if one.name == draft.name]
        if any((one.version, one.digest) == (draft.version, draft.digest) for one in others):
            return
        places = list(self._places(draft, others))
        keys = await self.keys()
        if draft.signed_at is None:
            if any(self._covers(key, place) for key in keys for place in places):
                raise Forbidden(_REQUIRED, code="signature.required")
            _log.warning("%s is uploaded without a signature", draft.id)
            return
        self._check_places(next(key for key in keys if key.id == draft.signed_by), places)
        newest = max((one.signed_at for one in others if one.signed_at is not None), default=draft.signed_at)
        if draft.signed_at < newest:
            raise Forbidden(_SUPERSEDED, code="signature.superseded")

    async def check_standing(self, version: AdapterVersion) -> None:
        """Refuse to let a version go live whose signature counts no more, or that has none and must have one.

        Conflict `adapter.unsigned`.
        """
        if not version.uploaded or version.activated_at is not None:
            return
        key = next((one for one in await self.keys() if one.id == version.signed_by), None)
        revoked = key is not None and key.revoked_at is not None
        if revoked or (self._required and key is None):
            raise Conflict(_unsigned(version), code="adapter.unsigned")

    def _places(self, draft: AdapterVersion, others: Sequence[AdapterVersion]) -> Iterator[str]:
        """Give what regions an upload is about; an empty one is nobody's alone."""
        yield draft.region
        speakers = [one.region for one in self._directory.values() if one.adapter == draft.name]
        yield from speakers or (one.region for one in others)

    def _check_places(self, key: BundleKey, places: Sequence[str]) -> None:
        if not all(self._covers(key, place) for place in places):
            raise Forbidden(_outside(key), code="region.outside")

    def _covers(self, key: BundleKey, place: str) -> bool:
        if not place:
            return key.region == regions.NATIONAL
        return self._directory.coverage.lies_in(place, (key.region,))


def signed(draft: AdapterVersion, signature: BundleSignature | None) -> AdapterVersion:
    """Give a version as it is kept with its signature."""
    if signature is None:
        return draft
    return replace(
        draft,
        region=signature.region,
        signed_by=signature.key,
        signed_at=datetime.fromtimestamp(signature.made, UTC),
        signature=b64encode(signature.signature).decode(),
    )


def no_region(faults: Sequence[Finding]) -> Rejected:
    """Say that a key was given for what is no region: Rejected `bundle-key.invalid`."""
    return Rejected("bundle-key.invalid", _NO_REGION, faults)


def _outside(key: BundleKey) -> Text:
    return Text(
        f"密钥 {key.id} 属于区域 {key.region}，不能为其他区域的适配包签名",
        f"The key {key.id} is of the region {key.region}, and signs for no other's platforms",
    )


def _no_key(fault: str) -> Text:
    return Text(f"public_key 不是公钥：{fault}", f"public_key is no public key: {fault}")


def _unsigned(version: AdapterVersion) -> Text:
    return Text(
        f"{version.name} {version.version} 没有有效签名（未签名，或签名密钥已吊销）；请签名后以新版本号上传，"
        "或用 force 说明原因",
        f"{version.name} {version.version} has no signature that counts: none, or of a key that was revoked; sign it "
        "and upload it under a new number, or activate it with a reason under force",
    )


_NO_REGION = Text(
    "region 不是有效的行政区划，请按 errors 更正后重发",
    "`region` is none: correct it as `errors` says and send it again",
)
_OVER = Text("expires_at 已过去；请给出将来的时间", "expires_at is over already: give a time to come")
_REQUIRED = Text(
    "该区域的适配包须有签名；请用 hutong adapter sign 签名后上传",
    "A bundle of this region must be signed: sign it with `hutong adapter sign`, and upload it again",
)
_NO_SIGNATURE = Text(
    "Bundle-Signature 头不是签名；请原样发送 hutong adapter sign 写出的一行",
    "The header Bundle-Signature is no signature: send the line as `hutong adapter sign` wrote it",
)
_WRONG = Text(
    "签名与所上传的文件不符；签名针对 zip 文件的字节，重新打包后须重新签名",
    "The signature is not that of this archive: it is over the zip's bytes, and what is zipped again is signed again",
)
_AHEAD = Text(
    "签名时间在将来；请校准签名机器的时钟后重新签名",
    "The signature is of a time to come: set the clock of the machine that signs, and sign again",
)
_SUPERSEDED = Text(
    "签名早于该适配器已有版本的签名：这是旧的适配包；确需上传请重新签名",
    "It was signed before the newest version of this adapter was: an older bundle; sign it again if it is meant",
)
