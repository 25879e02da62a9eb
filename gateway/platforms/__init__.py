"""The register of platforms: the one owner of every change of a platform."""

from gateway.platforms.register import Register

__all__ = ["Register"]
