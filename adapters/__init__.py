"""The platforms: bundles of declarations, and the code that makes adapters of them. Never opens a socket."""

from adapters.adapter import DeclarativeAdapter, bundled, load
from adapters.source import BrokenBundle, BundleFinding

__all__ = ["BrokenBundle", "BundleFinding", "DeclarativeAdapter", "bundled", "load"]
