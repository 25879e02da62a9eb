"""The ledger in a SQL database: one writer that commits batches, readers beside it."""

from gateway.ledger.sql.ledger import SqlLedger

__all__ = ["SqlLedger"]
