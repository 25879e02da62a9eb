"""The errors that a ledger answers with, each with its remedy."""

from __future__ import annotations

from gateway.errors import Conflict, NotFound, Unavailable
from gateway.ledger.versions import AdapterVersion
from schemas.findings import Text


def stopped() -> Unavailable:
    """Say that the ledger was stopped."""
    return Unavailable(
        Text("账本已停止;请待网关重新启动后再试。", "The ledger is stopped; try again when the gateway is up."),
        code="ledger.stopped",
    )


def no_delivery(delivery_id: str) -> NotFound:
    """Say that there is no such delivery."""
    return NotFound(
        Text(f"没有投递 {delivery_id};请核对编号。", f"There is no delivery {delivery_id}; check the id."),
        code="delivery.unknown",
    )


def no_platform(platform_id: str) -> NotFound:
    """Say that there is no such platform."""
    return NotFound(
        Text(f"没有登记平台 {platform_id};请先登记。", f"Platform {platform_id} is not registered; register it first."),
        code="platform.unknown",
    )


def in_use(platform_id: str) -> Conflict:
    """Say that a platform still has deliveries to get."""
    return Conflict(
        Text(
            f"平台 {platform_id} 尚有未了结的投递,不能删除;请先送达或放弃它们。",
            f"Platform {platform_id} has deliveries that are not settled; deliver or discard them first.",
        ),
        code="platform.in-use",
    )


def version_exists(adapter: AdapterVersion) -> Conflict:
    """Say that a version's content never changes."""
    return Conflict(
        Text(
            f"适配器 {adapter.name} {adapter.version} 已存在且内容不同;已发布的版本不可更改,请提高版本号。",
            f"{adapter.name} {adapter.version} exists with other content; a version never changes: raise its number.",
        ),
        code="adapter.version-exists",
    )


def adapter_changed(adapter: AdapterVersion) -> Conflict:
    """Say that somebody else changed a version meanwhile."""
    return Conflict(
        Text(
            f"适配器 {adapter.name} {adapter.version} 刚被他人更改;请查看现状后重试。",
            f"{adapter.name} {adapter.version} was changed by somebody else just now; look at it and try again.",
        ),
        code="adapter.changed",
    )
