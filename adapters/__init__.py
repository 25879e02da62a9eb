"""The platforms: bundles of declarations, and what makes adapters of them. Never opens a socket."""

from adapters.bundled import bundled
from adapters.declarative import DeclarativeAdapter, load
from adapters.source import BrokenBundle, BundleFinding

__all__ = ["BrokenBundle", "BundleFinding", "DeclarativeAdapter", "bundled", "load"]
