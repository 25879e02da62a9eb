"""A province's key and its signed bundle, by commands alone, against a real gateway process."""

import shutil
import stat
from pathlib import Path

import pytest

TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"


@pytest.fixture
def bundle(tmp_path):
    """The small bundle in another version."""
    folder = tmp_path / "signed-town"
    shutil.copytree(TOWN, folder)
    manifest = folder / "adapter.yaml"
    manifest.write_text(manifest.read_text().replace("version: 1.0.0", "version: 1.4.0"))
    return folder


def test_a_bundle_is_signed_pushed_and_its_key_revoked(remote, bundle, tmp_path):
    """Make a key, register it, sign, push; what is not signed, was changed, or is of a revoked key, is not taken."""
    nowhere = ("--set", "base_url=http://127.0.0.1:9", "--set", "key=k")
    assert remote("platform", "add", "penalty.330000", "--adapter", "town", *nowhere).code == 0
    made = remote("adapter", "key", "new", "z.key", "--sm2", "--json").json
    assert stat.S_IMODE((tmp_path / "z.key").stat().st_mode) == 0o600
    assert made["public_key"] not in remote("adapter", "key", "list").out
    for kind in ("ed25519", "sm2"):
        added = remote("adapter", "key", "add", kind, made["public_key"], "--region", "330000", "--label", "省厅")
        assert (added.code == 0) == (kind == "sm2"), added.err
    assert made["id"] in remote("adapter", "key", "list").out
    packed = remote("adapter", "pack", bundle, "--out", "town.zip", "--sign", "z.key", "--region", "330000")
    assert "town.zip.sig" in packed.out, packed.err
    assert "signature.required" in remote("adapter", "push", bundle).err
    archive, signature = (tmp_path / name for name in ("town.zip", "town.zip.sig"))
    whole, line = archive.read_bytes(), signature.read_text()
    signature.write_text(line.replace("330000", "340000"))
    assert "signature.wrong" in remote("adapter", "push", "town.zip").err
    signature.write_text(line)
    pushed = remote("adapter", "push", "town.zip", "--json").json
    assert (pushed["signed_by"], pushed["region"], pushed["warnings"]) == (made["id"], "330000", [])
    assert archive.read_bytes() == whole
    assert remote("adapter", "key", "revoke", made["id"]).code == 0
    assert "signature.key" in remote("adapter", "push", "town.zip").err


def test_signing_says_what_is_wrong(hutong, bundle, tmp_path):
    """No key, one that is there already, half of what is needed, no region."""
    assert hutong("adapter", "key", "new", "z.key").code == 0
    before = (tmp_path / "z.key").read_text()
    assert hutong("adapter", "key", "new", "z.key").code == 1
    assert (tmp_path / "z.key").read_text() == before
    assert hutong("adapter", "pack", bundle, "--sign", "z.key").code == 2
    assert hutong("adapter", "pack", bundle, "--out", "town.zip").code == 0
    (tmp_path / "no.key").write_text("hello")
    for key, region in (("no.key", "330000"), ("nowhere.key", "330000"), ("z.key", '3"3'), ("z.key", "")):
        assert hutong("adapter", "sign", "town.zip", "--key", key, "--region", region).code == 1, (key, region)
    assert not (tmp_path / "town.zip.sig").exists()
    assert hutong("adapter", "sign", "town.zip", "--key", "z.key", "--region", "330000").code == 0


def test_an_emergency_token_is_made_for_its_file(hutong, tmp_path):
    """Printed once; the file has its hash alone, for its owner alone; and no gateway is asked."""
    made = hutong("people", "emergency", "--file", "emergency", "--json").json
    file = tmp_path / "emergency"
    assert file.read_text().strip() == made["hash"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made["token"] not in file.read_text()
    assert "HUTONG_EMERGENCY_TOKEN_HASH=" in hutong("people", "emergency").out
