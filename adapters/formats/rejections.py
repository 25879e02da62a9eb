"""The rejections of a body that cannot be read or written, whatever its content means."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.findings import Finding, Rejected, Text


def reject(code: str, zh: str, en: str, *, status: int = 400, path: str = "") -> Rejected:
    """Make the rejection of a whole body, with one finding that says the same."""
    text = Text(zh, en)
    return Rejected(code, text, [Finding(code, text, path=path)], status=status)


def empty() -> Rejected:
    """Nothing was sent."""
    return reject("body.empty", "请求体为空；请发送文档内容", "the body is empty; send the document")


def too_large(size: int, limit: int) -> Rejected:
    """More bytes than the bundle allows."""
    return reject(
        "body.size",
        f"请求体 {size} 字节，超过上限 {limit} 字节；请拆分后发送",
        f"the body has {size} bytes, more than the {limit} allowed; send it in parts",
        status=413,
    )


def doctype() -> Rejected:
    """XML that declares a document type, and so perhaps entities."""
    return reject(
        "xml.dtd",
        "不接受带 DTD 或实体的 XML；请删去 DOCTYPE",
        "XML with a DTD or entities is not accepted; remove the DOCTYPE",
    )


def syntax(kind: str, detail: str) -> Rejected:
    """Not well-formed in the declared format."""
    return reject(
        f"{kind}.syntax",
        f"请求体不是合格的 {kind.upper()}：{detail}；请改正后重新发送",
        f"the body is not well-formed {kind.upper()}: {detail}; correct it and send it again",
    )


def no_stream(body: str) -> Rejected:
    """Records that can only come one by one."""
    return reject(
        "batch.format",
        f"此操作的格式（{body}）不能成批发送；请用普通接口逐份发送",
        f"documents of this operation ({body}) cannot be sent in a batch; send them one by one by the ordinary call",
        status=415,
    )


def other_stream(said: str, known: Sequence[str]) -> Rejected:
    """A stream whose media type is not the one in which the operation's records come."""
    most = known[0]
    return reject(
        "batch.format",
        f"{f'Content-Type 是 {said}，' if said else '没有 Content-Type；'}此操作成批发送时须为 {most}",
        f"{f'the Content-Type is {said}; ' if said else 'there is no Content-Type; '}"
        f"a batch of this operation is sent as {most}",
        status=415,
    )


def undecodable(charset: str, offset: int) -> Rejected:
    """Bytes that are no text in the charset."""
    return reject(
        "body.charset",
        f"第 {offset} 字节起无法按 {charset.upper()} 解码；请确认字符集",
        f"cannot be decoded as {charset.upper()} from byte {offset} on; check the charset",
    )


def other_charset(found: str, declared: str) -> Rejected:
    """The Content-Type names, or the bytes show, another charset than the declared one."""
    return reject(
        "body.charset",
        f"请求体的字符集是 {found.upper()}，约定的是 {declared.upper()}；请按约定的字符集发送",
        f"the body is in {found.upper()} but {declared.upper()} is agreed; send it in the agreed charset",
        status=415,
    )


def unencodable(charset: str, character: str, offset: int) -> Rejected:
    """A character that the platform's charset does not have."""
    point = f"U+{ord(character):04X}"
    return reject(
        "body.unencodable",
        f"第 {offset + 1} 个字符 {character}（{point}）不能用 {charset.upper()} 表示；请更正该文档",
        f"character {offset + 1} {character} ({point}) does not exist in {charset.upper()}; correct the document",
        status=422,
    )
