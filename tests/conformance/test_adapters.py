from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ledger.versions import AdapterState, AdapterVersion


@pytest.fixture
def version(make: Any) -> Any:
    """Makes a version of the adapter `town`."""

    def made(number: str, state: AdapterState = AdapterState.DRAFT, **fields: Any) -> AdapterVersion:
        values = {"digest": f"digest of {number}", "created_at": make.at(), "changed_at": make.at(), **fields}
        return AdapterVersion(name="town", version=number, state=state, **values)

    return made


@pytest.fixture
def change(ledger: Any, make: Any) -> Any:
    """Changes how versions stand; nothing unrouted is given to anybody."""

    async def changed(*versions: AdapterVersion, at: float = 0, key: str | None = None) -> Any:
        intent = make.intent("新版上线", at=at, actor="admin", key=key)
        kept, _ = await ledger.change_adapters(versions, intent, "adapter.activated", [], make.nobody)
        return kept

    return changed


async def test_an_upload_is_kept_with_its_bytes(
    ledger: Any, opening: Any, make: Any, version: Any, change: Any
) -> None:
    """Whoever opens the ledger again finds the version, its report, what is expected of it, and its bytes."""
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", make.intent())
    proven = replace(kept, state=AdapterState.CHECKED, report={"ok": True}, expected=("fine",))
    [changed] = await change(proven, at=1)
    await ledger.stop()
    again = opening()
    await again.start()
    assert await again.adapters() == [changed]
    assert await again.adapter_content("town", "1.0.0") == b"zip"
    assert await again.adapter_content("town", "9.9.9") is None
    assert changed == replace(proven, revision=changed.revision)
    assert changed.revision > kept.revision > 0
    await again.stop()


async def test_a_version_never_changes(ledger: Any, make: Any, version: Any) -> None:
    """The same content again is what is kept; other content under the same number is refused."""
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", make.intent())
    assert await ledger.add_adapter(version("1.0.0"), b"zip", make.intent(at=1)) == kept
    with pytest.raises(Conflict) as refused:
        await ledger.add_adapter(version("1.0.0", digest="another"), b"other", make.intent())
    assert refused.value.code == "adapter.version-exists"
    assert await ledger.adapter_content("town", "1.0.0") == b"zip"


async def test_versions_are_exchanged_in_one_step(ledger: Any, make: Any, version: Any, change: Any) -> None:
    """One becomes active as the other stops being it, in either order, and there and back."""
    first = version("1.0.0", AdapterState.ACTIVE, uploaded=False)
    [first] = await change(first)
    second = await ledger.add_adapter(version("1.1.0"), b"zip", make.intent())
    for turn in range(4):
        first = replace(first, state=AdapterState.ACTIVE if turn % 2 else AdapterState.RETIRED)
        second = replace(second, state=AdapterState.RETIRED if turn % 2 else AdapterState.ACTIVE)
        second, first = await change(second, first, at=turn)
        assert await ledger.adapters() == [first, second]


async def test_a_change_from_an_old_reading_is_refused(ledger: Any, make: Any, version: Any, change: Any) -> None:
    """Neither the version that was changed meanwhile nor its neighbour of the same call."""
    first = await ledger.add_adapter(version("1.0.0"), b"1", make.intent())
    second = await ledger.add_adapter(version("1.1.0"), b"2", make.intent())
    await change(replace(second, state=AdapterState.CHECKED), at=1)
    stale = [replace(one, state=AdapterState.RETIRED) for one in (first, second)]
    with pytest.raises(Conflict) as refused:
        await change(*stale, at=2)
    assert refused.value.code == "adapter.changed"
    assert [one.state for one in await ledger.adapters()] == [AdapterState.DRAFT, AdapterState.CHECKED]
    with pytest.raises(Conflict):
        await change(version("1.0.0", AdapterState.CHECKED), at=3)


async def test_what_was_done_to_a_version_is_recorded(ledger: Any, make: Any, version: Any, change: Any) -> None:
    """Who, what and why, under its name and version."""
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", make.intent())
    await change(replace(kept, state=AdapterState.CHECKED), at=1)
    entries = await ledger.audit("town@1.0.0")
    assert [one.action for one in entries] == ["adapter.uploaded", "adapter.activated"]
    assert (entries[1].reason, entries[1].detail) == ("新版上线", {"state": "checked"})


async def test_going_live_gives_what_was_unrouted(play: Any, ledger: Any, make: Any, version: Any) -> None:
    """What platforms can be sent changes in one step with the version: the revision, and what waited for that."""
    await play.register()
    await play.accept("m1", to=[None])
    await play.accept("m2", lane="B", to=[None], kind="credit-publicity")
    before = await play.revision()
    live = version("1.0.0", AdapterState.ACTIVE, uploaded=False)
    kept, registered = await ledger.change_adapters(
        [live], make.intent(), "adapter.activated", ["penalty"], lambda unrouted: make.penalty
    )
    assert [each.id for each in kept] == ["town@1.0.0"]
    assert registered.given == {make.penalty}
    assert registered.revision == await play.revision() > before
    assert [await play.state(each) for each in ("m1/0", "m2/0")] == ["ready", "unrouted"]


async def test_an_upload_leaves_routing_as_it_is(play: Any, ledger: Any, make: Any, version: Any) -> None:
    """A draft can be sent with nothing: the registry's revision stays."""
    before = await play.revision()
    await ledger.add_adapter(version("1.0.0"), b"zip", make.intent())
    assert await play.revision() == before


async def test_a_stale_change_gives_nothing(play: Any, ledger: Any, make: Any, version: Any) -> None:
    """Who read an old state neither changes the registry nor gives unrouted deliveries away."""
    await play.register()
    await play.accept("m1", to=[None])
    before = await play.revision()
    stale = version("1.0.0", AdapterState.ACTIVE, revision=7)
    with pytest.raises(Conflict):
        await ledger.change_adapters([stale], make.intent(), "adapter.activated", ["penalty"], make.takes())
    assert await play.revision() == before
    assert await play.state("m1/0") == "unrouted"


async def test_once_under_a_key(play: Any, ledger: Any, make: Any, version: Any, change: Any) -> None:
    """An upload and a change are done once under a key, and answered the same."""
    upload = make.intent(key="upload")
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", upload)
    assert await ledger.add_adapter(version("1.0.0"), b"zip", upload) == kept
    checked = replace(kept, state=AdapterState.CHECKED)
    first = await change(checked, key="check")
    revision = await play.revision()
    assert await change(checked, key="check") == first
    assert await play.revision() == revision
    with pytest.raises(Conflict) as error:
        await change(replace(first[0], state=AdapterState.RETIRED), key="check")
    assert error.value.code == "idempotency.key-reused"
    assert [each.action for each in await ledger.audit("town@1.0.0")] == ["adapter.uploaded", "adapter.activated"]


async def test_what_was_asked_is_known_again(ledger: Any, make: Any, version: Any) -> None:
    """Under its key, whatever would follow from it now; its versions are given as they stand."""
    asked, key = {"step": "rollback", "name": "town"}, make.intent(key="back")
    assert await ledger.asked_adapters(key, asked) is None
    live = version("1.0.0", AdapterState.ACTIVE, uploaded=False)
    [live], first = await ledger.change_adapters([live], key, "adapter.activated", [], make.nobody, asked=asked)
    assert await ledger.asked_adapters(key, asked) == [live]
    other = version("1.1.0", AdapterState.CHECKED, uploaded=False)
    again = await ledger.change_adapters([other], key, "adapter.activated", [], make.nobody, asked=asked)
    assert again == ([live], first)
    assert await ledger.adapters() == [live]
    with pytest.raises(Conflict) as error:
        await ledger.asked_adapters(key, {"step": "rollback", "name": "village"})
    assert error.value.code == "idempotency.key-reused"
    assert await ledger.asked_adapters(make.intent(), asked) is None


async def test_a_step_that_changes_nothing_keeps_its_key(play: Any, ledger: Any, make: Any) -> None:
    """The registry stays as it is, and the key is used."""
    before, asked = await play.revision(), {"step": "activate", "version": "town@1.0.0"}
    await ledger.change_adapters([], make.intent(key="k"), "adapter.activated", [], make.nobody, asked=asked)
    assert await play.revision() == before
    assert await ledger.asked_adapters(make.intent(key="k"), asked) == []
