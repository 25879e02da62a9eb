"""The checks that a bundle must pass, without I/O beyond reading its files."""

from adapters.check.checking import Watch, check, prove, unwatched
from adapters.check.report import Report

__all__ = ["Report", "Watch", "check", "prove", "unwatched"]
