"""adapter.yaml as models, key by key: the grammar of a bundle's manifest.

The docstring under a key is its documentation, in English and Chinese: the page and the editor's
schema are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from msgspec.structs import replace
from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from adapters import base, paths
from adapters.bundle.auth import Auth, NoAuth
from adapters.bundle.scalars import (
    Action,
    Charset,
    Delimiter,
    Duration,
    FileName,
    Headers,
    ListPath,
    Model,
    Name,
    NativePath,
    OperationName,
    Rate,
    RequestPath,
    Scalar,
    Semantic,
    SettingName,
    Size,
    Status,
    Text,
    empty,
    is_web,
)
from adapters.formats import BODY_FORMATS
from adapters.formats.format import Format, Steps
from adapters.formats.layout import MAX_HEADER_ROW
from adapters.source import BadValue
from schemas.budget import NAMES, STANDARD, Budget

MAX_DEFAULT = 500

PARAMETERS = ("credit_code", "permit_number", "project_code")
"""What a query may be asked with."""

QUERIES = ("permits", "projects", "penalties", "inspections")
"""The queries that a dossier asks."""


class BodyName:
    """The name of a body format, as a type of pydantic."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(BODY_FORMATS))


class HeaderPart(Model):
    """`format.header`: where the header of a table stands."""

    row: Annotated[int, Field(ge=1, le=MAX_HEADER_ROW)]
    """The row that names the columns, from 1; of two rows with merged cells the lower. What is above it is not read.
    列名所在的行，从 1 数起；有合并单元格的两行表头取下面一行。以上各行不读入。"""


class FormatPart(Model):
    """`format`, or an override of some of it: how bodies are written."""

    body: Annotated[str, BodyName()] | None = None
    """What bodies are written in; json unless it is said.
    报文格式，未写明时为 json。"""
    charset: Charset | None = None
    """The charset of bodies; utf-8 unless it is said. GBK reads all of GB18030.
    字符集，未写明时为 utf-8。"""
    root: Text | None = None
    """The name of the XML root element: checked on the way in, written on the way out.
    XML 根元素名。"""
    namespaces: dict[str, str] | None = None
    """The prefixes that paths use, with their namespaces; the empty prefix is that of names without one.
    路径中使用的前缀与其命名空间。"""
    delimiter: Delimiter | None = None
    """What separates the cells of csv; a comma unless it is said.
    CSV 的分隔符，未写明时为逗号。"""
    sheet: Annotated[str, Field(pattern=r"^[^\\/?*:\[\]]{1,31}$")] | None = None
    """The sheet of an xlsx workbook; the first visible one unless it is said.
    XLSX 的工作表，未写明时为第一个可见的工作表。"""
    header: HeaderPart | None = None
    """Where the header of a csv or xlsx table stands, as `{row: 3}`; in the first row unless it is said.
    CSV 或 XLSX 表头所在的行，如 `{row: 3}`，未写明时为第一行。"""
    embedded: Annotated[dict[NativePath, Literal["json", "xml"]], Field(max_length=16)] | None = None
    """The places that hold a whole document as text, with its kind: every path goes on inside it.
    以文本形式嵌入整份文档的位置及其格式；路径可以继续写到其内部。"""

    def over(self, under: Format) -> Format:
        """Give `under` with what is said here changed."""
        said = self.model_dump(exclude_none=True)
        if self.embedded is not None:
            said["embedded"] = _embedded(self.embedded)
        if self.header is not None:
            said["header"] = self.header.row
        return Format(**{**{name: getattr(under, name) for name in Format.__struct_fields__}, **said})


class SettingPart(Model):
    """One of `settings`: what an operator fills in for each platform. `base_url` is always there."""

    type: Literal["url", "text", "secret", "int", "bool", "choice"]
    """What may be entered; a secret is written and never shown again.
    可填写的内容；secret 只写不显示。"""
    title: Text
    """What the operator reads beside the field.
    操作员看到的名称。"""
    default: Any = None
    """What holds while nothing is entered.
    未填写时的值。"""
    choices: list[Text] = Field(default_factory=list, max_length=200)
    """The values of a choice.
    choice 的可选值。"""

    @model_validator(mode="after")
    def _choices_belong_to_a_choice(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise BadValue(
                "choices 与 type: choice 同时写或都不写", "choices are given exactly when the type is choice"
            )
        if self.default is not None and not self._fits(self.default):
            raise BadValue(f"默认值不符合类型 {self.type}", f"the default does not fit the type {self.type}")
        return self

    def _fits(self, default: Any) -> bool:
        """Whether an operator could have entered it."""
        if self.type == "int":
            return isinstance(default, int) and not isinstance(default, bool)
        if self.type == "bool":
            return isinstance(default, bool)
        if not isinstance(default, str) or len(default) > MAX_DEFAULT:
            return False
        return (self.type != "choice" or default in self.choices) and (self.type != "url" or is_web(default))


class LimitsPart(Model):
    """`limits`: the load that a platform may be put under."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """How many requests may be under way at once.
    同时进行的请求数。"""
    rate: Rate | None = None
    """How many requests in a time; without bound unless it is said.
    单位时间的请求数，未写明时不限。"""
    timeout: Annotated[Duration, Field(le=timedelta(minutes=10))] = timedelta(seconds=10)
    """How long an answer is waited for, at most 10m.
    等待应答的时间，至多 10m。"""
    body: Annotated[Size, Field(le=64 * 1024 * 1024, json_schema_extra={"default": "2MB"})] = 2 * 1024 * 1024
    """The largest body taken or read, at most 64MB.
    报文上限，至多 64MB。"""

    nodes: Annotated[int, Field(ge=1, le=STANDARD.nodes)] = STANDARD.nodes
    """How many values a body may hold; every bound below may only be lowered here.
    报文中值的个数；以下各项只能调低。"""
    depth: Annotated[int, Field(ge=1, le=STANDARD.depth)] = STANDARD.depth
    """How deep a body may be nested.
    嵌套层数。"""
    names: Annotated[int, Field(ge=1, le=STANDARD.names)] = STANDARD.names
    """How many attributes one element, or fields one object, may have.
    一个元素的属性数或一个对象的字段数。"""
    attributes: Annotated[int, Field(ge=1, le=STANDARD.attributes)] = STANDARD.attributes
    """How many attributes there may be in all.
    属性总数。"""
    namespaces: Annotated[int, Field(ge=1, le=STANDARD.namespaces)] = STANDARD.namespaces
    """How many namespaces may be in scope at once.
    同时有效的命名空间数。"""
    declarations: Annotated[int, Field(ge=1, le=STANDARD.declarations)] = STANDARD.declarations
    """How many namespace declarations there may be in all.
    命名空间声明总数。"""
    items: Annotated[int, Field(ge=1, le=STANDARD.items)] = STANDARD.items
    """How many items one list may have.
    一个列表的项数。"""
    records: Annotated[int, Field(ge=1, le=STANDARD.records)] = STANDARD.records
    """How many records a package may hold.
    一个数据包的记录数。"""
    digits: Annotated[int, Field(ge=1, le=STANDARD.digits)] = STANDARD.digits
    """How many digits a number may have.
    一个数值的位数。"""
    exponent: Annotated[int, Field(ge=1, le=STANDARD.exponent)] = STANDARD.exponent
    """How large the exponent of a number may be.
    数值的指数。"""
    text: Annotated[int, Field(ge=1, le=STANDARD.text)] = STANDARD.text
    """How many characters one text may have.
    一段文本的字符数。"""

    def value(self) -> base.Limits:
        """Give the limits as the gateway takes them."""
        return base.Limits(self.concurrency, self.rate, self.timeout, self.body)

    def budget(self) -> Budget:
        """Give the bounds of the work on one body."""
        said = self.model_dump(include=set(NAMES) - {"body"})
        return replace(STANDARD, body=self.body).lowered(said)


class RetryPart(Model):
    """`retry`: exponential with full jitter."""

    first: Duration = timedelta(seconds=1)
    """The bound of the first wait.
    首次等待的上限。"""
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    """How much longer each wait may be than the one before.
    每次等待上限的倍数。"""
    max: Duration = timedelta(minutes=10)
    """The bound of every wait.
    等待的最大上限。"""
    give_up_after: Duration = timedelta(hours=72)
    """When a delivery is dead; time held does not count.
    放弃的时限，挂起的时间不计。"""

    @model_validator(mode="after")
    def _waits_longer_and_longer(self) -> Self:
        if {"first", "max"} <= self.model_fields_set and self.first > self.max:
            raise BadValue("first 不能大于 max", "first must not be more than max")
        return self

    def value(self) -> base.RetrySchedule:
        """Give the schedule as the gateway takes it."""
        return base.RetrySchedule(self.first, self.factor, self.max, self.give_up_after)


class AnswerSide(Model):
    """One side of `answer`: what a caller reads."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    """The HTTP status.
    HTTP 状态码。"""
    body: Any
    """A tree in the operation's format, or a text; with `{message_id}`, `{code}`, `{detail}`.
    该操作格式的树或文本，可用 {message_id}、{code}、{detail}。"""


class AnswerPart(Model):
    """`answer`, for callers that cannot read the gateway's JSON."""

    accepted: AnswerSide
    """What is said when a body was accepted.
    接收时的应答。"""
    rejected: AnswerSide
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
    """What must stand in the body, else the whole is rejected; `{count}` is the number of records.
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
    path: RequestPath
    """The path and query below `base_url`; placeholders in it are always escaped.
    base_url 之下的路径和查询；占位符总会转义。"""
    headers: Headers = Field(default_factory=dict)
    """More headers; placeholders may stand in their values.
    其他请求头，值中可用占位符。"""
    action: Action | None = None
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
    """The value there: 0, 0.0 and "0" are one, "0000" is another.
    该处的值：0、0.0 与 "0" 相同，"0000" 不同。"""
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
            raise BadValue(
                "规则需要 status，或 at 与 is、in、present", "a rule needs a status, or at with is, in or present"
            )
        if (self.at is not None) != (sum(one is not None for one in asked) == 1):
            raise BadValue("at 与 is、in、present 之一同时写", "a path (at) goes with exactly one of is, in, present")
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
    level: Literal["transport", "schema", "business"] | None = None
    """What such a reply proves: transport, schema or business; unless set, business for an accepted that the body says.
    此应答证明到哪一级：transport 传输、schema 格式、business 业务；不写时，accepted 按应答体判定的为 business。"""


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


class Manifest(Model):
    """adapter.yaml: what a bundle is, and everything it speaks."""

    adapter: Name
    """The adapter's name.
    适配器名称。"""
    version: Semantic
    """Its semantic version; a published version never changes.
    语义化版本号；发布后不再改变。"""
    title: Text
    """What people call it.
    给人看的名称。"""
    kind: Name
    """The kind of platform it speaks to, or `any`.
    平台类型，或 any。"""
    format: FormatPart = FormatPart()
    """How bodies are written, where nothing else is said.
    报文格式。"""
    settings: Annotated[dict[SettingName, SettingPart], BeforeValidator(empty)] = Field(
        default_factory=dict, max_length=64
    )
    """What an operator fills in for a platform.
    操作员为平台填写的设置项。"""
    auth: Auth = NoAuth(scheme="none")
    """How requests prove who calls; values may name settings as `{setting}`.
    请求如何表明身份，值中可引用设置项。"""
    limits: LimitsPart = LimitsPart()
    """The load that a platform may be put under.
    对平台的压力上限。"""
    retry: RetryPart = RetryPart()
    """How a failed delivery is tried again.
    失败后如何重试。"""
    receives: Annotated[dict[OperationName, Receive], BeforeValidator(empty)] = Field(
        default_factory=dict, max_length=64
    )
    """The operations that platforms call, by name.
    平台调用的操作。"""
    sends: Annotated[dict[str, Send], BeforeValidator(empty)] = Field(default_factory=dict)
    """What is sent to platforms, by message type.
    发往平台的消息类型。"""
    queries: Annotated[
        dict[Literal["permits", "projects", "penalties", "inspections"], Query],
        BeforeValidator(empty),
    ] = Field(default_factory=dict)
    """What platforms may be asked.
    可向平台查询的内容。"""

    def operator_settings(self) -> Mapping[str, base.Setting]:
        """Give the settings of a platform that uses this adapter; `base_url` is always there."""
        declared = {
            name: base.Setting(name, part.type, part.title, part.default, tuple(part.choices))
            for name, part in self.settings.items()
        }
        return {base.BASE_URL.name: base.BASE_URL, **declared}


def _embedded(said: Mapping[str, str]) -> tuple[tuple[Steps, str], ...]:
    """Give the places by steps, the outer before those inside them."""
    places = ((paths.in_body(text).steps, kind) for text, kind in said.items())
    return tuple(sorted(places, key=lambda place: len(place[0])))
