"""Write the source of a mapping's way out: canonical document → native tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.mapping.constants import Constant
from adapters.mapping.emitting import Emitter, Places, parallel_columns, site
from adapters.mapping.plan import Column, Node, Parallel, Parts, Plan, Rows, Scope, Target, written
from adapters.mapping.runtime import Site, writer
from adapters.mapping.shape import Shape
from adapters.mapping.syntax import Condition
from adapters.paths import Path, Step


def compile_outward(plan: Plan, shape: Shape) -> tuple[Callable[[Any, Any], Any], str]:
    """Make `outward(document, values) -> (tree, findings)` and its source."""
    emitter = Emitter()
    writing = _Outward(emitter)
    writing.scope(plan.root, shape, "d", "o", "()", plan.constants)
    return emitter.function("outward", "d, values", "found = []; o = {}", "return o, found", plan.name)


class _Outward:
    """One function in the making."""

    def __init__(self, emitter: Emitter) -> None:
        self.out = emitter

    def scope(
        self,
        scope: Scope,
        shape: Shape,
        canonical: str,
        native: str,
        index: str,
        constants: tuple[Constant, ...] = (),
    ) -> None:
        """Write one object `canonical` into the empty dict `native`.

        What says which field shares a place (`when`) is written before the fields that share it.
        """
        places = Places(shape, native)
        nodes = [node for node in scope.nodes if node.rules.writes and written(node)]
        objects = self._objects(nodes, canonical)
        for node in nodes:
            if node.rules.when is None:
                self._node(scope, node, places, objects, index)
        for constant in constants:
            self._constant(constant, places, index)
        conditional = [node for node in nodes if node.rules.when is not None]
        for node in conditional:
            self._node(scope, node, places, objects, index)
        for node in conditional:
            self._nothing_where_free(node, places)
        for steps, variable in sorted(places.variables.items(), key=lambda item: -len(item[0])):
            if steps:
                with self.out.block(f"if not {variable}:"):
                    self.out.line(f"del {places.variables[steps[:-1]]}[{steps[-1]!r}]")

    def _objects(self, nodes: list[Node], canonical: str) -> dict[tuple[str, ...], str]:
        """Fetch each canonical object of the scope once."""
        objects: dict[tuple[str, ...], str] = {(): canonical}
        for node in nodes:
            for target in _read_by(node):
                for depth in range(1, len(target.steps)):
                    steps = target.steps[:depth]
                    if steps not in objects:
                        objects[steps] = self.out.name("d")
                        self.out.line(f"{objects[steps]} = {_value(steps, objects)} or EMPTY")
        return objects

    def _slot(self, path: Path, places: Places) -> str:
        """The place to assign to, its native objects made when they are new."""
        container, name, _ = places.leaf(path)
        return f"{self._container(container, places)}[{name!r}]"

    def _container(self, steps: tuple[Step, ...], places: Places) -> str:
        if steps not in places.variables:
            above = self._container(steps[:-1], places)
            places.variables[steps] = self.out.name("o")
            self.out.line(f"{above}[{steps[-1]!r}] = {places.variables[steps]} = {{}}")
        return places.variables[steps]

    def _prepare(self, node: Node, places: Places) -> None:
        """Make the native objects before any condition, so that each name is bound once and always."""
        when = (node.rules.when.path,) if node.rules.when else ()
        for path in (*written(node), *when):
            self._container(places.leaf(path)[0], places)

    def _node(self, scope: Scope, node: Node, places: Places, objects: dict[tuple[str, ...], str], index: str) -> None:
        self._prepare(node, places)
        if isinstance(node, Rows):
            self._rows(node, places, objects, index)
        elif isinstance(node, Column):
            self._column(scope, node, places, objects, index)
        else:
            self._columns(scope, node, places, objects, index)

    def _column(
        self, scope: Scope, node: Column, places: Places, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        several = len(node.targets) > 1
        values = ", ".join(_value(target.steps, objects) for target in node.targets)
        self.out.line(f"v = [{values}]" if several else f"v = {values}")
        given = f"v != {[None] * len(node.targets)}" if several else "v is not None"
        with self.out.block("if v:" if node.targets[0].field.repeated else f"if {given}:"):
            self._guarded(scope, node, places, index, lambda: self._write(node, places))
        self._otherwise_nothing(node, places)

    def _write(self, node: Column, places: Places) -> None:
        value = "v"
        if not node.flat:
            convert = writer(node.chain, node.listed, loose=not node.rules.lawful)
            value = f"{self.out.constant(convert, 'F')}(v)"
        slots = [self._slot(path, places) for path in written(node)]
        after = [places.leaf(path)[2] for path in written(node)]
        if any(after):
            self.out.line(f"w = {value}")
            for slot, steps in zip(slots, after, strict=True):
                self.out.line(f"{slot} = nested(w, {self.out.constant(steps, 'A')})")
        else:
            self.out.line(f"{' = '.join(slots)} = {value}")

    def _columns(
        self,
        scope: Scope,
        node: Parallel | Parts,
        places: Places,
        objects: dict[tuple[str, ...], str],
        index: str,
    ) -> None:
        self.out.line(f"v = {_value(node.target.steps, objects)}")
        with self.out.block("if v:"):
            self._guarded(scope, node, places, index, lambda: self._spread(node, places))
        self._otherwise_nothing(node, places)

    def _spread(self, node: Parallel | Parts, places: Places) -> None:
        if isinstance(node, Parallel):
            self.out.line(f"w = {self.out.constant(parallel_columns(node).write, 'P')}(v)")
        else:
            convert = self.out.constant(writer(node.chain, False, loose=not node.rules.lawful), "F")
            names = self.out.constant(tuple(name for name, _ in node.columns), "A")
            self.out.line(f"w = spread({convert}(v), {names})")
        for position, (_, path) in enumerate(node.columns):
            with self.out.block(f"if w[{position}] is not None:"):
                self.out.line(f"{self._slot(path, places)} = w[{position}]")
            if node.rules.none:
                with self.out.block("else:"):
                    self.out.line(f"{self._slot(path, places)} = {self._first_none(node)}")

    def _guarded(self, scope: Scope, node: Node, places: Places, index: str, write: Callable[[], None]) -> None:
        """Write under the node's condition, with what a converter refuses noted."""
        if isinstance(node, Column) and node.flat and node.rules.when is None:
            write()
            return
        where = self.out.constant(site(scope, node), "S")
        with self.out.block("try:"), self.out.when(self._condition(node.rules.when, places)):
            write()
        with self.out.block("except Refused as error:"):
            self.out.line(f"refused(found, {where}, v, error, {index})")

    def _condition(self, when: Condition | None, places: Places) -> str:
        """Test what was written; a discriminator that nothing else wrote is written here."""
        if when is None:
            return ""
        container, name, _ = places.leaf(when.path)
        value = f"{places.variables[container]}.get({name!r})"
        if when.present is not None:
            return f"there({value})" if when.present else f"not there({value})"
        with self.out.block(f"if {value} in (None, ''):"):
            self.out.line(f"{self._slot(when.path, places)} = {self.out.constant(when.written, 'C')}")
        return f"word({value}) in {self.out.constant(when.values, 'W')}"

    def _otherwise_nothing(self, node: Node, places: Places) -> None:
        """A missing value writes the first of `none`, else nothing; shared places wait for their other fields."""
        if node.rules.none and node.rules.when is None:
            with self.out.block("else:"):
                slots = " = ".join(self._slot(path, places) for path in written(node))
                self.out.line(f"{slots} = {self._first_none(node)}")

    def _nothing_where_free(self, node: Node, places: Places) -> None:
        when = node.rules.when
        if not node.rules.none or when is None:
            return
        container, name, _ = places.leaf(when.path)
        value = f"{places.variables[container]}.get({name!r})"
        fits = f"word({value}) in {self.out.constant(('', *when.values), 'W')}" if when.present is None else "True"
        for path in written(node):
            held, leaf, _ = places.leaf(path)
            with self.out.block(f"if {leaf!r} not in {places.variables[held]} and {fits}:"):
                self.out.line(f"{self._slot(path, places)} = {self._first_none(node)}")

    def _first_none(self, node: Node) -> str:
        return self.out.constant(node.rules.none[0], "N")

    def _rows(self, node: Rows, places: Places, objects: dict[tuple[str, ...], str], index: str) -> None:
        shape = places.shape.at(node.path.steps)
        made, row, native = (self.out.name(letter) for letter in ("w", "d", "o"))
        position = self.out.name("i")
        inner = f"(*{index}, {position})" if index != "()" else f"({position},)"
        items = self.out.name("v")
        self.out.line(f"{items} = {_value(node.target.steps, objects)}")
        with self.out.block(f"if {items}:"):
            self.out.line(f"{made} = []")
            with self.out.block(f"for {position}, {row} in enumerate({items}):"):
                self.out.line(f"{native} = {{}}")
                self.scope(node.scope, shape, row, native, inner)
                with self.out.block(f"if {native}:"):
                    self.out.line(f"{made}.append({native})")
            with self.out.block(f"if {made}:"):
                self.out.line(f"{self._slot(node.path, places)} = {made}")

    def _constant(self, constant: Constant, places: Places, index: str) -> None:
        self._container(places.leaf(constant.path)[0], places)
        slot = self._slot(constant.path, places)
        if constant.write is None:
            self.out.line(f"{slot} = {self.out.constant(constant.value, 'C')}")
            return
        where = self.out.constant(Site(str(constant.path), "", str(constant.path)), "S")
        with self.out.block("try:"):
            self.out.line(f"w = {self.out.constant(constant.write, 'C')}(d, values)")
            with self.out.block("if w is not None:"):
                self.out.line(f"{slot} = w")
        with self.out.block("except Refused as error:"):
            self.out.line(f"refused(found, {where}, None, error, {index})")


def _read_by(node: Node) -> tuple[Target, ...]:
    return node.targets if isinstance(node, Column) else (node.target,)


def _value(steps: tuple[str, ...], objects: dict[tuple[str, ...], str]) -> str:
    return f"{objects[steps[:-1]]}.get({steps[-1]!r})"
