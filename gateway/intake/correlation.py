"""What a sender may tie its document to with its own words: a correlation, a message that it corrects."""

from __future__ import annotations

from gateway.intake.steps import Headers
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter
from schemas.findings import Finding, Rejected, Text


async def tied(ledger: Ledger, caller: str, headers: Headers) -> str | None:
    """Give the correlation that the sender names, itself or through what it corrects; None when it names none.

    Rejected `message.unknown` for a message that is not the caller's, and `correlation.foreign`
    (403) for a case that the caller has no part in: else it could read and feed somebody else's.
    """
    corrected = await _corrected(ledger, caller, headers.corrects) if headers.corrects else None
    if headers.correlation_id is None:
        return corrected
    if not await _open_to(ledger, caller, headers.correlation_id):
        raise _foreign(headers.correlation_id)
    return headers.correlation_id


async def _corrected(ledger: Ledger, caller: str, message_id: str) -> str:
    message = await ledger.message(message_id)
    if message is None or message.source != caller:
        raise Rejected(
            "message.unknown",
            Text(
                f"本平台没有发送过消息 {message_id}；请核对 corrects",
                f"This platform sent no message {message_id}; check `corrects`",
            ),
            [_finding("corrects", message_id)],
        )
    return message.correlation_id


async def _open_to(ledger: Ledger, caller: str, correlation_id: str) -> bool:
    """A correlation is open to those who take part in it, and to anybody while it is new."""
    own = await ledger.find_messages(MessageFilter(correlation_id=correlation_id, platform=caller), limit=1)
    if own.items:
        return True
    return not (await ledger.find_messages(MessageFilter(correlation_id=correlation_id), limit=1)).items


def _foreign(correlation_id: str) -> Rejected:
    detail = Text(
        f"本平台未参与案件 {correlation_id}；请去掉 correlation_id 或核对后重发",
        f"This platform has no part in correlation {correlation_id}; leave correlation_id out, or check it",
    )
    return Rejected("correlation.foreign", detail, [_finding("correlation_id", correlation_id)], status=403)


def _finding(path: str, value: str) -> Finding:
    return Finding(
        "value.unknown", Text("网关没有可用的记录", "The gateway has nothing under it"), path=path, value=value
    )
