"""What the processes of one ledger tell each other. All of it may be lost: the ledger is the truth."""

from gateway.coordination.words import CHANGES, CLAIMS, Tell, Told, WakeUps, nobody

__all__ = ["CHANGES", "CLAIMS", "Tell", "Told", "WakeUps", "nobody"]
