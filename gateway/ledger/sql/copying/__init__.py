"""A ledger copied from one engine to the other, and two ledgers compared: no gateway runs on either meanwhile."""

from gateway.ledger.sql.copying.comparison import Compared, TableDigest, compare
from gateway.ledger.sql.copying.copier import Copied, copy
from gateway.ledger.sql.copying.migrating import Migrated, migrate
from gateway.ledger.sql.copying.progress import CopyStep, Tell

__all__ = ["Compared", "Copied", "CopyStep", "Migrated", "TableDigest", "Tell", "compare", "copy", "migrate"]
