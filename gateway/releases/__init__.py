"""Adapter versions and their life: uploaded, proven, tried in the shadow of another, followed, retired."""

from gateway.releases.release import Release
from gateway.releases.releases import Releases

__all__ = ["Release", "Releases"]
