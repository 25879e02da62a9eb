"""Processes beside the gateway that read what is large or heavy, each within bounds of time and memory."""

from gateway.readers.frames import Task
from gateway.readers.pool import OnThreads, Readers, TaskRunner, TooCostly
from gateway.readers.process import ReaderBounds
from gateway.readers.weight import is_heavy

__all__ = ["OnThreads", "ReaderBounds", "Readers", "Task", "TaskRunner", "TooCostly", "is_heavy"]
