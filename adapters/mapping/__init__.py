"""The two-way mapping engine: one declaration between native fields and a canonical document, compiled once."""

from adapters.mapping.codes import CodeTable
from adapters.mapping.compile import compile_mapping
from adapters.mapping.converters import REGISTRY
from adapters.mapping.program import Inward, Place, Program

__all__ = ["REGISTRY", "CodeTable", "Inward", "Place", "Program", "compile_mapping"]
