"""The kinds of values adapter.yaml holds: how each is checked, and how an editor is told of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from adapters import trees
from adapters.bundle import words
from adapters.formats.charsets import FAMILY
from adapters.formats.charsets import canonical as canonical_charset
from adapters.formats.format import as_text
from adapters.misfit import Misfit

_WEB = re.compile(r"https?://[^\s/?#@\\]+(/[^\s#\\]*)?")


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


def empty(value: Any) -> Any:
    """Take a key without a value for one that holds nothing."""
    return {} if value is None else value


def is_web(text: str) -> bool:
    """Tell whether a text is an http or https address."""
    return _WEB.fullmatch(text) is not None


def _word(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": list(examples)})


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
OperationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-.][a-z0-9]+)*$", max_length=64)]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
FileName = Annotated[str, Field(pattern=r"^[^/\\]{1,100}$")]
Semantic = Annotated[str, Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$", max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
NativePath = Annotated[str, AfterValidator(_path)]
ListPath = Annotated[str, AfterValidator(_list_path), WithJsonSchema({"type": "string", "pattern": r"\[\]$"})]
Scalar = Annotated[str, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Duration = Annotated[
    timedelta,
    BeforeValidator(words.duration),
    Field(le=timedelta(days=366)),
    _word(words.DURATION.pattern, "250ms", "10s", "10m", "72h"),
]
Rate = Annotated[float, BeforeValidator(words.rate), _word(words.RATE.pattern, "50/s", "600/m")]
Size = Annotated[int, BeforeValidator(words.size), _word(words.SIZE.pattern, "512KB", "2MB")]
Status = Annotated[
    str,
    BeforeValidator(_scalar),
    Field(pattern=r"^[1-5]([0-9]{2}|xx)$"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["2xx", "4xx", "5xx"]},
                {"type": "string", "pattern": "^[1-5]([0-9]{2}|xx)$"},
                {"type": "integer", "minimum": 100, "maximum": 599},
            ]
        }
    ),
]
Charset = Annotated[
    str,
    BeforeValidator(_charset),
    WithJsonSchema({"anyOf": [{"enum": list(FAMILY)}, {"type": "string"}]}),
]
Delimiter = Annotated[
    Literal[",", ";", "\t"], BeforeValidator(_delimiter), WithJsonSchema({"enum": [",", ";", "\t", "tab"]})
]


class Model(BaseModel):
    """A part of the manifest: frozen, and an unknown key is an error. What a key means stands under it."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, use_attribute_docstrings=True)
