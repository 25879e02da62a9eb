"""The platform's own schemas: validate a body, and tell what it may hold."""

from adapters.native.findings import Location
from adapters.native.schema import NativeSchema, compile_schema
from adapters.native.shape import Shape

__all__ = ["Location", "NativeSchema", "Shape", "compile_schema"]
