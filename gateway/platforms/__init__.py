"""The register of platforms: the one owner of every change of a platform, and the reconciler beside it."""

from gateway.platforms.mirror import Mirror
from gateway.platforms.people import People
from gateway.platforms.reconciler import Reconciler
from gateway.platforms.register import Register

__all__ = ["Mirror", "People", "Reconciler", "Register"]
