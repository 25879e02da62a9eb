from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Conflict
from gateway.ledger.versions import AdapterState, AdapterVersion

WHO = {"actor": "admin", "action": "adapter.activated", "reason": "新版上线"}


@pytest.fixture
def version(make: Any) -> Any:
    """Makes a version of the adapter `town`."""

    def made(number: str, state: AdapterState = AdapterState.DRAFT, **fields: Any) -> AdapterVersion:
        values = {"digest": f"digest of {number}", "created_at": make.at(), "changed_at": make.at(), **fields}
        return AdapterVersion(name="town", version=number, state=state, **values)

    return made


async def test_an_upload_is_kept_with_its_bytes(opening: Any, make: Any, version: Any) -> None:
    """Whoever opens the ledger again finds the version, its report, what is expected of it, and its bytes."""
    ledger = opening()
    await ledger.start()
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", actor="admin", at=make.at())
    proven = replace(kept, state=AdapterState.CHECKED, report={"ok": True}, expected=("fine",))
    [changed] = await ledger.change_adapters([proven], at=make.at(1), **WHO)
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
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", actor="admin", at=make.at())
    assert await ledger.add_adapter(version("1.0.0"), b"zip", actor="other", at=make.at(1)) == kept
    with pytest.raises(Conflict) as refused:
        await ledger.add_adapter(version("1.0.0", digest="another"), b"other", actor="admin", at=make.at())
    assert refused.value.code == "adapter.version-exists"
    assert await ledger.adapter_content("town", "1.0.0") == b"zip"


async def test_versions_are_exchanged_in_one_step(ledger: Any, make: Any, version: Any) -> None:
    """One becomes active as the other stops being it, in either order, and there and back."""
    first = version("1.0.0", AdapterState.ACTIVE, uploaded=False)
    [first] = await ledger.change_adapters([first], at=make.at(), **WHO)
    second = await ledger.add_adapter(version("1.1.0"), b"zip", actor="admin", at=make.at())
    for turn in range(4):
        first = replace(first, state=AdapterState.ACTIVE if turn % 2 else AdapterState.RETIRED)
        second = replace(second, state=AdapterState.RETIRED if turn % 2 else AdapterState.ACTIVE)
        second, first = await ledger.change_adapters([second, first], at=make.at(turn), **WHO)
        assert await ledger.adapters() == [first, second]


async def test_who_read_an_old_state_changes_nothing(ledger: Any, make: Any, version: Any) -> None:
    """Neither the version that was changed meanwhile nor its neighbour of the same call."""
    first = await ledger.add_adapter(version("1.0.0"), b"1", actor="admin", at=make.at())
    second = await ledger.add_adapter(version("1.1.0"), b"2", actor="admin", at=make.at())
    await ledger.change_adapters([replace(second, state=AdapterState.CHECKED)], at=make.at(1), **WHO)
    stale = [replace(one, state=AdapterState.RETIRED) for one in (first, second)]
    with pytest.raises(Conflict) as refused:
        await ledger.change_adapters(stale, at=make.at(2), **WHO)
    assert refused.value.code == "adapter.changed"
    assert [one.state for one in await ledger.adapters()] == [AdapterState.DRAFT, AdapterState.CHECKED]
    with pytest.raises(Conflict):
        await ledger.change_adapters([version("1.0.0", AdapterState.CHECKED)], at=make.at(3), **WHO)


async def test_what_was_done_to_a_version_is_recorded(ledger: Any, make: Any, version: Any) -> None:
    """Who, what and why, under its name and version."""
    kept = await ledger.add_adapter(version("1.0.0"), b"zip", actor="admin", at=make.at())
    await ledger.change_adapters([replace(kept, state=AdapterState.CHECKED)], at=make.at(1), **WHO)
    entries = await ledger.audit("town@1.0.0")
    assert [one.action for one in entries] == ["adapter.uploaded", "adapter.activated"]
    assert (entries[1].reason, entries[1].detail) == ("新版上线", {"state": "checked"})
