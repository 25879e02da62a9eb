"""What the processes of one ledger tell each other. All of it may be lost: the ledger is the truth."""

from gateway.coordination.wakeups import Carrier, WakeUps
from gateway.coordination.words import CHANGES, CLAIMS, Tell, Told, nobody

__all__ = ["CHANGES", "CLAIMS", "Carrier", "Tell", "Told", "WakeUps", "nobody"]
