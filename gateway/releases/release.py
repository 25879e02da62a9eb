"""A version of an adapter with how it stands, and what must be true before it goes live; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from adapters.base import BASE_URL, Adapter
from gateway.errors import Conflict
from gateway.ledger.records import Platform
from gateway.ledger.versions import AdapterState, AdapterVersion, may_become
from schemas.findings import Text


@dataclass(frozen=True, slots=True)
class Release:
    """A version as it stands. `adapter` is None when its bundle cannot be compiled any more.

    `platforms` are the ids of those that speak this version now.
    """

    kept: AdapterVersion
    adapter: Adapter | None
    platforms: tuple[str, ...] = ()


def speakers(version: AdapterVersion, active: str | None, platforms: Iterable[Platform]) -> list[Platform]:
    """Give the platforms that speak a version: pinned to it, or following their adapter when it is the active one."""
    followed = active == version.version
    return [
        one
        for one in platforms
        if one.adapter == version.name and (one.version == version.version or (one.version is None and followed))
    ]


def followers(name: str, platforms: Iterable[Platform]) -> list[Platform]:
    """Give the platforms that follow an adapter's active version."""
    return [one for one in platforms if one.adapter == name and one.version is None]


def moved(version: AdapterVersion, state: AdapterState, at: datetime) -> AdapterVersion:
    """Take a step; Conflict `state.wrong` when there is none from here to there."""
    if not may_become(version.state, state):
        raise _wrong_state(version, state)
    return replace(version, state=state, changed_at=at)


def activated(
    version: AdapterVersion, others: Iterable[AdapterVersion], at: datetime, *, rollback: bool = False
) -> list[AdapterVersion]:
    """Make a version the active one of its name, and retire the one that was; the active one is the last."""
    before = [one for one in others if one.state is AdapterState.ACTIVE]
    retired = [
        replace(moved(one, AdapterState.RETIRED, at), activated_at=one.activated_at or at, rolled_back=rollback)
        for one in before
    ]
    return [*retired, replace(moved(version, AdapterState.ACTIVE, at), activated_at=at, rolled_back=False)]


def check_proven(version: AdapterVersion) -> None:
    """Refuse a version that has not passed its check: Conflict `adapter.unproven`."""
    if not version.proven:
        raise _unproven(version)


def previous(versions: Iterable[AdapterVersion], name: str) -> AdapterVersion:
    """Give the version that was active before the present one; Conflict `adapter.no-previous`.

    One that was left by a rollback is none: a second rollback must not bring back what the first one left.
    """
    retired = [one for one in versions if one.state is AdapterState.RETIRED and one.activated_at is not None]
    was = [one for one in retired if not one.rolled_back]
    if not was:
        left = "、".join(one.version for one in retired)
        raise Conflict(
            Text(
                f"适配器 {name} 没有可回退的上一版本"
                + (f"（{left} 已被回退，不会自动恢复）" if left else "")
                + "；请用 activate 指定版本",
                f"There is no version of {name} to go back to"
                + (f" ({', '.join(one.version for one in retired)}: left by a rollback)" if left else "")
                + "; name one with activate",
            ),
            code="adapter.no-previous",
        )
    return max(was, key=lambda one: (one.activated_at or one.created_at, one.revision))


def check_settings(adapter: Adapter, platforms: Iterable[Platform]) -> None:
    """Refuse a version that needs a setting some platform does not have: Conflict `adapter.settings-missing`.

    A platform that fetches for itself needs no address, since nobody calls it.
    """
    required = [one for one in adapter.settings.values() if one.required]
    missing = [
        (platform, one)
        for platform in platforms
        for one in required
        if one.name not in platform.settings and not (platform.fetches and one.name == BASE_URL.name)
    ]
    if not missing:
        return
    zh = "、".join(f"{platform.id} 缺 {one.name}（{one.title}）" for platform, one in missing)
    en = ", ".join(f"{platform.id} lacks {one.name}" for platform, one in missing)
    raise Conflict(
        Text(
            f"{adapter.name} {adapter.version} 需要新的设置：{zh}；请先在平台登记中填写，再启用",
            f"{adapter.name} {adapter.version} needs settings that are not there: {en}. Enter them with "
            "`PUT /v1/platforms/{id}`, then activate it",
        ),
        code="adapter.settings-missing",
    )


def check_not_narrower(adapter: Adapter, before: Adapter, platforms: Sequence[Platform]) -> None:
    """Refuse a version that no longer has what the platforms that follow it use: Conflict `adapter.narrower`."""
    lost = sorted({*before.receives} - {*adapter.receives}) + sorted(before.sends - adapter.sends)
    if not platforms or not lost:
        return
    names = ", ".join(lost)
    raise Conflict(
        Text(
            f"{adapter.name} {adapter.version} 不再支持 {names}；使用它的平台会因此中断；确需如此请用 force 说明原因",
            f"{adapter.name} {adapter.version} no longer speaks {names}, which its platforms use; "
            "if that is meant, activate it with a reason under force",
        ),
        code="adapter.narrower",
    )


def check_comparable(version: AdapterVersion, active: str | None) -> None:
    """Refuse a shadow that has no active version to be compared with: Conflict `shadow.alone`."""
    if active is None:
        raise Conflict(
            Text(
                f"适配器 {version.name} 没有现行版本可供比对；请直接启用（activate）",
                f"No version of {version.name} is active to be compared with; activate this one",
            ),
            code="shadow.alone",
        )


def check_unused(version: AdapterVersion, using: Sequence[Platform]) -> None:
    """Refuse to retire a version that is spoken: Conflict `adapter.in-use`."""
    if using:
        ids = ", ".join(one.id for one in using)
        raise Conflict(
            Text(
                f"平台 {ids} 正在使用 {version.name} {version.version}；请先启用另一版本或更改这些平台",
                f"{ids} speak {version.name} {version.version}; activate another version, or change them, first",
            ),
            code="adapter.in-use",
        )


def _wrong_state(version: AdapterVersion, state: AdapterState) -> Conflict:
    return Conflict(
        Text(
            f"{version.name} {version.version} 当前为 {version.state}，不能变为 {state}；{_NEXT_ZH[version.state]}",
            f"{version.name} {version.version} is {version.state} and cannot become {state}: {_NEXT_EN[version.state]}",
        ),
        code="state.wrong",
    )


_NEXT_ZH = {
    AdapterState.DRAFT: "请先检查（check）",
    AdapterState.CHECKED: "可以试行（shadow）或启用（activate）",
    AdapterState.SHADOW: "可以启用（activate）或退役（retire）",
    AdapterState.ACTIVE: "它正在使用中；启用另一版本即可替换它",
    AdapterState.RETIRED: "可以重新检查（check）或重新启用（activate）",
}
_NEXT_EN = {
    AdapterState.DRAFT: "check it first",
    AdapterState.CHECKED: "put it in shadow, or activate it",
    AdapterState.SHADOW: "activate or retire it",
    AdapterState.ACTIVE: "it is in use; activating another version replaces it",
    AdapterState.RETIRED: "check it again, or activate it again",
}


def _unproven(version: AdapterVersion) -> Conflict:
    return Conflict(
        Text(
            f"{version.name} {version.version} 尚未通过检查；请先执行 check 并改正其发现的问题",
            f"{version.name} {version.version} has not passed its check; check it and mend what it finds",
        ),
        code="adapter.unproven",
    )
