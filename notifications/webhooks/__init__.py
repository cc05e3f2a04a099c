"""Webhooks: programs are told about entries of the ledger, as https://www.standardwebhooks.com says."""
