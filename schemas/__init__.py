"""The language: canonical documents, identifiers and code tables. Pure — no network, no store, no framework."""
