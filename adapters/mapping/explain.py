"""Lineage: which native path, converters and code table give each canonical field."""

from __future__ import annotations

from adapters.base import Lineage
from adapters.mapping.converters import Converter
from adapters.mapping.plan import Column, Node, Parallel, Parts, Plan, Rows, canonical, paths_of
from adapters.mapping.syntax import NOTHING

_DIGEST = 12


def lineage(plan: Plan) -> tuple[Lineage, ...]:
    """One entry a canonical field, in the order of the mapping."""
    return tuple(entry for node in plan.root.walk() for entry in _entries(node))


def _entries(node: Node) -> list[Lineage]:
    if isinstance(node, Rows):
        return [_entry(node, 0, (), f"{node.path.under(node.place)}")]
    if isinstance(node, Parallel):
        paths = [str(path.under(node.place)) for _, path in node.columns]
        return [_entry(node, position, (), path) for position, path in enumerate(paths)]
    paths = [str(path.under(node.place)) for path in paths_of(node)]
    place = " + ".join(paths) if isinstance(node, Parts) else next(iter(paths), "")
    return [_entry(node, position, node.chain, place) for position in range(len(canonical(node)))]


def _entry(node: Node, position: int, chain: tuple[Converter, ...], path: str) -> Lineage:
    target = canonical(node)[position]
    tables = [step.codes for step in chain if step.codes is not None]
    labels = [step.label for step in chain if step.name]
    if isinstance(node, Parallel):
        labels = [f"split: {node.on}"]
    return Lineage(
        target.path,
        target.field.title,
        path,
        tuple(labels),
        ", ".join(f"{table.name}@{table.digest[:_DIGEST]}" for table in tables) or None,
        "; ".join(_notes(node)) or None,
    )


def _notes(node: Node) -> list[str]:
    """What else an author said about the field, in the words of the grammar."""
    rules, notes = node.rules, []
    if isinstance(node, Column) and len(node.at) > 1:
        notes.append("else " + ", ".join(str(path.under(node.place)) for path in node.at[1:]))
    if rules.none:
        notes.append("none: " + ", ".join(map(repr, rules.none)))
    if rules.default is not NOTHING:
        notes.append(f"default: {rules.default}")
    if rules.also:
        notes.append("also: " + ", ".join(map(str, rules.also)))
    if rules.when is not None:
        test = " | ".join(rules.when.values) if rules.when.present is None else f"present: {rules.when.present}"
        notes.append(f"when {rules.when.path}: {test}")
    if rules.only:
        notes.append(f"only: {rules.only}")
    if rules.lossy:
        notes.append(f"lossy: {rules.lossy}")
    return notes
