"""The read tables: one projector a file, and the engine that keeps them at the ledger's heels."""
