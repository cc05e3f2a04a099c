"""Projections: read tables folded from the ledger, one projector a file, and the catch-up engine that keeps them up to date."""
