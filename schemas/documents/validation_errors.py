"""The errors of pydantic, as findings: path, Chinese title, remedy, masked value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic_core import ErrorDetails

from schemas.documents.characters import REWRITTEN, is_rewritten, rewritten_text
from schemas.documents.field import Field
from schemas.documents.masking import shown
from schemas.findings import Finding, Text
from schemas.identifiers import Misshapen

Named = Callable[[str], Field | None]
"""The field at a path that may carry indexes; None for a path the document does not have."""


def where(location: Sequence[str | int]) -> str:
    """Write a validation location as a path: `officers[0].number`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def fault(error: ErrorDetails, named_at: Named) -> Finding:
    """Say one validation error as a finding."""
    path = where(error["loc"])
    named = named_at(path)
    title = named.title if named else path
    if is_rewritten(error["input"]):
        code, message = REWRITTEN, rewritten_text(title)
    else:
        code, message = _said(error, title, path)
    personal = named is not None and named.personal
    identity = named is not None and named.identity
    absent = error["type"] in ("missing", "extra_forbidden")
    value = None if absent else shown(error["input"], personal=personal, identity=identity)
    return Finding(code, message, field=path, title=named.title if named else "", value=value)


def _said(error: ErrorDetails, title: str, path: str) -> tuple[str, Text]:
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Misshapen):
        return cause.finding.code, cause.finding.message
    if error["type"] in _SAID:
        code, zh, en = _SAID[error["type"]]
        return code, Text(zh.format(title=title, **context), en.format(path=path or "the document", **context))
    return "value.invalid", Text(f"“{title}”无效：{error['msg']}。", f"{path} is not valid: {error['msg']}.")


_SAID = {
    "missing": ("field.missing", "缺少必填项“{title}”。", "{path} is required."),
    "extra_forbidden": (
        "field.unknown",
        "没有字段“{title}”，请核对拼写。",
        "There is no field {path}: check the spelling.",
    ),
    "literal_error": ("code.unknown", "“{title}”的代码无效，应为：{expected}。", "Unknown code; expected {expected}."),
    "string_type": ("type.text", "“{title}”应为文本。", "{path} must be text."),
    "string_unicode": ("type.text", "“{title}”不是有效的 Unicode 文本。", "{path} is not valid Unicode text."),
    "string_too_short": ("field.empty", "“{title}”不能为空。", "{path} must not be empty."),
    "string_too_long": ("text.long", "“{title}”最多{max_length}个字符。", "{path}: at most {max_length} characters."),
    "string_pattern_mismatch": ("text.control", "“{title}”含有控制字符，请删除。", "Remove the control characters."),
    "list_type": ("type.list", "“{title}”应为列表。", "{path} must be a list."),
    "too_short": ("field.empty", "“{title}”至少要有{min_length}项。", "{path} needs at least {min_length} item(s)."),
    "int_type": ("type.integer", "“{title}”应为整数。", "{path} must be a whole number."),
    "greater_than_equal": ("value.range", "“{title}”不能小于{ge}。", "{path} must not be less than {ge}."),
    "less_than": ("value.range", "“{title}”应小于{lt}。", "{path} must be less than {lt}."),
    "bool_type": ("type.bool", "“{title}”应为 true 或 false。", "{path} must be true or false."),
    "model_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
    "model_attributes_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
    "dict_type": ("type.object", "“{title}”应为对象。", "{path} must be an object."),
}
