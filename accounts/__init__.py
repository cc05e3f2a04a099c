"""Accounts: sign-up, log-in, roles, tokens, erasure. They are in ordinary tables, not in the ledger, so that a person can be
erased."""
