"""The errors that a ledger answers with, each with its remedy."""

from __future__ import annotations

from gateway.errors import Conflict, Forbidden, Forgotten, HutongError, NotFound, Unavailable
from gateway.ledger.versions import AdapterVersion
from schemas.findings import Text


def stopped() -> Unavailable:
    """Say that the ledger was stopped."""
    return Unavailable(
        Text("账本已停止；请待网关重新启动后再试。", "The ledger is stopped; try again when the gateway is up."),
        code="ledger.stopped",
    )


def claim_taken(platform_id: str, owner: str) -> Conflict:
    """Say that another process delivers to a platform."""
    return Conflict(
        Text(
            f"平台 {platform_id} 的投递权在另一进程（{owner}）手中；待其释放或到期后再取。",
            f"Another process ({owner}) delivers to {platform_id}; the claim is free once it is given back or lapses.",
        ),
        code="claim.taken",
    )


def taken(name: str) -> Conflict:
    """Say that another process follows under a name."""
    return Conflict(
        Text(
            f"另一进程已接手 {name}；由其继续，无需处理。",
            f"Another process follows as {name} now and goes on from where this one was: there is nothing to do.",
        ),
        code="follower.taken",
    )


def no_delivery(delivery_id: str) -> NotFound:
    """Say that there is no such delivery."""
    return NotFound(
        Text(f"没有投递 {delivery_id}；请核对编号。", f"There is no delivery {delivery_id}; check the id."),
        code="delivery.unknown",
    )


def no_credential(platform_id: str, credential_id: str) -> NotFound:
    """Say that a platform has no such credential."""
    return NotFound(
        Text(
            f"平台 {platform_id} 没有凭据 {credential_id}；GET /v1/platforms/{platform_id}/credentials 列出全部凭据。",
            f"{platform_id} has no credential {credential_id}; "
            f"GET /v1/platforms/{platform_id}/credentials lists those it has.",
        ),
        code="credential.absent",
    )


def no_leaf() -> NotFound:
    """Say that the tree has no such leaf."""
    return NotFound(
        Text(
            "没有此叶；请核对回执中的 leaf。升级前收到的报文没有叶。",
            "There is no such leaf; check `leaf` of the receipt. Messages from before the upgrade have none.",
        ),
        code="leaf.unknown",
    )


def leaf_waits() -> NotFound:
    """Say that a leaf has no signed head over it yet."""
    return NotFound(
        Text(
            "此叶尚未编入已签名的树头；请几秒后再试。",
            "No signed head covers this leaf yet; ask again in a few seconds.",
        ),
        code="leaf.waiting",
    )


def no_such_size(size: int) -> NotFound:
    """Say that the tree never had a size."""
    return NotFound(
        Text(
            f"树的大小现为 {size}；from 与 to 应为 0 ≤ from ≤ to ≤ {size}。",
            f"The tree has {size} leaves now; ask for 0 ≤ from ≤ to ≤ {size}.",
        ),
        code="tree.size-unknown",
    )


def no_person(person_id: str) -> NotFound:
    """Say that nobody of that id is known."""
    return NotFound(
        Text(f"没有人员 {person_id}；GET /v1/people 列出全部人员。", f"There is no {person_id}; see GET /v1/people."),
        code="person.unknown",
    )


def no_approval(approval_id: str) -> NotFound:
    """Say that nothing of that id waits for approval, or did."""
    return NotFound(
        Text(
            f"没有待复核事项 {approval_id}；GET /v1/approvals 列出全部。",
            f"There is no approval {approval_id}; GET /v1/approvals lists them.",
        ),
        code="approval.unknown",
    )


def own_approval() -> Forbidden:
    """Say that nobody approves what they asked for themselves."""
    return Forbidden(
        Text("不能复核本人提出的事项；请由他人复核。", "Nobody approves what they asked for: let somebody else."),
        code="approval.own",
    )


def approval_over(approval_id: str) -> Conflict:
    """Say that a change waited too long."""
    return Conflict(
        Text(f"复核事项 {approval_id} 已过期；请重新提出。", f"{approval_id} has expired; ask for the change again."),
        code="approval.expired",
    )


def approval_decided(approval_id: str, state: str) -> Conflict:
    """Say that it was decided otherwise, or by somebody else."""
    return Conflict(
        Text(f"复核事项 {approval_id} 已有结论（{state}）。", f"{approval_id} was decided already: {state}."),
        code="approval.decided",
    )


def platform_moved(platform_id: str) -> Conflict:
    """Say that a platform was changed since somebody decided how it is to be."""
    return Conflict(
        Text(
            f"平台 {platform_id} 在此期间已被更改；请按现状重新提出。",
            f"{platform_id} was changed meanwhile; ask again for what is to be changed of it as it is now.",
        ),
        code="platform.changed",
    )


def delivery_moved(delivery_id: str, state: str) -> Conflict:
    """Say that a delivery stands otherwise than when somebody decided what to do with it."""
    return Conflict(
        Text(
            f"投递 {delivery_id} 的状态已变为 {state}；请按现状重新提出。",
            f"{delivery_id} is {state} by now; ask again for what is to become of it.",
        ),
        code="state.wrong",
    )


def person_exists(person_id: str) -> Conflict:
    """Say that an id is somebody's, or was: what was done under it stays theirs."""
    return Conflict(
        Text(
            f"编号 {person_id} 已有人使用或曾有人使用；请另取一个编号。",
            f"The id {person_id} is somebody's, or was; take another one.",
        ),
        code="person.exists",
    )


def no_message(message_id: str) -> NotFound:
    """Say that there is no such message."""
    return NotFound(
        Text(f"没有消息 {message_id}；请核对编号。", f"There is no message {message_id}; check the id."),
        code="message.unknown",
    )


def body_pruned(id: str) -> Forgotten:
    """Say that bytes were kept for as long as they had to be, and not longer."""
    return Forgotten(
        Text(
            f"{id} 的报文已超过保留期限并已清除；保留期限见 GET /v1/retention。",
            f"The bytes of {id} were older than bodies are kept, and are gone; see GET /v1/retention.",
        ),
        code="body.pruned",
    )


def no_rejection(rejection_id: str) -> NotFound:
    """Say that there is no such rejection (any more)."""
    return NotFound(
        Text(
            f"没有拒收记录 {rejection_id}；它可能已超出每个平台的保留容量或保留期限。",
            f"There is no rejection {rejection_id}; it may have given way to newer ones, or been too old.",
        ),
        code="rejection.unknown",
    )


def no_platform(platform_id: str) -> NotFound:
    """Say that there is no such platform."""
    return NotFound(
        Text(
            f"没有登记平台 {platform_id}；请先登记。", f"Platform {platform_id} is not registered; register it first."
        ),
        code="platform.unknown",
    )


def no_area(code: str) -> NotFound:
    """Say that there is no such functional area."""
    return NotFound(
        Text(f"没有登记功能区 {code}；GET /v1/areas 列出全部。", f"There is no area {code}; GET /v1/areas lists them."),
        code="area.unknown",
    )


def area_in_use(code: str, by: str) -> Conflict:
    """Say who still names a functional area: a platform or another area."""
    return Conflict(
        Text(
            f"功能区 {code} 仍被 {by} 使用；请先更改它，再删除。",
            f"The area {code} is still named by {by}; change that first, and delete it then.",
        ),
        code="area.in-use",
    )


def in_use(platform_id: str) -> Conflict:
    """Say that a platform still has deliveries to get."""
    return Conflict(
        Text(
            f"平台 {platform_id} 尚有未了结的投递，不能删除；请先送达或放弃它们。",
            f"Platform {platform_id} has deliveries that are not settled; deliver or discard them first.",
        ),
        code="platform.in-use",
    )


def version_exists(adapter: AdapterVersion) -> Conflict:
    """Say that a version's content never changes."""
    return Conflict(
        Text(
            f"适配器 {adapter.name} {adapter.version} 已存在且内容不同；已发布的版本不可更改，请提高版本号。",
            f"{adapter.name} {adapter.version} exists with other content; a version never changes: raise its number.",
        ),
        code="adapter.version-exists",
    )


def no_bundle_key(key_id: str) -> NotFound:
    """Say that no key of that id is registered."""
    return NotFound(
        Text(
            f"没有适配包签名公钥 {key_id}；GET /v1/bundle-keys 列出全部。",
            f"There is no key {key_id} for bundles; GET /v1/bundle-keys lists them.",
        ),
        code="bundle-key.unknown",
    )


def bundle_key_exists(key_id: str) -> Conflict:
    """Say that a key is registered, or was."""
    return Conflict(
        Text(
            f"公钥 {key_id} 已登记或曾经登记；请另行生成密钥。",
            f"The key {key_id} is registered, or was; make another one.",
        ),
        code="bundle-key.exists",
    )


def bundle_key_ended(key_id: str) -> Forbidden:
    """Say that a key signs nothing any more, or never did."""
    return Forbidden(
        Text(
            f"签名所用的密钥 {key_id} 未登记、已过期或已吊销；请用有效密钥重新签名。",
            f"The key {key_id} is not registered, has expired or was revoked; sign again with one that is in force.",
        ),
        code="signature.key",
    )


def adapter_changed(adapter: AdapterVersion) -> Conflict:
    """Say that somebody else changed a version meanwhile."""
    return Conflict(
        Text(
            f"适配器 {adapter.name} {adapter.version} 刚被他人更改；请查看现状后重试。",
            f"{adapter.name} {adapter.version} was changed by somebody else just now; look at it and try again.",
        ),
        code="adapter.changed",
    )


def superseded() -> Unavailable:
    """Say that another process owns the ledger now."""
    return Unavailable(
        Text(
            "账本已由另一个网关进程接管；本进程不再收发，请停止本进程。",
            "Another gateway process has taken over the ledger; this one takes and sends nothing more: stop it.",
        ),
        code="ledger.superseded",
    )


def newer(found: str) -> HutongError:
    """Say that a newer gateway changed the ledger's schema."""
    return HutongError(
        Text(
            f"账本的表结构（{found}）来自更新版本的网关；请改用该版本的网关，或恢复升级前的备份。",
            f"The ledger's schema ({found}) is from a newer gateway; run that one, or restore a backup from before.",
        ),
        code="ledger.newer",
    )


def half_copied() -> Conflict:
    """Say that a ledger's rows are not all there yet."""
    return Conflict(
        Text(
            "账本尚未复制完成或未通过核对，不能使用；请再次运行同一条 hutong ledger copy 命令，它会从中断处继续。",
            "This ledger is not completely copied, or not verified; run the same hutong ledger copy again: it goes on "
            "where it stopped.",
        ),
        code="ledger.half-copied",
    )


def too_slow(seconds: float) -> Unavailable:
    """Say that a search took longer than it may."""
    return Unavailable(
        Text(
            f"查询超过 {seconds:g} 秒，已中止；请缩小时间范围，或加上平台、类型等条件后再试。",
            f"The search took more than {seconds:g} s and was stopped; narrow it by time, platform or type.",
        ),
        code="search.too-slow",
    )


def replay_open(delivery_id: str, open_id: str) -> Conflict:
    """Say that a delivered delivery is being replayed already."""
    return Conflict(
        Text(
            f"投递 {delivery_id} 已有一次重新投递（{open_id}）尚未了结；请等待其结束，或先放弃它。",
            f"Delivery {delivery_id} is being replayed already, as {open_id}; wait for it, or discard it first.",
        ),
        code="replay.open",
    )


def no_replay(replay_id: str) -> NotFound:
    """Say that there is no such bulk replay."""
    return NotFound(
        Text(f"没有批量重新投递 {replay_id}；请核对编号。", f"There is no bulk replay {replay_id}; check the id."),
        code="replay.unknown",
    )


def platform_gone(platform_id: str) -> Conflict:
    """Say that a delivery's platform is not registered any more."""
    return Conflict(
        Text(
            f"平台 {platform_id} 已不再登记，无处可投；请先重新登记该平台。",
            f"Platform {platform_id} is not registered any more; register it again first.",
        ),
        code="platform.unknown",
    )


def no_run(run_id: str) -> NotFound:
    """Say that there is no such run."""
    detail = Text(f"没有评查任务 {run_id}；请核对编号。", f"There is no assessment {run_id}; check its id.")
    return NotFound(detail, code="assessment.unknown")
