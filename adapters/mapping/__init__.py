"""The two-way mapping engine: one declaration between native fields and a canonical document, compiled once."""

from adapters.mapping.codes import CodeTable
from adapters.mapping.converters import REGISTRY
from adapters.mapping.program import Inward, PathUse, Program, compile_mapping

__all__ = ["REGISTRY", "CodeTable", "Inward", "PathUse", "Program", "compile_mapping"]
