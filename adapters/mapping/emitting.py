"""The source text of a generated function: its lines, the values it names, and the variables of native objects."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from typing import Any

from adapters.mapping import runtime
from adapters.mapping.canonical_fields import default_converter
from adapters.mapping.converters import OutsideDomain
from adapters.mapping.converters.lists import Splitter
from adapters.mapping.plan import TEXT, NativeNames, Node, Parallel, Scope, canonical, paths_of
from adapters.mapping.runtime import FieldLabel, ParallelColumns
from adapters.paths import EACH, Path, Step

_NAMED = (
    "refused",
    "lacking",
    "bare",
    "bare_text",
    "word",
    "there",
    "inside",
    "elements",
    "nested",
    "gathered",
    "rightful",
)
_ALSO_NAMED = ("rightful", "reorder", "spread", "strange", "strange_rows", "EMPTY")


class Emitter:
    """Lines of a function and the constants it names. User text enters only through `repr` or a constant."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.constants: dict[str, Any] = {name: getattr(runtime, name) for name in (*_NAMED, *_ALSO_NAMED)}
        self.constants["OutsideDomain"] = OutsideDomain
        self._numbers = count()

    def line(self, text: str) -> None:
        """Add a line at the present depth."""
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add a line and what is indented under it."""
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Indent what follows under a condition; an empty one is always true."""
        if not condition:
            yield
            return
        with self.block(f"if {condition}:"):
            yield

    def name(self, letter: str) -> str:
        """Return an unused variable name."""
        return f"{letter}{next(self._numbers)}"

    def constant(self, value: Any, letter: str = "C") -> str:
        """Name a value the function uses."""
        name = self.name(letter)
        self.constants[name] = value
        return name

    def function(self, name: str, arguments: str, head: str, tail: str, label: str) -> tuple[Callable[..., Any], str]:
        """Compile the lines to a function; the source is kept where tracebacks look for it."""
        # The source is text of ours alone: whatever an author wrote reaches the function by `repr` or as one of
        # `self.constants`, so that a mapping cannot inject code. The file's name holds the digest of the source,
        # so that two versions of a mapping never share a line cache.
        body = [f"def {name}({arguments}):", f"    {head}", *self.lines, f"    {tail}", ""]
        source = "\n".join(body)
        file = f"<mapping {label} {name} {sha256(source.encode()).hexdigest()[:12]}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        scope = dict(self.constants)
        exec(compile(source, file, "exec"), scope)
        return scope[name], source


class Natives:
    """The variables that hold the native objects of one scope, by their steps."""

    def __init__(self, shape: NativeNames, root: str) -> None:
        self.shape = shape
        self.variables: dict[tuple[Step, ...], str] = {(): root}

    def leaf(self, path: Path) -> tuple[tuple[Step, ...], str, tuple[str, ...]]:
        """Split a path into its container, the name in it, and what follows a list it ends in or crosses."""
        steps = path.steps
        if EACH in steps:
            at = steps.index(EACH)
            return steps[: at - 1], str(steps[at - 1]), tuple(str(step) for step in steps[at + 1 :])
        if self.shape.at(steps).holds:
            return steps, TEXT, ()
        return steps[:-1], str(steps[-1]), ()


def field_label(scope: Scope, node: Node, path: Path | None = None) -> FieldLabel:
    """Where a node stands, for findings."""
    target = canonical(node)[0]
    native = path or next(iter(paths_of(node)), None)
    text = str(native.under(scope.base)) if native else ""
    return FieldLabel(text, target.path, target.field.title, target.field.personal, target.field.identity)


def required_labels(scope: Scope, container: tuple[str, ...]) -> dict[str, FieldLabel]:
    """The required fields of a container by name, each with the native path it would come from."""
    return {
        target.steps[-1]: FieldLabel(_origin(scope, target.path), target.path, target.field.title)
        for target in scope.required.get(container, ())
    }


def _origin(scope: Scope, path: str) -> str:
    plain = path.removesuffix("[]")
    for node in scope.nodes:
        for target in canonical(node):
            own = target.path.removesuffix("[]")
            if node.rules.reads and (own == plain or own.startswith((f"{plain}.", f"{plain}[]."))):
                return field_label(scope, node).path
    return ""


def none_texts(node: Node) -> tuple[str, ...]:
    """The native texts that mean nothing, as read."""
    return tuple(runtime.word(value) for value in node.rules.none)


def parallel_columns(node: Parallel) -> ParallelColumns:
    """The runtime of parallel strings."""
    targets = [target for target, _ in node.columns]
    return ParallelColumns(
        tuple(target.steps[-1] for target in targets),
        tuple(default_converter(target.field) for target in targets),
        Splitter(node.on),
        none_texts(node),
        loose=not node.rules.lawful,
    )
