"""What a manifest says of the whole adapter, part by part: format, settings, limits, retry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from adapters import base, trees
from adapters.bundle.values import Charset, Delimiter, Duration, Model, NativePath, Rate, Size, Text, is_web
from adapters.formats import BODY_FORMATS
from adapters.formats.format import Format, Steps
from adapters.misfit import Misfit

MAX_DEFAULT = 500


class BodyName:
    """The name of a body format, as a type of pydantic."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(BODY_FORMATS))


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
    """The sheet of an xlsx workbook; the first unless it is said.
    XLSX 的工作表，未写明时为第一个。"""
    embedded: Annotated[dict[NativePath, Literal["json", "xml"]], Field(max_length=16)] | None = None
    """The places that hold a whole document as text, with its kind: every path goes on inside it.
    以文本形式嵌入整份文档的位置及其格式；路径可以继续写到其内部。"""

    def over(self, under: Format) -> Format:
        """Give `under` with what is said here changed."""
        said = self.model_dump(exclude_none=True)
        if self.embedded is not None:
            said["embedded"] = _embedded(self.embedded)
        return Format(**{**{name: getattr(under, name) for name in Format.__slots__}, **said})


def _embedded(said: Mapping[str, str]) -> tuple[tuple[Steps, str], ...]:
    """Give the places by steps, the outer before those inside them."""
    places = ((trees.path(text).steps, kind) for text, kind in said.items())
    return tuple(sorted(places, key=lambda place: len(place[0])))


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
        return (self.type != "choice" or default in self.choices) and (self.type != "url" or is_web(default))


class LimitsPart(Model):
    """`limits`: how hard a platform may be pressed."""

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

    def value(self) -> base.Limits:
        """Give the limits as the gateway takes them."""
        return base.Limits(self.concurrency, self.rate, self.timeout, self.body)


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
            raise Misfit("first 不能大于 max", "first must not be more than max")
        return self

    def value(self) -> base.RetrySchedule:
        """Give the schedule as the gateway takes it."""
        return base.RetrySchedule(self.first, self.factor, self.max, self.give_up_after)
