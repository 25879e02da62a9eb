"""adapter.yaml as models: the grammar of a bundle's manifest, key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from adapters import base, request_parts, trees
from adapters.auth import Auth, NoAuth
from adapters.bundle import words
from adapters.formats.charsets import canonical as canonical_charset
from adapters.formats.values import Format, Steps, as_text
from adapters.misfit import Misfit


def _path(text: str) -> str:
    trees.path(text)
    return text


def _list_path(text: str) -> str:
    if not text.endswith(trees.ITEMS):
        raise Misfit("应以 [] 结尾", "it must end in []")
    return _path(text)


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list):
        raise Misfit("应为单个值", "a plain value is expected")
    return as_text(value)


def _charset(name: Any) -> str:
    found = canonical_charset(str(name))
    if found is None:
        raise Misfit("字符集为 utf-8、gb2312、gbk 或 gb18030", "the charsets are utf-8, gb2312, gbk, gb18030")
    return found


def _delimiter(value: Any) -> Any:
    return "\t" if value == "tab" else value


def _embedded(said: Mapping[str, str]) -> tuple[tuple[Steps, str], ...]:
    """Give the places by steps, the outer before those inside them."""
    places = ((trees.path(text).steps, kind) for text, kind in said.items())
    return tuple(sorted(places, key=lambda place: len(place[0])))


def _empty(value: Any) -> Any:
    return {} if value is None else value


def _is_web(text: str) -> bool:
    return _WEB.fullmatch(text) is not None


MAX_DEFAULT = 500
_WEB = re.compile(r"https?://[^\s/?#@\\]+(/[^\s#\\]*)?")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
OperationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-.][a-z0-9]+)*$", max_length=64)]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
FileName = Annotated[str, Field(pattern=r"^[^/\\]{1,100}$")]
Semantic = Annotated[str, Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$", max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
NativePath = Annotated[str, AfterValidator(_path)]
ListPath = Annotated[str, AfterValidator(_list_path)]
Scalar = Annotated[str, BeforeValidator(_scalar)]
Duration = Annotated[timedelta, BeforeValidator(words.duration), Field(le=timedelta(days=366))]
Status = Annotated[str, BeforeValidator(_scalar), Field(pattern=r"^[1-5]([0-9]{2}|xx)$")]


class Model(BaseModel):
    """A part of the manifest: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class FormatPart(Model):
    """`format`, or an override of some of it."""

    body: Literal["json", "xml", "soap", "form", "csv", "xlsx"] | None = None
    charset: Annotated[str, BeforeValidator(_charset)] | None = None
    root: Text | None = None
    namespaces: dict[str, str] | None = None
    delimiter: Annotated[Literal[",", ";", "\t"], BeforeValidator(_delimiter)] | None = None
    sheet: Annotated[str, Field(pattern=r"^[^\\/?*:\[\]]{1,31}$")] | None = None
    embedded: dict[NativePath, Literal["json", "xml"]] | None = None

    def over(self, under: Format) -> Format:
        """Give `under` with what is said here changed."""
        said = self.model_dump(exclude_none=True)
        if self.embedded is not None:
            said["embedded"] = _embedded(self.embedded)
        return Format(**{**{name: getattr(under, name) for name in Format.__slots__}, **said})


class SettingPart(Model):
    """One of `settings`: what an operator fills in."""

    type: Literal["url", "text", "secret", "int", "bool", "choice"]
    title: Text
    default: Any = None
    choices: list[Text] = Field(default_factory=list, max_length=200)

    @model_validator(mode="after")
    def _choices_belong_to_a_choice(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise Misfit("choices 与 type: choice 同时写或都不写", "choices are given exactly when the type is choice")
        if self.default is not None and not self._fits(self.default):
            raise Misfit(f"默认值不符合类型 {self.type}", f"the default does not fit the type {self.type}")
        return self

    def _fits(self, default: Any) -> bool:
        """Whether an operator could have entered it."""
        if self.type == "int":
            return isinstance(default, int) and not isinstance(default, bool)
        if self.type == "bool":
            return isinstance(default, bool)
        if not isinstance(default, str) or len(default) > MAX_DEFAULT:
            return False
        return (self.type != "choice" or default in self.choices) and (self.type != "url" or _is_web(default))


class LimitsPart(Model):
    """`limits`: how hard a platform may be pressed."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    rate: Annotated[float, BeforeValidator(words.rate)] | None = None
    timeout: Annotated[Duration, Field(le=timedelta(minutes=10))] = timedelta(seconds=10)
    body: Annotated[int, BeforeValidator(words.size), Field(le=64 * 1024 * 1024)] = 2 * 1024 * 1024

    def value(self) -> base.Limits:
        """Give the limits as the gateway takes them."""
        return base.Limits(self.concurrency, self.rate, self.timeout, self.body)


class RetryPart(Model):
    """`retry`: exponential with full jitter."""

    first: Duration = timedelta(seconds=1)
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    max: Duration = timedelta(minutes=10)
    give_up_after: Duration = timedelta(hours=72)

    @model_validator(mode="after")
    def _waits_longer_and_longer(self) -> Self:
        if {"first", "max"} <= self.model_fields_set and self.first > self.max:
            raise Misfit("first 不能大于 max", "first must not be more than max")
        return self

    def value(self) -> base.RetrySchedule:
        """Give the schedule as the gateway takes it."""
        return base.RetrySchedule(self.first, self.factor, self.max, self.give_up_after)


class Conversation(Model):
    """One side of `answer`: what a caller reads."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    body: Any


class AnswerPart(Model):
    """`answer`, for callers that cannot read the gateway's JSON."""

    accepted: Conversation
    rejected: Conversation


class Receive(Model):
    """One operation that the gateway receives."""

    type: str
    mapping: FileName
    identity: list[NativePath | list[NativePath]] = Field(default_factory=list, max_length=16)
    split: ListPath | None = None
    require: dict[NativePath, Scalar] = Field(default_factory=dict, max_length=16)
    format: FormatPart = FormatPart()
    schema_: FileName | None = Field(default=None, alias="schema")
    answer: AnswerPart | None = None


class RequestPart(Model):
    """An HTTP request: where a body goes, or a question."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: Annotated[str, AfterValidator(request_parts.path)]
    headers: Annotated[dict[str, str], AfterValidator(request_parts.headers)] = Field(default_factory=dict)
    action: Annotated[str, AfterValidator(request_parts.action)] | None = None


class When(Model):
    """The condition of a reply rule: all that is said must hold."""

    status: Status | None = None
    at: NativePath | None = None
    is_: Scalar | None = Field(default=None, alias="is")
    in_: list[Scalar] | None = Field(default=None, alias="in", min_length=1)
    present: bool | None = None

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
    """One way to read a reply; the first that matches wins."""

    when: When
    verdict: Literal["accepted", "refused", "retry", "dead"]
    reference: NativePath | None = None
    reason: NativePath | None = None


class InDoubt(Model):
    """The question to ask before resending."""

    request: RequestPart
    body: Any = None
    reply: list[ReplyRule] = Field(min_length=1, max_length=64)


class Send(Model):
    """How one message type is sent."""

    mapping: FileName
    request: RequestPart
    format: FormatPart = FormatPart()
    reply_format: FormatPart | None = None
    envelope: Any = None
    schema_: FileName | None = Field(default=None, alias="schema")
    reply: list[ReplyRule] = Field(default_factory=list, max_length=64)
    in_doubt: InDoubt | None = None


class Pages(Model):
    """How a query turns pages.

    `number` is the name of the placeholder that takes the page number (from 1), `size` how many
    records a full page has, `total` where the reply tells the number of all records.
    """

    number: SettingName = "page"
    size: Annotated[int, Field(ge=1, le=10000)]
    total: NativePath | None = None


class Query(Model):
    """A question that the platforms of this adapter answer."""

    request: RequestPart
    body: Any = None
    each: ListPath
    mapping: FileName
    format: FormatPart = FormatPart()
    reply_format: FormatPart | None = None
    pages: Pages | None = None


PARAMETERS = ("credit_code", "permit_number", "project_code")
"""What a query may be asked with."""

QUERIES = ("permits", "projects", "penalties", "inspections")
"""The queries that a dossier asks."""


class Manifest(Model):
    """adapter.yaml."""

    adapter: Name
    version: Semantic
    title: Text
    kind: Name
    format: FormatPart = FormatPart()
    settings: Annotated[dict[SettingName, SettingPart], BeforeValidator(_empty)] = Field(
        default_factory=dict, max_length=64
    )
    auth: Auth = NoAuth(scheme="none")
    limits: LimitsPart = LimitsPart()
    retry: RetryPart = RetryPart()
    receives: Annotated[dict[OperationName, Receive], BeforeValidator(_empty)] = Field(
        default_factory=dict, max_length=64
    )
    sends: Annotated[dict[str, Send], BeforeValidator(_empty)] = Field(default_factory=dict)
    queries: Annotated[
        dict[Literal["permits", "projects", "penalties", "inspections"], Query],
        BeforeValidator(_empty),
    ] = Field(default_factory=dict)

    def operator_settings(self) -> Mapping[str, base.Setting]:
        """Give the settings of a platform that uses this adapter; `base_url` is always there."""
        declared = {
            name: base.Setting(name, part.type, part.title, part.default, tuple(part.choices))
            for name, part in self.settings.items()
        }
        return {"base_url": base.Setting("base_url", "url", "平台地址"), **declared}
