"""Problem documents (RFC 9457): one shape for every refusal, said in Chinese or in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from schemas.findings import Finding, Text

MEDIA_TYPE = "application/problem+json"

TYPE_PREFIX = "urn:hutong:problem:"
"""A problem's `type` is this and its stable code."""

MOST_ERRORS = 100
"""More findings than this help nobody; the detail says how many there were."""

LONGEST_VALUE = 200
"""Characters of a value that are repeated to its sender."""

LONGEST_PLACE = 300
"""Characters of a path, a field or a title: a name may be as long as its sender likes."""

LONGEST_MESSAGE = 1000
"""Characters of a sentence that may repeat names of the sender's."""

_BEYOND_JSON = 2**63
"""Whole numbers from here on cannot be written as JSON numbers that every reader reads; they are told as text."""

_BY_CODE: Mapping[str, Text] = {
    "adapter.changed": Text("适配器刚被他人更改", "The adapter was changed by somebody else"),
    "adapter.in-use": Text("适配器正在使用中", "The adapter is in use"),
    "adapter.narrower": Text("新版本支持的内容变少", "The version speaks less than the one before"),
    "adapter.no-previous": Text("没有可回退的版本", "There is no version to go back to"),
    "adapter.settings-missing": Text("缺少新版本需要的设置", "Settings that the version needs are missing"),
    "adapter.unknown": Text("没有这个适配器", "No such adapter"),
    "adapter.unproven": Text("适配器尚未通过检查", "The version has not passed its check"),
    "adapter.unusable": Text("适配器无法编译", "The version does not compile"),
    "adapter.version-exists": Text("该版本已存在且内容不同", "The version exists with other content"),
    "area.in-use": Text("功能区仍在使用中", "The area is in use"),
    "area.invalid": Text("功能区登记有误", "The area is not acceptable"),
    "area.unknown": Text("没有这个功能区", "No such area"),
    "attachment.busy": Text("同时上传的附件过多", "Too many uploads at once"),
    "attachment.lost": Text("附件内容不在存储中", "The attachment's content is gone"),
    "attachment.mismatch": Text("附件与上传内容不符", "The attachment is not what was uploaded"),
    "attachment.slow": Text("上传时间过长", "The upload takes too long"),
    "attachment.unkept": Text("附件无法写入存储", "The attachment cannot be written"),
    "attachment.unknown": Text("没有这个附件", "No such attachment"),
    "digest.malformed": Text("摘要格式有误", "The digest is malformed"),
    "digest.mismatch": Text("内容与摘要不符", "The content is not what the digest says"),
    "digest.missing": Text("缺少内容摘要", "The content's digest is missing"),
    "body.pruned": Text("报文已超过保留期限", "The bytes are older than they are kept"),
    "batch.answers-unread": Text("应答积压未读", "Too many answers wait to be read"),
    "batch.busy": Text("批量受理已满", "Too many batches at once"),
    "batch.empty": Text("文件中没有记录", "The file holds no record"),
    "batch.format": Text("不能以此格式成批发送", "Not a format for batches"),
    "bundle.broken": Text("适配包有误", "The bundle is broken"),
    "calendar.invalid": Text("日历有误", "The calendar is not acceptable"),
    "calendar.unknown": Text("该年份的节假日未知", "The year's holidays are not known"),
    "case.ambiguous": Text("多个案件使用该编号", "Several cases have this number"),
    "case.unknown": Text("没有这个案件", "No such case"),
    "credential.absent": Text("没有这个凭据", "No such credential"),
    "credential.expired": Text("凭据已过期", "The credential has expired"),
    "credential.invalid": Text("凭据内容有误", "The credential is not acceptable"),
    "credential.missing": Text("没有携带凭据", "No credential was sent"),
    "access.invalid": Text("认证方式有误", "The way to call is not acceptable"),
    "credential.replayed": Text("签名已使用过或已过时", "The signature was used before, or is too old"),
    "credential.revoked": Text("凭据已吊销", "The credential was revoked"),
    "credential.unknown": Text("凭据无效", "The credential is not known"),
    "keys.unavailable": Text("取不到签发方公钥", "The issuer's keys are not to be had"),
    "nonce.unavailable": Text("无法核对是否重复", "Whether it is a repeat cannot be told"),
    "delivery.unknown": Text("没有这个投递", "No such delivery"),
    "delivery.unsent": Text("尚未发送过", "It was not sent yet"),
    "document.unknown": Text("没有这个文书", "No such document"),
    "figure.unknown": Text("没有这个指标", "No such figure"),
    "period.invalid": Text("期间有误", "Not a period"),
    "message.unknown": Text("没有这个消息", "No such message"),
    "rejection.unknown": Text("没有这条拒收记录", "No such rejection"),
    "replay.unknown": Text("没有这个批量重新投递", "No such bulk replay"),
    "document.unsupported": Text("文书版本不受支持", "The document version is not supported"),
    "shadow.alone": Text("没有可比对的现行版本", "No active version to be compared with"),
    "shadow.differences": Text("试行中有未说明的差异", "The shadow differs in what nobody declared"),
    "shadow.unknown": Text("该版本没有在试行", "The version does not run in shadow"),
    "document.invalid": Text("文书内容不符合要求", "The document is not acceptable"),
    "envelope.too-large": Text("记录之外的内容过多", "Too much stands around the records"),
    "gateway.stopping": Text("网关正在停止", "The gateway is stopping"),
    "idempotency.key-invalid": Text("幂等键不合规", "The idempotency key is malformed"),
    "idempotency.key-reused": Text("幂等键已用于其他内容", "The idempotency key was used for other content"),
    "idempotency.secret-shown": Text("凭据已显示过一次", "The credential was shown once already"),
    "intake.busy": Text("网关繁忙", "The gateway is busy"),
    "intake.contended": Text("案件正被频繁更改", "The case keeps changing"),
    "inbox.busy": Text("取件请求过多", "Too many polls at once"),
    "lease.answered": Text("该租约已有另一份回执", "The lease has another receipt"),
    "lease.lapsed": Text("租约已到期", "The lease has lapsed"),
    "lease.none": Text("没有这次租约", "No such lease"),
    "lane.moved_on": Text("后续文书已送达", "A later document was delivered already"),
    "person.exists": Text("该编号已被使用", "The id was given before"),
    "person.invalid": Text("人员内容有误", "The person is not acceptable"),
    "person.unknown": Text("没有这个人员", "No such person"),
    "platform.in-use": Text("平台还有未完成的投递", "The platform has deliveries to get"),
    "platform.not-pull": Text("平台不是自行取件", "The platform does not fetch for itself"),
    "platform.pull": Text("平台自行取件，不被主动连接", "The platform fetches for itself"),
    "platform.unknown": Text("没有登记这个平台", "The platform is not registered"),
    "rate.limited": Text("调用过于频繁", "Called too often"),
    "replay.open": Text("已有一次重新投递尚未完成", "A replay of it is not done yet"),
    "mandate.not-allowed": Text("未获准使用该类授权", "The caller may not use this kind of mandate"),
    "operation.unknown": Text("没有这个操作", "No such operation"),
    "order.unknown": Text("找不到对应的调度任务", "No such dispatch order"),
    "region.unknown": Text("没有这个区划", "No such region"),
    "region.outside": Text("超出本平台的行政区域", "Outside the caller's region"),
    "unwanted.invalid": Text("声明内容有误", "The declaration is not acceptable"),
    "unwanted.unknown": Text("没有这项声明", "Nothing of the sort was declared"),
    "right.missing": Text("没有这项权限", "Not the caller's right"),
    "state.wrong": Text("当前状态不允许此操作", "Not possible in this state"),
    "type.forbidden": Text("本平台不能发送这类文书", "The caller may not send this type"),
}

_BY_STATUS: Mapping[int, Text] = {
    400: Text("请求无法读取", "The request cannot be read"),
    401: Text("未通过身份认证", "Not authenticated"),
    403: Text("没有权限", "Not allowed"),
    404: Text("没有找到", "Not found"),
    405: Text("不支持该方法", "Method not allowed"),
    406: Text("无法按要求的格式应答", "Not acceptable"),
    408: Text("请求时间过长", "The request takes too long"),
    409: Text("与当前状态冲突", "In conflict with the present state"),
    410: Text("已超过保留期限", "Older than it is kept"),
    413: Text("内容过大", "Content too large"),
    415: Text("格式或字符集不对", "Wrong format or character set"),
    422: Text("内容不可接受", "The content is not acceptable"),
    429: Text("请求过多", "Too many requests"),
    500: Text("网关内部错误", "Internal error"),
    503: Text("暂时不可用", "Temporarily unavailable"),
}

_UNTITLED = Text("请求未能完成", "The request was not carried out")


def problem(
    code: str,
    status: int,
    detail: Text,
    findings: Sequence[Finding] = (),
    *,
    language: str = "zh-CN",
    trace_id: str | None = None,
    rejection_id: str | None = None,
) -> dict[str, Any]:
    """Write a problem document in one language (`zh-CN` or `en`); members without a value are left out."""
    members = {
        "type": TYPE_PREFIX + code,
        "title": title(code, status).say(language),
        "status": status,
        "detail": _short(detail.say(language), LONGEST_MESSAGE),
        "code": code,
        "trace_id": trace_id,
        "errors": [_entry(one, language) for one in findings[:MOST_ERRORS]] or None,
        "rejection_id": rejection_id,
    }
    return {name: value for name, value in members.items() if value is not None}


def title(code: str, status: int) -> Text:
    """Give the short name of a kind of problem, the same for all its occurrences."""
    return _BY_CODE.get(code) or _BY_STATUS.get(status) or _UNTITLED


def keep(
    code: str,
    status: int,
    detail: Text,
    findings: Sequence[Finding] = (),
    *,
    trace_id: str | None = None,
    rejection_id: str | None = None,
) -> dict[str, Any]:
    """Write a problem document in Chinese with, under `en`, the words that English would say otherwise."""
    chinese = problem(code, status, detail, findings, trace_id=trace_id, rejection_id=rejection_id)
    messages = [_short(one.message.en, LONGEST_MESSAGE) for one in findings[:MOST_ERRORS]]
    detail_en = _short(detail.en, LONGEST_MESSAGE)
    return {**chinese, "en": {"title": title(code, status).en, "detail": detail_en, "messages": messages}}


def told(kept: Mapping[str, Any], language: str = "zh-CN") -> dict[str, Any]:
    """Say a kept problem document in one language, as it was answered."""
    said = {name: value for name, value in kept.items() if name != "en"}
    english = kept.get("en")
    if language != "en" or english is None:
        return said
    said |= {"title": english["title"], "detail": english["detail"]}
    if "errors" in said:
        pairs = zip(said["errors"], english["messages"], strict=True)
        said["errors"] = [{**entry, "message": message} for entry, message in pairs]
    return said


def keep_warning(finding: Finding) -> dict[str, Any]:
    """Write a warning of a message with both its sentences (`message`, `message_en`)."""
    return {**_entry(finding, "zh-CN"), "message_en": _short(finding.message.en, LONGEST_MESSAGE)}


def tell_warnings(kept: Sequence[Mapping[str, Any]], language: str = "zh-CN") -> list[dict[str, Any]]:
    """Say kept warnings in one language: `{path, field, title, code, message, value}` each."""
    return [_warning(one, language) for one in kept]


def _warning(kept: Mapping[str, Any], language: str) -> dict[str, Any]:
    said = {name: value for name, value in kept.items() if name != "message_en"}
    if language == "en" and "message_en" in kept:
        said["message"] = kept["message_en"]
    return said


def _entry(finding: Finding, language: str) -> dict[str, Any]:
    members = {
        "path": _short(finding.path, LONGEST_PLACE),
        "field": _short(finding.field, LONGEST_PLACE),
        "title": _short(finding.title, LONGEST_PLACE),
        "code": finding.code,
        "message": _short(finding.message.say(language), LONGEST_MESSAGE),
        "value": _value(finding.value),
    }
    return {name: value for name, value in members.items() if value not in ("", None)}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < _BEYOND_JSON:
        return value
    text = str(value) if isinstance(value, str | Decimal) else repr(value)
    return _short(text, LONGEST_VALUE)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
