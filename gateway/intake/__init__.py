"""Intake: from a platform's bytes to messages and deliveries kept in the ledger."""
