"""A change that waits for a second person, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PENALTY = "penalty.330000"
ADD = ("platform", "add", PENALTY, "--adapter", "town", "--set", "base_url=http://127.0.0.1:9", "--set", "key=k-secret")


@pytest.fixture
def watched(
    hutong: Any, begin: Callable[..., Any], finish: Callable[..., int], tmp_path: Path, monkeypatch: Any
) -> Iterator[Any]:
    """Run a command against a gateway that looks at addresses and secrets with four eyes."""
    monkeypatch.setenv("HUTONG_FOUR_EYES", "address,secrets")
    served = begin(tmp_path)
    monkeypatch.setenv("HUTONG_URL", served.url)
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", served.token)
    yield hutong
    finish(served)


def test_a_change_is_asked_for_listed_rejected_and_approved(watched: Any) -> None:
    """Whoever asked is told that it waits, and how it goes on; a second person does it, and not the first."""
    joined = watched("people", "add", "li-na", "--name", "李娜", "--role", "approver", "--json")
    second = ("--token", joined.json["token"])
    asked = watched(*ADD)
    assert asked.code == 0, asked.err
    assert "hutong approval approve" in asked.out
    first = watched("approval", "list", "--state", "pending", "--json").json["approvals"][0]["id"]
    refused = watched("approval", "reject", first, "--reason", "地址有误", *second)
    assert refused.code == 0, refused.err
    waits = watched(*ADD, "--json")
    assert waits.code == 0, waits.err
    approval = waits.json["approval_id"]
    own = watched("approval", "approve", approval)
    assert own.code == 1
    assert "approval.own" in own.err
    assert watched("platform", "show", PENALTY).code == 1
    done = watched("approval", "approve", approval, *second)
    assert done.code == 0, done.err
    assert watched("platform", "show", PENALTY).code == 0
    listed = watched("approval", "list")
    assert listed.code == 0, listed.err
    assert all(state in listed.out for state in ("rejected", "done"))
    assert "k-secret" not in listed.out + asked.out + done.out
