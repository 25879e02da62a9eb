"""Write YAML as people do: flow maps on a line, quotes only where needed, comments of one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson

MAX_COMMENT = 300

_PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff./%+-]*(\[\])?(\.[\w\u4e00-\u9fff./%+-]+|\[\])*")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"])


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return text(str(value), inside=True)


def _key(key: str) -> str:
    return key if key == "on" else flow(key)


def text(value: str, *, inside: bool = False) -> str:
    """A text, quoted when it could be read as anything else. `inside` a flow map brackets need quotes."""
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not (inside and "[" in value)
    return value if plain else orjson.dumps(value).decode("utf-8")


def comment(said: str) -> str:
    """A comment: one line, no control characters, bounded."""
    clean = "".join(letter if letter.isprintable() else " " for letter in said)
    return f"# {clean[:MAX_COMMENT].strip()}"


def comments(lines: Iterable[str], indent: str = "") -> list[str]:
    """Several comment lines."""
    return [f"{indent}{comment(line)}" for line in lines]
