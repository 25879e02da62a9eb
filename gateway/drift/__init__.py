"""Drift: what platforms send that their adapters do not know, noticed on live traffic and bounded in memory."""

from gateway.drift.drift import Drift
from gateway.drift.page import Oddity, Page, What

__all__ = ["Drift", "Oddity", "Page", "What"]
