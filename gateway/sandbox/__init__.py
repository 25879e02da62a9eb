"""Platforms as the gateway sees them, made from any bundle: to try things out, and to prove a bundle."""

from gateway.sandbox.double import Double
from gateway.sandbox.serve import running, serve

__all__ = ["Double", "running", "serve"]
