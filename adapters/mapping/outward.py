"""Write the source of a mapping's way out: canonical document → native tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adapters.mapping.constants import Constant
from adapters.mapping.emitting import Emitter, Natives, field_label, parallel_columns
from adapters.mapping.plan import (
    Column,
    NativeNames,
    Node,
    Parallel,
    Parts,
    Plan,
    Rows,
    Scope,
    Target,
    shared_with,
    written,
)
from adapters.mapping.runtime import FieldLabel, writer
from adapters.mapping.syntax import Condition
from adapters.paths import Path, Step


def compile_outward(plan: Plan, shape: NativeNames) -> tuple[Callable[[Any, Any], Any], str]:
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
        shape: NativeNames,
        canonical: str,
        native: str,
        index: str,
        constants: tuple[Constant, ...] = (),
    ) -> None:
        """Write one object `canonical` into the empty dict `native`.

        The order of the generated lines matters: a field under `when` tests what has already been
        written, and may write the value that the test needs.
        """
        natives = Natives(shape, native)
        nodes = [node for node in scope.nodes if node.rules.writes and written(node)]
        objects = self._objects(nodes, canonical)
        # 1. Fields without a condition: among them the discriminators that step 3 tests.
        for node in nodes:
            if node.rules.when is None:
                self._node(scope, node, natives, objects, index)
        # 2. Constants: a discriminator may be one.
        for constant in constants:
            self._constant(constant, natives, index)
        # 3. Fields under `when`. They may share a native name: each is written only where its test holds.
        conditional = [node for node in nodes if node.rules.when is not None]
        for node in conditional:
            self._node(scope, node, natives, objects, index)
        # 4. The first of `none`, only into names that no field of step 3 has taken.
        for node in conditional:
            self._nothing_where_free(node, natives)
        # 5. Fields under `when` were written last: back to the order of the mapping, which is the one the platform
        #    sees where no schema tells another.
        if conditional:
            self._reorder(nodes, constants, natives)
        # 6. Native objects were made before anybody knew whether they would hold something: drop the empty
        #    ones, the innermost first, so that an object of empty objects goes too.
        for steps, variable in sorted(natives.variables.items(), key=lambda item: -len(item[0])):
            if steps:
                with self.out.block(f"if not {variable}:"):
                    self.out.line(f"del {natives.variables[steps[:-1]]}[{steps[-1]!r}]")

    def _reorder(self, nodes: list[Node], constants: tuple[Constant, ...], natives: Natives) -> None:
        """Put the objects that hold a field under `when` in the order of the fields, constants last."""
        own = [(written(node), node.rules.when) for node in nodes] + [((one.path,), None) for one in constants]
        mapped = {path for paths, _ in own for path in paths}
        order: dict[tuple[Step, ...], dict[str, None]] = {}
        moved: dict[tuple[Step, ...], None] = {}
        for paths, when in own:
            told = () if when is None or when.path in mapped else (when.path,)
            for path in (*told, *paths):
                for container, name in _places(path, natives):
                    order.setdefault(container, {}).setdefault(name)
                    if when is not None:
                        moved.setdefault(container)
        for container in moved:
            names = self.out.constant(tuple(order[container]), "A")
            self.out.line(f"reorder({natives.variables[container]}, {names})")

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

    def _slot(self, path: Path, natives: Natives) -> str:
        """The place to assign to, its native objects made when they are new."""
        container, name, _ = natives.leaf(path)
        return f"{self._container(container, natives)}[{name!r}]"

    def _container(self, steps: tuple[Step, ...], natives: Natives) -> str:
        if steps not in natives.variables:
            above = self._container(steps[:-1], natives)
            natives.variables[steps] = self.out.name("o")
            self.out.line(f"{above}[{steps[-1]!r}] = {natives.variables[steps]} = {{}}")
        return natives.variables[steps]

    def _prepare(self, node: Node, natives: Natives) -> None:
        """Make the native objects before any condition, so that each name is bound once and always."""
        when = (node.rules.when.path,) if node.rules.when else ()
        for path in (*written(node), *when):
            self._container(natives.leaf(path)[0], natives)

    def _node(
        self, scope: Scope, node: Node, natives: Natives, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        self._prepare(node, natives)
        if isinstance(node, Rows):
            self._rows(node, natives, objects, index)
        elif isinstance(node, Column):
            self._column(scope, node, natives, objects, index)
        else:
            self._columns(scope, node, natives, objects, index)

    def _column(
        self, scope: Scope, node: Column, natives: Natives, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        several = len(node.targets) > 1
        values = ", ".join(_value(target.steps, objects) for target in node.targets)
        self.out.line(f"v = [{values}]" if several else f"v = {values}")
        given = f"v != {[None] * len(node.targets)}" if several else "v is not None"
        with self.out.block("if v:" if node.targets[0].field.repeated else f"if {given}:"):
            self._guarded(scope, node, natives, index, lambda: self._write(node, natives))
        self._otherwise_nothing(node, natives)

    def _write(self, node: Column, natives: Natives) -> None:
        value = "v"
        if not node.flat:
            convert = writer(node.chain, node.listed, loose=not node.rules.lawful)
            value = f"{self.out.constant(convert, 'F')}(v)"
        slots = [self._slot(path, natives) for path in written(node)]
        after = [natives.leaf(path)[2] for path in written(node)]
        if any(after):
            self.out.line(f"w = {value}")
            for slot, steps in zip(slots, after, strict=True):
                self.out.line(f"{slot} = nested(w, {self.out.constant(steps, 'A')})")
        else:
            self.out.line(f"{' = '.join(slots)} = {value}")

    def _columns(
        self, scope: Scope, node: Parallel | Parts, natives: Natives, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        self.out.line(f"v = {_value(node.target.steps, objects)}")
        with self.out.block("if v:"):
            self._guarded(scope, node, natives, index, lambda: self._spread(node, natives))
        self._otherwise_nothing(node, natives)

    def _spread(self, node: Parallel | Parts, natives: Natives) -> None:
        if isinstance(node, Parallel):
            self.out.line(f"w = {self.out.constant(parallel_columns(node).write, 'P')}(v)")
        else:
            convert = self.out.constant(writer(node.chain, False, loose=not node.rules.lawful), "F")
            names = self.out.constant(tuple(name for name, _ in node.columns), "A")
            self.out.line(f"w = spread({convert}(v), {names})")
        for position, (_, path) in enumerate(node.columns):
            with self.out.block(f"if w[{position}] is not None:"):
                self.out.line(f"{self._slot(path, natives)} = w[{position}]")
            if node.rules.none:
                with self.out.block("else:"):
                    self.out.line(f"{self._slot(path, natives)} = {self._first_none(node)}")

    def _guarded(self, scope: Scope, node: Node, natives: Natives, index: str, write: Callable[[], None]) -> None:
        """Write under the node's condition, with what a converter refuses noted."""
        if isinstance(node, Column) and node.flat and node.rules.when is None:
            write()
            return
        where = self.out.constant(field_label(scope, node), "S")
        with self.out.block("try:"), self.out.when(self._allowed(scope, node, natives)):
            write()
        with self.out.block("except OutsideDomain as error:"):
            self.out.line(f"refused(found, {where}, v, error, {index})")

    def _allowed(self, scope: Scope, node: Node, natives: Natives) -> str:
        """Test the condition, and that no field before this one has taken a place they share."""
        condition = self._condition(node.rules.when, natives)
        shared = shared_with(scope, node)
        if shared is None or node is shared.nodes[0]:
            return condition
        container, name, _ = natives.leaf(shared.nodes[0].at[0])
        return f"{condition} and {name!r} not in {natives.variables[container]}"

    def _condition(self, when: Condition | None, natives: Natives) -> str:
        """Test what was written; a discriminator that nothing else wrote is written here."""
        if when is None:
            return ""
        container, name, _ = natives.leaf(when.path)
        value = f"{natives.variables[container]}.get({name!r})"
        if when.present is not None:
            return f"there({value})" if when.present else f"not there({value})"
        with self.out.block(f"if {value} in (None, ''):"):
            self.out.line(f"{self._slot(when.path, natives)} = {self.out.constant(when.written, 'C')}")
        return f"word({value}) in {self.out.constant(when.values, 'W')}"

    def _otherwise_nothing(self, node: Node, natives: Natives) -> None:
        """A missing value writes the first of `none`, else nothing; a shared native name waits for its other fields."""
        if node.rules.none and node.rules.when is None:
            with self.out.block("else:"):
                slots = " = ".join(self._slot(path, natives) for path in written(node))
                self.out.line(f"{slots} = {self._first_none(node)}")

    def _nothing_where_free(self, node: Node, natives: Natives) -> None:
        when = node.rules.when
        if not node.rules.none or when is None:
            return
        container, name, _ = natives.leaf(when.path)
        value = f"{natives.variables[container]}.get({name!r})"
        fits = f"word({value}) in {self.out.constant(('', *when.values), 'W')}" if when.present is None else "True"
        for path in written(node):
            held, leaf, _ = natives.leaf(path)
            with self.out.block(f"if {leaf!r} not in {natives.variables[held]} and {fits}:"):
                self.out.line(f"{self._slot(path, natives)} = {self._first_none(node)}")

    def _first_none(self, node: Node) -> str:
        return self.out.constant(node.rules.none[0], "N")

    def _rows(self, node: Rows, natives: Natives, objects: dict[tuple[str, ...], str], index: str) -> None:
        shape = natives.shape.at(node.path.steps)
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
                self.out.line(f"{self._slot(node.path, natives)} = {made}")

    def _constant(self, constant: Constant, natives: Natives, index: str) -> None:
        self._container(natives.leaf(constant.path)[0], natives)
        slot = self._slot(constant.path, natives)
        if constant.write is None:
            self.out.line(f"{slot} = {self.out.constant(constant.value, 'C')}")
            return
        where = self.out.constant(FieldLabel(str(constant.path), "", str(constant.path)), "S")
        with self.out.block("try:"):
            self.out.line(f"w = {self.out.constant(constant.write, 'C')}(d, values)")
            with self.out.block("if w is not None:"):
                self.out.line(f"{slot} = w")
        with self.out.block("except OutsideDomain as error:"):
            self.out.line(f"refused(found, {where}, None, error, {index})")


def _read_by(node: Node) -> tuple[Target, ...]:
    return node.targets if isinstance(node, Column) else (node.target,)


def _places(path: Path, natives: Natives) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Each object on the way to a native place, and what of it the way leads through."""
    container, name, _ = natives.leaf(path)
    for depth, step in enumerate(container):
        yield container[:depth], str(step)
    yield container, name


def _value(steps: tuple[str, ...], objects: dict[tuple[str, ...], str]) -> str:
    return f"{objects[steps[:-1]]}.get({steps[-1]!r})"
