"""Notifications: what is told to people about entries of the ledger, by mail."""
