"""What is learned from live traffic beside it: how a version in shadow differs, and what platforms send unknown."""

from gateway.observe.observers import Observers

__all__ = ["Observers"]
