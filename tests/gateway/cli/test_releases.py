"""A version's way from a folder to live traffic and back, by commands alone, against a real gateway process."""

import shutil
from pathlib import Path

import pytest

TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
PENALTY = "penalty.330000"
NOWHERE = "base_url=http://127.0.0.1:9"
GOOD = '{"AH": "浙环案2026001", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "XX": 1}'


@pytest.fixture
def bundle(tmp_path):
    """Makes a folder with the small bundle in another version."""

    def made(version: str, before: str = "", after: str = "") -> Path:
        folder = tmp_path / f"town-{version}"
        shutil.copytree(TOWN, folder)
        manifest = folder / "adapter.yaml"
        text = manifest.read_text().replace("version: 1.0.0", f"version: {version}").replace(before or "\0", after)
        manifest.write_text(text)
        return folder

    return made


@pytest.fixture
def platform(remote):
    """A registered platform that follows the bundle, and its credential."""
    added = remote("platform", "add", PENALTY, "--adapter", "town", "--set", NOWHERE, "--set", "key=k")
    assert added.code == 0, added.err
    return remote("platform", "credentials", PENALTY, "--json").json["credential"]


def test_a_version_is_brought_tried_activated_and_taken_back(remote, bundle, platform, tmp_path):
    """Pack, push, shadow, activate, rollback, retire: every command says what comes next."""
    packed = remote("adapter", "pack", bundle("1.1.0"), "--out", "town.zip")
    assert packed.code == 0, packed.err
    assert "hutong adapter push town.zip" in packed.out
    pushed = remote("adapter", "push", "town.zip")
    assert pushed.code == 0, pushed.out + pushed.err
    assert "hutong adapter shadow town 1.1.0" in pushed.out
    (tmp_path / "paid.json").write_text(GOOD)
    sent = remote("message", "send", "paid.json", "--operation", "execution", "--token", platform)
    assert sent.code == 0, sent.err
    shadow = remote("adapter", "shadow", "town", "1.1.0", "--recorded", "10", "--json")
    assert (shadow.code, shadow.json["compared"], shadow.json["equal"]) == (0, 1, 1)
    assert "1 equal" in remote("adapter", "shadow", "town", "1.1.0").out
    active = remote("adapter", "activate", "town", "1.1.0", "--reason", "上线", "--json")
    assert (active.code, active.json["platforms"]) == (0, [PENALTY])
    assert "rollback town" in remote("adapter", "activate", "town", "1.1.0").out
    listed = remote("adapter", "list", "--remote")
    assert "retired" in listed.out
    assert remote("adapter", "retire", "town", "1.1.0").code == 1
    back = remote("adapter", "rollback", "town", "--json")
    assert back.json["version"] == "1.0.0"
    again = remote("adapter", "rollback", "town")
    assert again.code == 1
    assert "1.1.0 已被回退" in again.err
    assert remote("adapter", "retire", "town", "1.0.0").code == 1


def test_a_push_that_fails_its_check_is_exit_code_one(remote, bundle):
    """With file, line and remedy; a broken bundle is not even sent."""
    findings = remote("adapter", "push", bundle("1.3.0", 'count: "{count}"}, rows', "count: 2}, rows"))
    assert findings.code == 1
    assert "draft" in findings.out
    assert "samples/penalty.executed/1.native.json" in findings.out
    broken = remote("adapter", "push", bundle("1.4.0", "kind: penalty", "kinds: penalty"))
    assert broken.code == 1
    assert "adapter.yaml:" in broken.err


def test_other_content_under_the_same_version_is_rejected(remote, bundle):
    """The remedy is another version."""
    folder = bundle("1.5.0")
    assert remote("adapter", "push", folder, "--no-check").code == 0
    (folder / "README.md").write_text("changed")
    failed = remote("adapter", "push", folder)
    assert failed.code == 1
    assert "adapter.version-exists" in failed.err


def test_drift_is_shown_with_its_platform(remote, platform, tmp_path):
    """A field that nobody mapped, by its native name."""
    (tmp_path / "paid.json").write_text(GOOD.replace("3号", "4号"))
    remote("message", "send", "paid.json", "--operation", "execution", "--token", platform)
    shown = remote("platform", "show", PENALTY)
    assert "XX" in shown.out
    assert "unknown" in shown.out
    [operation] = remote("platform", "show", PENALTY, "--json").json["drift"]
    assert operation["oddities"][0]["path"] == "XX"
