"""Findings about native schemas: the location as a path, and the refusal of a schema file."""

from __future__ import annotations

from adapters.paths import render
from adapters.source import BrokenBundle, BundleFinding
from schemas.findings import Text

CODE = "native.invalid"

Location = tuple[str | int, ...]
"""Names and list indexes (from 0) that lead to a value."""


def written(where: Location) -> str:
    """Write a location with its list indexes: `Data.Record[2].DWMC`."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = render((step,))
            text += f".{name}" if text and not name.startswith("[") else name
    return text


def broken(file: str, message: Text, line: int = 1, column: int = 1) -> BrokenBundle:
    """Make the refusal of a schema file that cannot be used."""
    remedy = Text("请改正该模式文件", "correct the schema file")
    text = Text(f"平台模式不能使用：{message.zh}", f"the native schema cannot be used: {message.en}")
    return BrokenBundle([BundleFinding("schema.invalid", text, remedy, file, line, column)])
