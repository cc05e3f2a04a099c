"""People: sign-up, log-in, roles, tokens, erasure. Ordinary tables, not the ledger, so that a person can be forgotten."""
