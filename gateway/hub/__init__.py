"""The facade: everything api, console and command line may ask of a running gateway."""

from gateway.access import Principal
from gateway.hub.hub import Background, Hub

__all__ = ["Background", "Hub", "Principal"]
