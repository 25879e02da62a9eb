"""What a manifest says of each exchange: an operation received, a type sent, a question asked."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from adapters import request_parts
from adapters.bundle.parts import FormatPart
from adapters.bundle.values import FileName, ListPath, Model, NativePath, Scalar, SettingName, Status
from adapters.misfit import Misfit


class Conversation(Model):
    """One side of `answer`: what a caller reads."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    """The HTTP status.
    HTTP 状态码。"""
    body: Any
    """A tree in the operation's format, or a text; with `{message_id}`, `{code}`, `{detail}`.
    该操作格式的树或文本，可用 {message_id}、{code}、{detail}。"""


class AnswerPart(Model):
    """`answer`, for callers that cannot read the gateway's JSON."""

    accepted: Conversation
    """What is said when a body was accepted.
    接收时的应答。"""
    rejected: Conversation
    """What is said when it was not.
    不接收时的应答。"""


class Receive(Model):
    """One of `receives`: an operation that the platform calls, by its name in `/v1/inbound/{operation}`."""

    type: str
    """The message type that a record becomes.
    记录对应的消息类型。"""
    mapping: FileName
    """The file in mappings/, without .yaml.
    mappings/ 中的文件名，不含 .yaml。"""
    identity: list[NativePath | list[NativePath]] = Field(default_factory=list, max_length=16)
    """The native values that make a record itself; of a list, the first that is there.
    构成记录标识的原字段；列表中取第一个有值的。"""
    split: ListPath | None = None
    """Where the records of a package stand; mapping and identity are then relative to a record.
    数据包中记录的位置；映射和标识从记录写起。"""
    require: dict[NativePath, Scalar] = Field(default_factory=dict, max_length=16)
    """What must stand in the body, else the whole is refused; `{count}` is the number of records.
    报文必须具有的值，否则整包拒收；{count} 为记录数。"""
    format: FormatPart = FormatPart()
    """What differs from the adapter's format.
    与适配包格式的不同之处。"""
    schema_: FileName | None = Field(default=None, alias="schema")
    """The file in native/ that describes the whole body: JSON Schema, or XSD.
    native/ 中描述整个报文的模式文件。"""
    answer: AnswerPart | None = None
    """What the caller reads instead of the gateway's JSON.
    以调用方的格式应答。"""


class RequestPart(Model):
    """`request`: where a body goes, or a question."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """The HTTP method; GET and DELETE carry no body.
    HTTP 方法；GET 和 DELETE 没有请求体。"""
    path: Annotated[str, AfterValidator(request_parts.path)]
    """The path and query below `base_url`; placeholders in it are always escaped.
    base_url 之下的路径和查询；占位符总会转义。"""
    headers: Annotated[dict[str, str], AfterValidator(request_parts.headers)] = Field(default_factory=dict)
    """More headers; placeholders may stand in their values.
    其他请求头，值中可用占位符。"""
    action: Annotated[str, AfterValidator(request_parts.action)] | None = None
    """What SOAPAction says.
    SOAPAction 的值。"""


class When(Model):
    """`when`: the condition of a reply rule; all that is said must hold."""

    status: Status | None = None
    """The HTTP status, or its class.
    HTTP 状态码或其类别。"""
    at: NativePath | None = None
    """Where in the reply the value stands that is, is in, or present speak of.
    应答中所看的位置。"""
    is_: Scalar | None = Field(default=None, alias="is")
    """The value there, compared as text.
    该处的值，按文本比较。"""
    in_: list[Scalar] | None = Field(default=None, alias="in", min_length=1)
    """One of these values is there.
    该处为其中之一。"""
    present: bool | None = None
    """Whether anything is there.
    该处是否有值。"""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        asked = [self.is_, self.in_, self.present]
        if self.at is None and self.status is None:
            raise Misfit(
                "规则需要 status，或 at 与 is、in、present", "a rule needs a status, or at with is, in or present"
            )
        if (self.at is not None) != (sum(one is not None for one in asked) == 1):
            raise Misfit("at 与 is、in、present 之一同时写", "a path (at) goes with exactly one of is, in, present")
        return self


class ReplyRule(Model):
    """One of `reply`: a way to read a reply; the first that matches wins."""

    when: When
    """When the rule holds.
    规则成立的条件。"""
    verdict: Literal["accepted", "refused", "retry", "dead"]
    """accepted: taken; refused: a business no; retry: again later; dead: for people to mend.
    accepted 受理、refused 业务拒绝、retry 稍后重试、dead 需人工处理。"""
    reference: NativePath | None = None
    """Where the reply tells the platform's own number.
    对方编号的位置。"""
    reason: NativePath | None = None
    """Where the reply tells why.
    原因的位置。"""


class InDoubt(Model):
    """`in_doubt`: the question to ask before a request is sent again that may have arrived."""

    request: RequestPart
    """The question.
    询问的请求。"""
    body: Any = None
    """Its body, a constant tree with placeholders.
    询问的请求体，可用占位符。"""
    reply: list[ReplyRule] = Field(min_length=1, max_length=64)
    """accepted: it did arrive; retry: it did not, send it.
    accepted 表示已到达，retry 表示未到达、应重发。"""


class Send(Model):
    """One of `sends`: how a message type is sent. One message is one request."""

    mapping: FileName
    """The file in mappings/, without .yaml.
    mappings/ 中的文件名，不含 .yaml。"""
    request: RequestPart
    """Where it goes.
    发往何处。"""
    format: FormatPart = FormatPart()
    """What differs from the adapter's format.
    与适配包格式的不同之处。"""
    reply_format: FormatPart | None = None
    """What differs in replies; a form or a table is answered in JSON unless it is said.
    应答格式的不同之处；表单和表格默认以 JSON 应答。"""
    envelope: Any = None
    """A constant tree around the record: `{record}` where it goes, or `{record_text}` for it as text.
    包在记录外面的结构：记录处写 {record}，以文本嵌入写 {record_text}。"""
    schema_: FileName | None = Field(default=None, alias="schema")
    """The file in native/ that describes the whole body.
    native/ 中描述整个报文的模式文件。"""
    reply: list[ReplyRule] = Field(default_factory=list, max_length=64)
    """How replies are read, before the defaults.
    如何判定应答，先于默认规则。"""
    in_doubt: InDoubt | None = None
    """What is asked when nobody knows whether a request arrived; without it, it is sent again.
    不知是否到达时如何询问；没有则重发。"""


class Pages(Model):
    """`pages`: how a query turns pages."""

    number: SettingName = "page"
    """The name of the placeholder that takes the page number, from 1.
    页码占位符的名称，从 1 起。"""
    size: Annotated[int, Field(ge=1, le=10000)]
    """How many records a full page has; also the placeholder `{size}`.
    每页记录数，也可作占位符 {size}。"""
    total: NativePath | None = None
    """Where the reply tells the number of all records.
    应答中总数的位置。"""


class Query(Model):
    """One of `queries`: a question that the platforms of this adapter answer, for the dossier."""

    request: RequestPart
    """The question; `credit_code`, `permit_number`, `project_code` may stand in it.
    查询请求，可用 credit_code、permit_number、project_code。"""
    body: Any = None
    """Its body, a constant tree with placeholders.
    请求体，可用占位符。"""
    each: ListPath
    """Where the records of the reply stand.
    应答中记录的位置。"""
    mapping: FileName
    """The file in mappings/ that reads a record, without .yaml.
    读取记录的映射文件名，不含 .yaml。"""
    format: FormatPart = FormatPart()
    """What differs from the adapter's format.
    与适配包格式的不同之处。"""
    reply_format: FormatPart | None = None
    """What differs in replies.
    应答格式的不同之处。"""
    pages: Pages | None = None
    """How pages are turned.
    如何翻页。"""
