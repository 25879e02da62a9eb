"""The life of adapter versions: uploaded, proven, tried in the shadow of another, followed, retired."""

from gateway.lifecycle.lifecycle import Lifecycle
from gateway.lifecycle.release import Release
from gateway.lifecycle.shadow import Run

__all__ = ["Lifecycle", "Release", "Run"]
