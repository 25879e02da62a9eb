"""The proof a bundle must pass, without I/O beyond reading its files."""

from adapters.check.checking import check, prove
from adapters.check.report import Report

__all__ = ["Report", "check", "prove"]
