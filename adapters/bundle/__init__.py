"""A bundle read from its folder or zip, every part of it checked against the grammar."""

from adapters.bundle.bundle import Bundle, assemble, load
from adapters.bundle.grammar import Manifest

__all__ = ["Bundle", "Manifest", "assemble", "load"]
