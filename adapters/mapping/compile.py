"""Compile a mapping file once: read, check, generate."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from adapters.mapping import reading
from adapters.mapping.checked import check
from adapters.mapping.codes import CodeTable
from adapters.mapping.faults import Faults
from adapters.mapping.inward import compile_inward
from adapters.mapping.outward import compile_outward
from adapters.mapping.program import Code, Program
from adapters.mapping.shape import shape_of
from adapters.source import Source


def compile_mapping(
    source: Source, codes: Mapping[str, CodeTable], *, settings: Collection[str] | None = None
) -> Program:
    """Compile a mapping against the canonical document it names and the bundle's code tables.

    `settings` are the names constants may use as placeholders; None: any name may be one. Raises
    `adapters.source.BrokenBundle` with every fault, each with its line and what to do.
    """
    faults = Faults(source)
    plan = check(reading.read(source, faults), source.name, codes, settings, faults)
    shape = shape_of(plan)
    inward, inward_source = compile_inward(plan, shape)
    outward, outward_source = compile_outward(plan, shape)
    return Program(plan, Code(inward, outward, inward_source, outward_source), tuple(faults.notes))
