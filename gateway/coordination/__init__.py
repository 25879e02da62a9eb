"""What the processes of one ledger tell each other and share. All of it may be lost: the ledger is the truth."""

from gateway.coordination.rates import Rate
from gateway.coordination.shared import Forgetful, MemoryStore, SharedMemory, SharedStore, Unshared, Unsure
from gateway.coordination.wakeups import Carrier, WakeUps
from gateway.coordination.words import CHANGES, CLAIMS, Tell, Told, nobody

__all__ = [
    "CHANGES",
    "CLAIMS",
    "Carrier",
    "Forgetful",
    "MemoryStore",
    "Rate",
    "SharedMemory",
    "SharedStore",
    "Tell",
    "Told",
    "Unshared",
    "Unsure",
    "WakeUps",
    "nobody",
]
