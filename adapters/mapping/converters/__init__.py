"""The converter language: every name a mapping may write after `as`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.mapping.converters import codes, identifiers, lists, numbers, places, texts, times, trees
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen

REGISTRY: Mapping[str, Kind] = {
    kind.name: kind
    for module in (texts, numbers, times, lists, codes, identifiers, places, trees)
    for kind in module.KINDS
}
"""Every converter by its name, in the order of the reference."""

__all__ = ["REGISTRY", "BadArgument", "Converter", "Kind", "OutsideDomain", "Specimen", "build"]


def build(name: str, argument: Any, codes: Codes) -> Converter:
    """Make the converter a mapping names.

    `argument` is None when it was written without one. Raises `BadArgument` for an unknown name, a
    missing, needless or unusable argument.
    """
    kind = REGISTRY.get(name)
    if kind is None:
        raise BadArgument(f"没有名为 {name!r} 的转换器", f"there is no converter named {name!r}")
    if argument is not None and kind.takes is None:
        raise BadArgument(f"转换器 {name} 不带参数", f"the converter {name} takes no argument")
    if argument is None and kind.takes is not None and not kind.optional:
        raise BadArgument(f"转换器 {name} 需要参数：{kind.takes.zh}", f"the converter {name} needs {kind.takes.en}")
    return kind.make(argument, codes)
