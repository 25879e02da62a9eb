"""Who signs a bundle: judged over the zip's bytes before anything of them is read, for the signer's region only."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from adapters.bundle.signature import HEADER, KINDS, BundleSigner
from gateway.bootstrap import build
from gateway.settings import Settings

HOSTILE = b"PK\x03\x04 no zip, and never looked at"
NOW = int(datetime.now(UTC).timestamp())


class Province:
    """Signs with a key of its own."""

    def __init__(self, house, kind="ed25519"):
        self.house, self.signer = house, BundleSigner.new(kind)

    async def register(self, region="330000", **more):
        """Have the administrator register its key."""
        order = {"kind": self.signer.kind, "public_key": self.signer.public.hex(), "region": region, **more}
        return await self.house.admin("POST", "/v1/bundle-keys", json=order)

    async def revoke(self):
        """Have the administrator revoke it."""
        answer = await self.house.admin("DELETE", f"/v1/bundle-keys/{self.signer.id}")
        assert answer.status_code == 204

    async def push(self, archive, *, signed=None, region="330000", made=NOW, said=None, query=""):
        """Upload an archive with the signature of it, or of `signed`."""
        signature = said or self.signer.sign(archive if signed is None else signed, region, made).written()
        return await send(self.house, archive, signature, query)


async def send(house, archive, signature=None, query=""):
    """Upload as the administrator."""
    headers = {"Authorization": "Bearer the-admin-token-of-these-tests"} | ({HEADER: signature} if signature else {})
    return await house.client.post(f"/v1/adapters{query}", content=archive, headers=headers)


def refused(answer, status, code):
    """The upload was refused, and why."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.fixture(params=KINDS)
async def province(request, house):
    """Zhejiang with its registered key, whose platforms speak the small bundle."""
    made = Province(house, request.param)
    assert (await made.register(label="省厅")).status_code == 201
    return made


async def test_a_signed_bundle_is_kept_with_who_signed_it(house, province, bundle):
    """The answer, the list, and the audit say who, for which region, with which signature."""
    uploaded = await province.push(bundle())
    assert uploaded.status_code == 201, uploaded.text
    told = uploaded.json()
    assert (told["signed_by"], told["region"], told["warnings"]) == (province.signer.id, "330000", [])
    assert datetime.fromisoformat(told["signed_at"]).timestamp() == NOW
    [entry, *_] = (await house.admin("GET", "/v1/audit?subject=town@1.1.0")).json()["entries"]
    kept = entry["detail"]
    assert (entry["action"], kept["key"], kept["signature"]) == (
        "adapter.uploaded",
        province.signer.id,
        told["signature"],
    )
    [key] = (await house.admin("GET", "/v1/bundle-keys")).json()["keys"]
    assert (key["id"], key["label"], key["revoked_at"]) == (province.signer.id, "省厅", None)


async def test_what_was_not_signed_is_never_read(house, province, bundle):
    """A byte more or another, another's signature, a stranger's key, a malformed line: none gets to the zip."""
    archive = bundle()
    stranger = Province(house)
    for hostile in (HOSTILE, archive[:-1] + b"\x01", archive + b"\x00"):
        refused(await province.push(hostile, signed=archive), 403, "signature.wrong")
    refused(await province.push(archive, signed=bundle("1.2.0")), 403, "signature.wrong")
    refused(await stranger.push(HOSTILE), 403, "signature.key")
    forged = stranger.signer.sign(HOSTILE, "330000", NOW).written().replace(stranger.signer.id, province.signer.id)
    refused(await send(house, HOSTILE, forged), 403, "signature.wrong")
    refused(await send(house, HOSTILE, "key=1"), 422, "signature.invalid")
    refused(await province.push(HOSTILE, made=NOW + 3600), 403, "signature.time")
    assert await state(house, "1.1.0") is None


async def state(house, version):
    """Tell how a version stands; None where there is none."""
    listed = (await house.admin("GET", "/v1/adapters")).json()["adapters"]
    return next((one["state"] for one in listed if (one["name"], one["version"]) == ("town", version)), None)


async def test_the_same_files_zipped_otherwise_are_signed_anew(house, province, bundle):
    """The signature is over the archive's bytes: in another order it is another archive, though the same version."""
    archive = bundle()
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(again, "w") as after:
        for entry in reversed(before.infolist()):
            after.writestr(entry.filename, before.read(entry))
    refused(await province.push(again.getvalue(), signed=archive), 403, "signature.wrong")
    assert (await province.push(archive)).status_code == 201
    assert (await province.push(again.getvalue())).status_code == 200


async def test_a_revoked_key_signs_nothing(house, province, bundle):
    """Nor does an expired one; and what it signed before, which never was active, goes live only by force."""
    assert (await province.push(bundle())).status_code == 201
    assert (await house.step("1.1.0", "check")).status_code == 200
    await province.revoke()
    refused(await province.push(bundle("1.2.0")), 403, "signature.key")
    refused(await province.register(), 409, "bundle-key.exists")
    refused(await house.step("1.1.0", "activate"), 409, "adapter.unsigned")
    assert (await house.step("1.1.0", "activate", force="省厅确认")).json()["state"] == "active"
    assert (await house.admin("POST", "/v1/adapters/town/rollback")).status_code == 200
    assert (await house.step("1.1.0", "activate")).status_code == 200


async def test_a_key_signs_for_its_region_only(house, province, bundle):
    """Neither a bundle of another, nor one that another's platforms speak, nor one that is nobody's alone."""
    other = Province(house)
    assert (await other.register("340000")).status_code == 201
    archive = bundle()
    refused(await other.push(archive, region="330000"), 403, "region.outside")
    refused(await other.push(archive, region="340000"), 403, "region.outside")
    refused(await province.push(archive, query="?region=340000"), 422, "bundle.region")
    await house.register("penalty.340000")
    refused(await province.push(archive), 403, "region.outside")
    nation = Province(house)
    assert (await nation.register("000000")).status_code == 201
    assert (await nation.push(archive, region="330000")).status_code == 201


async def test_a_region_with_a_key_takes_nothing_unsigned(house, province, bundle):
    """Whatever the uploader says of its region: whose platforms speak it counts. Also once the key was revoked."""
    refused(await send(house, bundle()), 403, "signature.required")
    await province.revoke()
    for query in ("", "?region=330000", "?region=110000"):
        refused(await send(house, bundle(), query=query), 403, "signature.required")


async def test_an_older_bundle_is_not_brought_again(house, province, bundle):
    """One that was signed before the newest was: though its signature is good, and nobody uploaded it yet."""
    assert (await province.push(bundle("1.2.0"), made=NOW - 60)).status_code == 201
    refused(await province.push(bundle("1.1.0"), made=NOW - 61), 403, "signature.superseded")
    again = await province.push(bundle("1.2.0"), made=NOW - 60)
    assert (again.status_code, again.json()["state"]) == (200, "draft")
    assert (await province.push(bundle("1.1.1"), made=NOW)).status_code == 201


async def test_without_a_key_unsigned_bundles_are_taken_and_warned_of(house, bundle, caplog):
    """In the answer and in the log; where a setting says so, they are not taken at all, nor read."""
    told = await send(house, bundle())
    assert (told.status_code, told.json()["warnings"]) == (201, ["bundle.unsigned"])
    assert "town@1.1.0 is uploaded without a signature" in caplog.text
    assert (await house.step("1.1.0", "check")).status_code == 200
    house.hub.releases.signatures._required = True
    refused(await send(house, HOSTILE), 403, "signature.required")
    refused(await house.step("1.1.0", "activate"), 409, "adapter.unsigned")


def test_the_setting_makes_it_strict():
    """HUTONG_UNSIGNED_BUNDLES=refuse."""
    assert build(Settings(unsigned_bundles="refuse")).releases.signatures._required
    assert not build(Settings()).releases.signatures._required


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"public_key": "00"}, "bundle-key.invalid"),
        ({"kind": "sm2", "public_key": "00" * 64}, "bundle-key.invalid"),
        ({"kind": "rsa"}, "request.invalid"),
        ({"region": "999999"}, "bundle-key.invalid"),
        ({"expires_at": (datetime.now(UTC) - timedelta(days=1)).isoformat()}, "bundle-key.invalid"),
    ],
)
async def test_what_is_no_key_is_not_registered(house, changed, code):
    """Too short, off the curve, of another kind, for no region, over already."""
    order = {"kind": "ed25519", "public_key": "07" * 32, "region": "330000", **changed}
    refused(await house.admin("POST", "/v1/bundle-keys", json=order), 422, code)
    assert (await house.admin("GET", "/v1/bundle-keys")).json() == {"keys": []}
