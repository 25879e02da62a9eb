"""The facade: everything api, console and command line may ask of a running gateway."""

from gateway.access import Principal
from gateway.hub.hub import Hub

__all__ = ["Hub", "Principal"]
