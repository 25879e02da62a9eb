"""What a converter is: a pair of functions, a stated domain, and examples that run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.mapping.codes import CodeTable
from schemas.findings import Text

Codes = Mapping[str, CodeTable]
Function = Callable[[Any], Any]


class OutsideDomain(Exception):
    """A value outside a converter's domain: a stable `code`, and what was `expected` instead."""

    def __init__(self, code: str, expected: Text) -> None:
        super().__init__(expected.en)
        self.code = code
        self.expected = expected


class BadArgument(ValueError):
    """A converter was given an argument it cannot use; the message says what it takes."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.message = Text(zh, en)


@dataclass(frozen=True, slots=True)
class Converter:
    """A pair of functions over values that are there (never None or blank text).

    `forward` reads native → canonical, `backward` writes canonical → native; both raise `OutsideDomain`
    outside their domain. `loosely` writes what `backward` would refuse because it could not be read
    back: used where the mapping only writes, or declares the loss. `gives` is what `forward` makes:
    text, integer, bool, list (what follows applies to each element) or tree. `needs_parts`: it reads
    several named columns at once.
    """

    name: str
    forward: Function
    backward: Function
    argument: Any = None
    loosely: Function | None = None
    gives: str = "text"
    needs_parts: bool = False
    codes: CodeTable | None = None

    @property
    def label(self) -> str:
        """The converter as the mapping wrote it."""
        if self.argument is None:
            return self.name
        argument = ", ".join(map(str, self.argument)) if isinstance(self.argument, list) else str(self.argument)
        return f"{self.name}: {argument}"

    def writer(self, *, loose: bool) -> Function:
        """The function that writes: `loosely` when the loss is declared and there is one."""
        return self.loosely if loose and self.loosely is not None else self.backward


@dataclass(frozen=True, slots=True)
class Specimen:
    """A value in both languages; `written` is what goes out where that differs from `native`."""

    native: Any
    canonical: Any
    argument: Any = None
    written: Any = None

    @property
    def out(self) -> Any:
        """What writing the canonical value gives."""
        return self.native if self.written is None else self.written


@dataclass(frozen=True, slots=True)
class Kind:
    """One name of the converter language: how to make it, and its page in the reference.

    `domain` states the canonical values for which reading back what was written gives the same
    value. `takes` says what the argument is; None: the converter takes none.
    """

    name: str
    title: Text
    domain: Text
    make: Callable[[Any, Codes], Converter]
    examples: tuple[Specimen, ...]
    takes: Text | None = None
    optional: bool = False


def plainly(make: Callable[[], Converter]) -> Callable[[Any, Codes], Converter]:
    """Fit a converter without argument into the registry."""
    return lambda argument, codes: make()
