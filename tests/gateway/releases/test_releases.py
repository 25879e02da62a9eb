"""From an upload to live traffic and back, in an afternoon and in a second."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.ledger.records import Intent
from gateway.ledger.versions import TRANSITIONS, AdapterState, AdapterVersion
from gateway.releases.upload import LARGEST

PENALTY = "penalty.330000"
TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
MOBILE = "mobile-enforcement.330000"
MARKED = ('X-Batch: "{', 'X-Batch: "second {')


async def test_a_version_goes_live_and_back(house, bundle):
    """Uploaded, proven, activated: the very next document is read and written by it. Then back again."""
    before = await house.pay(1)
    await house.outcome()
    await house.bring(bundle(adapter=MARKED), "1.1.0", "activate")
    after = await house.pay(2)
    await house.outcome()
    assert (await house.step("1.0.0", "activate", reason="回退")).status_code == 200
    back = await house.pay(3)
    await house.outcome()
    assert [one["adapter"] for one in (before, after, back)] == ["town@1.0.0", "town@1.1.0", "town@1.0.0"]
    deliveries = (await house.admin("GET", "/v1/deliveries")).json()["deliveries"]
    assert [one["adapter"] for one in deliveries if one["platform"] == MOBILE] == [
        "town@1.0.0",
        "town@1.1.0",
        "town@1.0.0",
    ]
    assert ["second" in one.headers["X-Batch"] for one in house.post.sent] == [False, True, False]


async def test_the_states_of_a_version(house, bundle):
    """Draft, checked, active, retired by the next, and active again."""
    await house.upload(bundle())
    assert await house.state("1.1.0") == "draft"
    refused = await house.step("1.1.0", "activate")
    assert (refused.status_code, refused.json()["code"]) == (409, "adapter.unproven")
    checked = (await house.step("1.1.0", "check")).json()
    assert (checked["state"], checked["report"]["ok"]) == ("checked", True)
    active = (await house.step("1.1.0", "activate", reason="上线")).json()
    assert (active["state"], active["platforms"]) == ("active", [MOBILE, PENALTY])
    assert await house.state("1.0.0") == "retired"
    assert (await house.admin("POST", "/v1/adapters/town/rollback")).json()["version"] == "1.0.0"
    assert await house.state("1.1.0") == "retired"
    assert (await house.step("1.1.0", "activate")).json()["state"] == "active"
    shown = (await house.admin("GET", "/v1/adapters/town/1.1.0")).json()
    assert [one["action"] for one in shown["timeline"]][:3] == [
        "adapter.uploaded",
        "adapter.checked",
        "adapter.activated",
    ]
    assert shown["timeline"][2]["reason"] == "上线"


async def test_a_check_that_finds_something_leaves_a_draft(house, bundle):
    """The report says what to mend; nothing but a new version can mend it."""
    await house.upload(bundle(execution=('  at: {at: ZXSJ, as: {datetime: "%Y-%m-%d %H:%M:%S"}}\n', "")))
    checked = (await house.step("1.1.0", "check")).json()
    assert checked["state"] == "draft"
    assert [one for one in checked["report"]["findings"] if one["severity"] == "error"]
    assert (await house.step("1.1.0", "activate")).json()["code"] == "adapter.unproven"


async def test_a_version_never_changes(house, bundle):
    """Equal bytes are the version that is there; other bytes need another number, whoever brought the first."""
    assert (await house.upload(bundle())).status_code == 201
    assert (await house.upload(bundle())).status_code == 200
    other = await house.upload(bundle(adapter=MARKED))
    assert (other.status_code, other.json()["code"]) == (409, "adapter.version-exists")
    assert (await house.upload(bundle("1.0.0", adapter=MARKED))).json()["code"] == "adapter.version-exists"
    assert (await house.upload(bundle("1.0.0"))).status_code == 200


async def test_broken_bundles_are_refused_with_file_and_line(house, bundle):
    """Bytes that are no zip, a mapping that does not compile, a document of another age."""
    assert (await house.upload(b"no zip")).json()["code"] == "bundle.broken"
    broken = (await house.upload(bundle(execution=("case_number: AH", "case_nummer: AH")))).json()
    assert broken["code"] == "bundle.broken"
    assert broken["errors"][0]["path"].startswith("mappings/execution.yaml:3")
    future = (await house.upload(bundle(execution=("penalty-execution/1", "penalty-execution/2")))).json()
    assert future["code"] == "document.unsupported"
    assert "penalty-execution/1" in future["detail"]
    assert (await house.upload(b"0" * (LARGEST + 1))).status_code == 413
    assert {one["version"] for one in (await house.admin("GET", "/v1/adapters")).json()["adapters"]} == {"1.0.0"}


async def test_settings_survive_and_new_ones_are_asked_for(house, bundle):
    """A version that needs a setting says who lacks it; it is entered beforehand, and kept after going back."""
    new = ("settings:\n", "settings:\n  secret2: {type: secret, title: 新密钥}\n")
    await house.bring(bundle(adapter=new))
    refused = (await house.step("1.1.0", "activate")).json()
    assert refused["code"] == "adapter.settings-missing"
    assert f"{PENALTY} 缺 secret2" in refused["detail"]
    forced = (await house.step("1.1.0", "activate", force="nevertheless")).json()
    assert forced["code"] == "adapter.settings-missing"
    for platform in (PENALTY, MOBILE):
        await house.register(platform, secret2="s", office="某某局")
    shown = (await house.admin("GET", f"/v1/platforms/{PENALTY}")).json()
    assert "secret2" not in shown["settings"]
    assert shown["secrets"] == ["key", "secret2"]
    assert (await house.step("1.1.0", "activate")).status_code == 200
    assert (await house.step("1.0.0", "activate")).status_code == 200
    assert (await house.admin("GET", f"/v1/platforms/{PENALTY}")).json()["settings"]["office"] == "某某局"


async def test_a_platform_that_fetches_needs_no_address_for_a_new_version(house, bundle):
    """Nobody calls it; what else the version needs is asked for as ever."""
    order = {"adapter": "town", "mode": "pull", "settings": {"key": "k"}}
    answer = await house.admin("PUT", f"/v1/platforms/{MOBILE}", json=order)
    assert answer.status_code == 200, answer.text
    address = "settings:\n  base_url: {type: url, title: 平台地址}\n"
    new = ("settings:\n", f"{address}  secret2: {{type: secret, title: 新密钥}}\n")
    await house.bring(bundle("1.2.0", adapter=new), "1.2.0")
    refused = (await house.step("1.2.0", "activate")).json()
    assert refused["code"] == "adapter.settings-missing"
    assert f"{MOBILE} 缺 secret2" in refused["detail"]
    assert "base_url" not in refused["detail"]
    await house.bring(bundle(adapter=("settings:\n", address)), "1.1.0", "activate")


async def test_what_was_entered_as_a_secret_is_shown_by_no_version(house, bundle):
    """Not by one that calls it a text, not when it is registered again, not by a platform pinned to that version."""
    await house.register(PENALTY, key="canary-of-a-secret")
    path = f"/v1/platforms/{PENALTY}"
    before = (await house.admin("GET", path)).json()
    await house.bring(bundle(adapter=("key: {type: secret", "key: {type: text")), "1.1.0", "activate")
    order = {"adapter": "town", "settings": before["settings"]}
    for body in (order, {**order, "version": "1.1.0"}):
        kept = await house.admin("PUT", path, json=body)
        assert kept.status_code == 200, kept.text
        for answer in (kept, await house.admin("GET", path), await house.admin("GET", "/v1/platforms")):
            assert "canary-of-a-secret" not in answer.text
        assert kept.json()["secrets"] == before["secrets"]
        registry = await house.hub.ledger.registry()
        assert registry.platforms[PENALTY].settings["key"] == "canary-of-a-secret"


async def test_a_pinned_platform_keeps_its_version(house, bundle):
    """The others move on; the pinned version cannot be retired."""
    await house.register(MOBILE, version="1.0.0")
    await house.bring(bundle(adapter=MARKED), "1.1.0", "activate")
    assert (await house.pay())["adapter"] == "town@1.1.0"
    await house.outcome()
    assert "second" not in house.post.sent[-1].headers["X-Batch"]
    assert (await house.step("1.0.0", "retire")).json()["code"] == "adapter.in-use"
    assert (await house.step("1.1.0", "retire")).json()["code"] == "adapter.in-use"


async def test_a_narrower_version_must_be_meant(house, bundle):
    """One that no longer takes what its platforms tell is refused, unless forced with a reason, which is recorded."""
    await house.bring(bundle(adapter=("  notice:", "  notice-2:")))
    refused = await house.step("1.1.0", "activate")
    assert (refused.status_code, refused.json()["code"]) == (409, "adapter.narrower")
    forced = await house.step("1.1.0", "activate", force="停用该接口")
    assert forced.status_code == 200
    last = forced.json()["timeline"][-1]
    assert (last["action"], last["reason"]) == ("adapter.activated-by-force", "停用该接口")
    assert (await house.step("1.0.0", "activate")).status_code == 200


async def test_versions_outlive_the_gateway(house, bundle, again):
    """Another gateway over the same ledger follows what was active, knows the drafts, and can go back."""
    await house.bring(bundle(adapter=MARKED), "1.1.0", "activate")
    await house.upload(bundle("1.2.0"))
    await house.hub.stop()
    second = await again()
    assert [await second.state(one) for one in ("1.0.0", "1.1.0", "1.2.0")] == ["retired", "active", "draft"]
    second.credentials = house.credentials
    assert (await second.pay())["adapter"] == "town@1.1.0"
    assert (await second.admin("POST", "/v1/adapters/town/rollback")).json()["version"] == "1.0.0"
    await second.hub.stop()


@pytest.mark.parametrize("step", ["check", "activate", "retire"])
async def test_unknown_versions_are_not_found(house, step):
    """404, with what there is."""
    answer = await house.step("9.9.9", step)
    assert (answer.status_code, answer.json()["code"]) == (404, "adapter.unknown")
    assert "1.0.0" in answer.json()["detail"]


async def test_two_who_activate_at_once_both_get_their_turn(house, bundle):
    """Steps are taken one after the other; exactly one version is active in the end."""
    await house.bring(bundle())
    await house.bring(bundle("1.2.0"), "1.2.0")
    answers = await asyncio.gather(*(house.step(one, "activate") for one in ("1.1.0", "1.2.0", "1.0.0", "1.2.0")))
    assert {one.status_code for one in answers} == {200}
    found = (await house.admin("GET", "/v1/adapters")).json()["adapters"]
    assert [one["version"] for one in found if one["state"] == "active"] == [house.hub.adapters.active("town")]


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
async def test_a_step_whose_answer_was_lost_stands_as_the_ledger_has_it(house, bundle, fault):
    """Committed or not: memory says the same as the ledger, and the step can be taken again."""
    await house.bring(bundle(adapter=MARKED), "1.1.0")
    getattr(house.hub.ledger, fault)("change_adapters")
    assert (await house.step("1.1.0", "activate")).status_code == 503
    expected = "1.1.0" if fault == "fail_after" else "1.0.0"
    async with asyncio.timeout(10):
        while house.hub.adapters.active("town") != expected:
            await asyncio.sleep(0)
    assert (await house.pay())["adapter"] == f"town@{expected}"
    await house.outcome()
    assert (await house.step("1.1.0", "activate")).status_code == 200
    assert (await house.pay(2))["adapter"] == "town@1.1.0"
    await house.outcome()
    assert "second" in house.post.sent[-1].headers["X-Batch"]


INTENT = Intent("admin", "", datetime(2026, 9, 1, tzinfo=UTC))


def nobody(unrouted):
    """Take nothing."""
    return


@asynccontextmanager
async def opened(ledger):
    """Open the ledger while no gateway has it."""
    kept = ledger()
    await kept.start()
    yield kept
    await kept.stop()


async def test_a_bundle_that_compiles_no_more_stops_nobody_else(house, bundle, ledger, again):
    """Nobody follows its adapter, nothing is translated by a version nobody chose, and another one mends it."""
    await house.bring(bundle(), "1.1.0", "activate")
    await house.hub.stop()
    async with opened(ledger) as kept:
        [active] = [one for one in await kept.adapters() if one.state is AdapterState.ACTIVE]
        broken = replace(active, version="1.2.0", digest="x", state=AdapterState.DRAFT)
        broken = await kept.add_adapter(broken, b"of another age", INTENT)
        swapped = [replace(active, state=AdapterState.RETIRED), replace(broken, state=AdapterState.ACTIVE)]
        await kept.change_adapters(swapped, INTENT, "adapter.activated", (), nobody)
    second = await again()
    second.credentials = house.credentials
    shown = (await second.admin("GET", "/v1/adapters/town/1.2.0")).json()
    assert (shown["state"], shown["usable"]) == ("active", False)
    refused = await second.send(PENALTY, "/v1/inbound/execution", {})
    assert (refused.status_code, refused.json()["code"]) == (404, "adapter.unknown")
    assert (await second.step("1.2.0", "translate", direction="in", name="x")).json()["code"] == "adapter.unusable"
    assert (await second.step("1.1.0", "activate")).status_code == 200
    assert (await second.pay())["adapter"] == "town@1.1.0"
    await second.hub.stop()


async def test_an_installed_version_that_is_gone_gives_way_to_the_newest(house, bundle, ledger, again):
    """An installation without it follows what it has, and keeps book of it."""
    at = datetime(2026, 9, 1, tzinfo=UTC)
    gone = AdapterVersion("town", "0.9.0", "x", AdapterState.ACTIVE, at, at, uploaded=False)
    await house.hub.stop()
    async with opened(ledger) as kept:
        await kept.change_adapters([gone], INTENT, "adapter.activated", (), nobody)
    second = await again()
    assert await second.state("1.0.0") == "active"
    assert (await second.admin("GET", "/v1/adapters/town/0.9.0")).status_code == 404
    await second.bring(bundle(), "1.1.0", "activate")
    assert await second.state("1.1.0") == "active"
    await second.hub.stop()


async def test_a_retired_adapter_stays_retired(house, ledger, again):
    """Without a platform that speaks it even an installed one can go, and a restart does not bring it back."""
    for platform in (PENALTY, MOBILE):
        assert (await house.admin("DELETE", f"/v1/platforms/{platform}")).status_code == 204
    assert (await house.step("1.0.0", "retire", reason="停用")).json()["state"] == "retired"
    assert (await house.step("1.0.0", "retire")).json()["code"] == "state.wrong"
    second = await again()
    assert await second.state("1.0.0") == "retired"
    refused = await second.admin(
        "PUT", f"/v1/platforms/{PENALTY}", json={"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9"}}
    )
    assert refused.json()["code"] == "adapter.unknown"
    assert (await second.step("1.0.0", "activate")).status_code == 200
    await second.hub.stop()


async def test_a_withdrawn_draft_can_be_proven_again(house, bundle):
    """It was never active, so its check brings it back; going back to nothing is refused."""
    await house.upload(bundle())
    assert (await house.step("1.1.0", "retire")).json()["state"] == "retired"
    assert (await house.step("1.1.0", "activate")).json()["code"] == "adapter.unproven"
    assert (await house.step("1.1.0", "check")).json()["state"] == "checked"
    nothing = await house.admin("POST", "/v1/adapters/town/rollback")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "adapter.no-previous")


async def test_what_the_version_before_could_not_send_goes_out(house, bundle):
    """A delivery nobody could take is assigned the moment a version that can is activated."""
    manifest = (TOWN / "adapter.yaml").read_text()
    sent = manifest[manifest.index("  penalty.executed:\n") : manifest.index("  case.progressed:\n")]
    narrow = bundle("0.9.0", adapter=(sent, ""))
    house.proof.lenient = True
    await house.bring(narrow, "0.9.0")
    assert (await house.step("0.9.0", "activate", force="试验")).status_code == 200
    message = await house.pay()
    assert {one["state"] for one in message["deliveries"]} == {"unrouted"}
    assert (await house.step("1.0.0", "activate")).status_code == 200
    assert (await house.outcome()).message_id == message["id"]


def test_every_state_leads_on():
    """No state is a trap, and only a proven version can be reached from outside."""
    assert all(TRANSITIONS[state] for state in AdapterState)
    assert AdapterState.ACTIVE not in TRANSITIONS[AdapterState.DRAFT]


# ── back, and back again ──────────────────────────────────────────────────────────────────────
async def back(house, **more):
    """Roll `town` back."""
    return await house.admin("POST", "/v1/adapters/town/rollback", **more)


async def test_a_second_rollback_does_not_bring_back_what_the_first_one_left(house, bundle):
    """It says that there is nothing to go back to; after another activation a rollback goes back again."""
    await house.bring(bundle(), "1.1.0", "activate")
    assert (await back(house)).json()["version"] == "1.0.0"
    refused = await back(house)
    assert (refused.status_code, refused.json()["code"]) == (409, "adapter.no-previous")
    assert "1.1.0" in refused.json()["detail"]
    assert await house.state("1.0.0") == "active"
    await house.bring(bundle("1.2.0"), "1.2.0", "activate")
    assert (await back(house)).json()["version"] == "1.0.0"
    assert (await house.step("1.1.0", "activate")).status_code == 200
    assert (await back(house)).json()["version"] == "1.0.0"


async def test_rollbacks_go_back_one_version_after_the_other(house, bundle):
    """Each goes to the one that was active before the present one."""
    await house.bring(bundle(), "1.1.0", "activate")
    await house.bring(bundle("1.2.0"), "1.2.0", "activate")
    assert [(await back(house)).json()["version"] for _ in range(2)] == ["1.1.0", "1.0.0"]
    assert (await back(house)).json()["code"] == "adapter.no-previous"


# ── under a key ───────────────────────────────────────────────────────────────────────────────
async def test_the_same_rollback_again_under_its_key_is_not_another_one(house, bundle, again):
    """Its answer was lost and it is asked again, also of another process: there is one rollback."""
    await house.bring(bundle(), "1.1.0", "activate")
    await house.bring(bundle("1.2.0"), "1.2.0", "activate")
    first, repeated = await back(house, key="k-1"), await back(house, key="k-1")
    assert (repeated.status_code, repeated.json()) == (200, first.json())
    assert first.json()["version"] == "1.1.0"
    other = await back(house, key="k-1", json={"reason": "another"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")
    second = await again()
    assert (await back(second, key="k-1")).json()["version"] == "1.1.0"
    assert await second.state("1.1.0") == "active"
    await second.hub.stop()


@pytest.mark.parametrize("step", ["check", "shadow", "activate", "retire"])
async def test_a_step_is_taken_once_under_its_key(house, bundle, step):
    """The same again is answered the same and does nothing; another version under the key is refused."""
    await house.bring(bundle("1.2.0"), "1.2.0")
    await (house.upload(bundle()) if step == "check" else house.bring(bundle()))

    async def take(version):
        return await house.admin("POST", f"/v1/adapters/town/{version}/{step}", key="k-1")

    first, repeated = await take("1.1.0"), await take("1.1.0")
    assert first.status_code == 200, first.text
    assert (repeated.status_code, repeated.json()) == (200, first.json())
    other = await take("1.2.0")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")
    assert await house.state("1.2.0") == "checked"


async def test_a_repeated_activation_does_not_undo_what_came_after_it(house, bundle):
    """It was rolled back meanwhile: the late repeat is answered, and activates nothing; so is a step without effect."""
    await house.bring(bundle())
    path = "/v1/adapters/town/{}/activate"
    assert (await house.admin("POST", path.format("1.1.0"), key="k-1")).json()["state"] == "active"
    assert (await house.admin("POST", path.format("1.1.0"), key="k-2")).json()["state"] == "active"
    await back(house)
    repeated = await house.admin("POST", path.format("1.1.0"), key="k-1")
    assert (repeated.status_code, repeated.json()["state"]) == (200, "retired")
    other = await house.admin("POST", path.format("1.0.0"), key="k-2")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")


async def test_an_upload_is_one_under_its_key(house, bundle):
    """Asked again it is new as it was; other content under the key is refused."""
    first = await house.admin("POST", "/v1/adapters", key="k-1", content=bundle())
    repeated = await house.admin("POST", "/v1/adapters", key="k-1", content=bundle())
    assert (repeated.status_code, repeated.json()) == (201, first.json())
    other = await house.admin("POST", "/v1/adapters", key="k-1", content=bundle("1.2.0"))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")
