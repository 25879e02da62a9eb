"""The facade: everything api, console and command line may ask of a running gateway."""

from gateway.hub.hub import Hub
from gateway.hub.principals import Principal

__all__ = ["Hub", "Principal"]
