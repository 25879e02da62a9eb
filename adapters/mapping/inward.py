"""Write the source of a mapping's way in: native tree → canonical document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.mapping.emitting import Emitter, Natives, field_label, none_texts, parallel_columns, required_labels
from adapters.mapping.plan import Column, NativeNames, Node, Parallel, Parts, Plan, Rows, Scope, Target, shared_with
from adapters.mapping.runtime import FieldLabel, Gate, reader
from adapters.mapping.syntax import NOTHING, Condition
from adapters.paths import EACH, Path, Step


def compile_inward(plan: Plan, shape: NativeNames) -> tuple[Callable[[Any], Any], str]:
    """Make `inward(tree) -> (document, findings, unknown paths)` and its source."""
    emitter = Emitter()
    writing = _Inward(emitter, watch=plan.unknown != "ignore")
    writing.scope(plan.root, shape, "n", "d", "()")
    return emitter.function("inward", "n", "found = []; drift = {}; d = {}", "return d, found, drift", plan.name)


class _Inward:
    """One function in the making."""

    def __init__(self, emitter: Emitter, *, watch: bool) -> None:
        self.out = emitter
        self.watch = watch

    def scope(self, scope: Scope, shape: NativeNames, native: str, canonical: str, index: str) -> None:
        """Read one object `native` into the empty dict `canonical`."""
        natives = Natives(shape, native)
        # Every variable is bound before the first field, outside any condition: a generated line may then
        # name it whichever branches were taken before.
        self._watch(scope, shape, native, ())
        self._natives(scope, shape, natives, (), index)
        objects = self._objects(scope, canonical)
        for node in scope.nodes:
            if node.rules.reads:
                self._node(scope, node, natives, objects, index)
        self._close(scope, natives, objects, index)

    def _watch(self, scope: Scope, shape: NativeNames, native: str, steps: tuple[Step, ...]) -> None:
        if self.watch and not shape.open:
            known = self.out.constant(frozenset(shape.children), "K")
            path = str(Path(steps).under(scope.base))
            with self.out.block(f"if not {native}.keys() <= {known}:"):
                self.out.line(f"strange({native}, {known}, {path!r}, drift)")

    def _natives(self, scope: Scope, shape: NativeNames, natives: Natives, steps: tuple[Step, ...], index: str) -> None:
        """Fetch each native object of the scope once."""
        for name, child in shape.children.items():
            here = (*steps, name)
            if child.each:
                self._watch_rows(scope, child, natives, here)
            if not child.holds:
                continue
            variable = self.out.name("n")
            natives.variables[here] = variable
            path = Path(here).under(scope.base)
            where = self.out.constant(FieldLabel(str(path), "", str(path)), "S")
            known = self.out.constant(frozenset(child.children), "K")
            self.out.line(f"{variable} = {natives.variables[steps]}.get({name!r})")
            with self.out.block(f"if {variable}.__class__ is not dict:"):
                self.out.line(f"{variable} = inside({variable}, {where}, {known}, found, {index})")
            self._watch(scope, child, variable, here)
            self._natives(scope, child, natives, here, index)

    def _watch_rows(self, scope: Scope, shape: NativeNames, natives: Natives, steps: tuple[Step, ...]) -> None:
        """Look for unknown names in the elements of a list that no `each` walks through."""
        walked = {node.path.steps for node in scope.nodes if isinstance(node, Rows) and node.rules.reads}
        path = (*steps, EACH)
        if self.watch and shape.children and not shape.open and path not in walked:
            known = self.out.constant(frozenset(shape.children), "K")
            value = f"{natives.variables[steps[:-1]]}.get({steps[-1]!r})"
            self.out.line(f"strange_rows({value}, {known}, {str(Path(path).under(scope.base))!r}, drift)")

    def _objects(self, scope: Scope, canonical: str) -> dict[tuple[str, ...], str]:
        """Make the canonical objects of the scope, to be kept only when something is in them."""
        objects: dict[tuple[str, ...], str] = {(): canonical}
        for node in scope.nodes:
            for target in _written_by(node):
                for depth in range(1, len(target.steps)):
                    steps = target.steps[:depth]
                    if steps not in objects:
                        objects[steps] = self.out.name("d")
                        self.out.line(f"{objects[steps]} = {{}}")
        return objects

    def _close(self, scope: Scope, natives: Natives, objects: dict[tuple[str, ...], str], index: str) -> None:
        # The innermost objects first: an outer one is kept only when something is in it by then. What is
        # required of an optional object is required only when the object is there.
        for steps, variable in sorted(objects.items(), key=lambda item: -len(item[0])):
            with self.out.when(variable if steps or scope.prefix else ""):
                self._require(required_labels(scope, steps), variable, index, self._shut(scope, steps, natives))
                if steps:
                    self.out.line(f"{objects[steps[:-1]]}[{steps[-1]!r}] = {variable}")

    def _require(self, labels: dict[str, FieldLabel], variable: str, index: str, shut: str = "{}") -> None:
        if labels:
            names = self.out.constant(frozenset(labels), "R")
            with self.out.block(f"if not {names} <= {variable}.keys():"):
                self.out.line(f"lacking({variable}, {self.out.constant(labels, 'S')}, found, {index}, {shut})")

    def _shut(self, scope: Scope, container: tuple[str, ...], natives: Natives) -> str:
        """Write the conditions that left out required fields of a container: name → condition, as far as they fail."""
        gated = (
            (target.steps[-1], node.rules.when, Gate.of(node.rules.when, scope.base))
            for target in scope.required.get(container, ())
            for node in scope.nodes
            if node.rules.when is not None and target in _written_by(node)
        )
        parts = (
            f"**({{}} if {self._condition(when, natives)} else {{{name!r}: {self.out.constant(gate, 'G')}}})"
            for name, when, gate in gated
        )
        return f"{{{', '.join(parts)}}}"

    def _node(
        self, scope: Scope, node: Node, natives: Natives, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        if isinstance(node, Rows):
            self._rows(node, natives, objects, index)
            return
        if isinstance(node, Column) and not node.at:
            self._default(node, objects)
            return
        where = self.out.constant(field_label(scope, node), "S")
        with self.out.block("try:"), self.out.when(self._holding(scope, node, natives)):
            if isinstance(node, Column):
                self._column(node, natives, objects)
            elif isinstance(node, Parallel):
                self._parallel(scope, node, natives, objects, index)
            else:
                self._parts(node, natives, objects)
        with self.out.block("except OutsideDomain as error:"):
            self.out.line(f"refused(found, {where}, v, error, {index})")
        if node.rules.otherwise and node.rules.when is not None:
            self._otherwise(node, node.rules.when, natives, objects)

    def _otherwise(self, node: Node, when: Condition, natives: Natives, objects: dict[tuple[str, ...], str]) -> None:
        """Read what the condition's own value stands for, where the condition does not hold."""
        values = self.out.constant(dict(node.rules.otherwise), "E")
        value = self._get(when.path, natives)
        with self.out.block(f"if not ({self._condition(when, natives)}) and word({value}) in {values}:"):
            for target in _written_by(node):
                self.out.line(f"{_slot(target, objects)} = {values}[word({value})]")

    def _holding(self, scope: Scope, node: Node, natives: Natives) -> str:
        """Test that the place holds this field, and not another that shares it."""
        shared = shared_with(scope, node)
        if shared is None:
            return self._condition(node.rules.when, natives)
        tests = ", ".join(self._condition(one.rules.when, natives) for one in shared.nodes)
        kinds = self.out.constant(shared.identifiers, "I")
        value = self._get(shared.nodes[0].at[0], natives)
        return f"rightful({value}, ({tests}), {kinds}) == {shared.nodes.index(node)}"

    def _condition(self, when: Condition | None, natives: Natives) -> str:
        if when is None:
            return ""
        value = self._get(when.path, natives)
        if when.present is not None:
            return f"there({value})" if when.present else f"not there({value})"
        return f"word({value}) in {self.out.constant(when.values, 'W')}"

    def _get(self, path: Path, natives: Natives) -> str:
        container, name, _ = natives.leaf(path)
        return f"{natives.variables[container]}.get({name!r})"

    def _column(self, node: Column, natives: Natives, objects: dict[tuple[str, ...], str]) -> None:
        there = self._there(node)
        none = self.out.constant(frozenset(none_texts(node)), "N") if node.rules.none else "()"
        for position, path in enumerate(node.at):
            if position == 0:
                self._read(node, path, natives, none)
                continue
            with self.out.block(f"if not ({there}):"):
                self._read(node, path, natives, none)
        with self.out.block(f"if {there}:"):
            self._assign(node, objects)
        if node.rules.default is not NOTHING:
            with self.out.block("else:"):
                self._default(node, objects)

    def _there(self, node: Column) -> str:
        """Test that what was read means something. Zero and false do."""
        texts = tuple(text for text in none_texts(node) if text)
        if node.listed or (node.flat and not texts):
            return "v"
        return f"v not in {self.out.constant((None, '', *texts), 'N')}"

    def _read(self, node: Column, path: Path, natives: Natives, none: str) -> None:
        container, name, after = natives.leaf(path)
        value = f"{natives.variables[container]}.get({name!r})"
        self.out.line(f"v = {value}")
        if node.listed:
            self.out.line(f"v = elements(v, {self.out.constant(after, 'A')}, {none})")
            return
        with self.out.block("if v.__class__ is str:"):
            self.out.line("v = v.strip()")
        with self.out.block("elif v is not None:"):
            self.out.line(f"v = {'bare_text' if node.flat else 'bare'}(v, {none})")

    def _assign(self, node: Column, objects: dict[tuple[str, ...], str]) -> None:
        if node.flat:
            self.out.line(f"{_slot(node.targets[0], objects)} = v")
            return
        convert = self.out.constant(reader(node.chain, node.listed, len(node.targets)), "F")
        if len(node.targets) > 1:
            self.out.line(f"w = {convert}(v)")
            for position, target in enumerate(node.targets):
                with self.out.block(f"if w[{position}] is not None:"):
                    self.out.line(f"{_slot(target, objects)} = w[{position}]")
        elif any(step.gives in ("list", "tree") for step in node.chain):
            with self.out.block(f"if (w := {convert}(v)) not in (None, '', [], {{}}):"):
                self.out.line(f"{_slot(node.targets[0], objects)} = w")
        else:
            self.out.line(f"{_slot(node.targets[0], objects)} = {convert}(v)")

    def _default(self, node: Column, objects: dict[tuple[str, ...], str]) -> None:
        value = self.out.constant(node.rules.default, "D")
        copied = f"list({value})" if isinstance(node.rules.default, list) else value
        for target in node.targets:
            self.out.line(f"{_slot(target, objects)} = {copied}")

    def _parallel(
        self, scope: Scope, node: Parallel, natives: Natives, objects: dict[tuple[str, ...], str], index: str
    ) -> None:
        columns = self.out.constant(parallel_columns(node).read, "P")
        values = "".join(f"{self._get(path, natives)}, " for _, path in node.columns)
        self.out.line(f"v = ({values})")
        with self.out.block(f"if w := {columns}(v):"):
            self.out.line(f"{_slot(node.target, objects)} = w")
            labels = _parallel_labels(scope, node)
            if labels:
                with self.out.block("for i, one in enumerate(w):"):
                    self._require(labels, "one", f"(*{index}, i)")

    def _parts(self, node: Parts, natives: Natives, objects: dict[tuple[str, ...], str]) -> None:
        values = "".join(f"{self._get(path, natives)}, " for _, path in node.columns)
        names = self.out.constant(tuple(name for name, _ in node.columns), "A")
        none = self.out.constant(frozenset(none_texts(node)), "N")
        convert = self.out.constant(reader(node.chain, False, 1), "F")
        self.out.line(f"v = ({values})")
        self.out.line(f"v = gathered(v, {names}, {none})")
        with self.out.block("if v is not None:"):
            self.out.line(f"{_slot(node.target, objects)} = {convert}(v)")

    def _rows(self, node: Rows, natives: Natives, objects: dict[tuple[str, ...], str], index: str) -> None:
        container, name, _ = natives.leaf(node.path)
        shape = natives.shape.at(node.path.steps)
        items, made, row, native = (self.out.name(letter) for letter in ("v", "w", "d", "n"))
        position = self.out.name("i")
        inner = f"(*{index}, {position})" if index != "()" else f"({position},)"
        place = node.path.under(node.base)
        where = self.out.constant(FieldLabel(str(place), node.target.path, node.target.field.title), "S")
        known = self.out.constant(frozenset(shape.children), "K")
        self.out.line(f"{items} = {natives.variables[container]}.get({name!r})")
        with self.out.block(f"if {items} is not None:"):
            self.out.line(f"{made} = []")
            listed = f"{items} if {items}.__class__ is list else ({items},)"
            with self.out.block(f"for {position}, {native} in enumerate({listed}):"):
                with self.out.block(f"if {native}.__class__ is not dict:"):
                    self.out.line(f"{native} = inside({native}, {where}, {known}, found, {inner})")
                self.out.line(f"{row} = {{}}")
                self.scope(node.scope, shape, native, row, inner)
                with self.out.block(f"if {row}:"):
                    self.out.line(f"{made}.append({row})")
            with self.out.block(f"if {made}:"):
                self.out.line(f"{_slot(node.target, objects)} = {made}")


def _parallel_labels(scope: Scope, node: Parallel) -> dict[str, FieldLabel]:
    origins = {target.path: str(path.under(scope.base)) for target, path in node.columns}
    return {
        target.steps[-1]: FieldLabel(origins.get(target.path, ""), target.path, target.field.title)
        for target in node.required
    }


def _written_by(node: Node) -> tuple[Target, ...]:
    if not node.rules.reads:
        return ()
    return node.targets if isinstance(node, Column) else (node.target,)


def _slot(target: Target, objects: dict[tuple[str, ...], str]) -> str:
    return f"{objects[target.steps[:-1]]}[{target.steps[-1]!r}]"
